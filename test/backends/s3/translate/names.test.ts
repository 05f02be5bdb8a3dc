/** Buckets under other names and below a prefix, through all that names them: S3 before S3, with the AWS SDK. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteBucketLifecycleCommand,
  DeleteObjectsCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  type ListObjectsCommandOutput,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketAclCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KEY, S3Rig, signedHead } from '../../../support/s3-rig.ts'

const upstream = new S3Rig()
const rig = new S3Rig()
let service: S3Client
let client: S3Client
const PREFIX = 'team a+é/'
const KEYS = ['dir/one', 'dir/sub/three', 'dir/two + é', 'top', 'zu/letzt']

beforeAll(async () => {
  await upstream.start({ region: 'eu-north-1' })
  service = upstream.client()
  await rig.backend('b', {
    endpoint: `http://127.0.0.1:${upstream.port}`,
    region: 'eu-north-1',
    credentials: { accessKeyId: KEY, secretAccessKey: { env: 'PORTOLAN_TEST_S3_SECRET' } },
    buckets: {
      below: { name: 'shared', prefix: PREFIX },
      beside: { name: 'shared', prefix: 'others/' },
      renamed: { name: 'real' },
    },
  })
  await rig.start({ region: 'us-west-7' })
  client = rig.client({ region: 'us-west-7' })
  for (const Bucket of ['shared', 'real', 'plain']) await service.send(new CreateBucketCommand({ Bucket }))
  for (const Bucket of ['below', 'renamed', 'plain'])
    for (const Key of KEYS) await client.send(new PutObjectCommand({ Bucket, Key, Body: `${Bucket} ${Key}` }))
  await service.send(new PutObjectCommand({ Bucket: 'shared', Key: 'others/dir/foreign', Body: 'foreign' }))
})
afterAll(async () => {
  await rig.close()
  await upstream.close()
})

test('objects are where they should be at the service', async () => {
  const listed = await service.send(new ListObjectsV2Command({ Bucket: 'shared' }))
  expect(listed.Contents!.map(({ Key }) => Key).sort()).toEqual(
    ['others/dir/foreign', ...KEYS.map(key => PREFIX + key)].sort(),
  )
})

test('ListBuckets has the names of the application', async () => {
  const { Buckets } = await client.send(new ListBucketsCommand({}))
  expect(Buckets!.map(({ Name }) => Name).sort()).toEqual(['below', 'beside', 'plain', 'renamed'])
})

test("the service's own names are no way past a prefix", async () => {
  for (const Bucket of ['shared', 'real'])
    await expect(client.send(new ListObjectsV2Command({ Bucket }))).rejects.toMatchObject({ name: 'NoSuchBucket' })
  // To Ceph, an empty tenant is its own.
  const { head } = signedHead({ method: 'GET', target: '/%3Ashared', contentSha256: 'UNSIGNED-PAYLOAD' })
  expect(await rig.raw(head, text => text.includes('</Error>'))).toContain('<Code>NoSuchBucket</Code>')
  const arn = 'arn:aws:s3:us-east-1:1:accesspoint/shared/object/others/dir/foreign'
  for (const CopySource of ['shared/others/dir/foreign', ':shared/others/dir/foreign', arn]) {
    const copy = new CopyObjectCommand({ Bucket: 'below', Key: 'x', CopySource })
    await expect(client.send(copy)).rejects.toMatchObject({ name: 'NoSuchBucket' })
  }
})

test('s3proxy#769: nor do dots lead out of one, whatever the service makes of them', async () => {
  const Key = '../others/dir/foreign'
  const name = 'InvalidArgument'
  await expect(client.send(new HeadBucketCommand({ Bucket: 'below' }))).resolves.toBeDefined()
  await expect(client.send(new GetObjectCommand({ Bucket: 'below', Key }))).rejects.toMatchObject({ name })
  const copy = new CopyObjectCommand({ Bucket: 'below', Key: 'x', CopySource: `below/${Key}` })
  await expect(client.send(copy)).rejects.toMatchObject({ name })
  await expect(client.send(new GetObjectCommand({ Bucket: 'plain', Key }))).rejects.toMatchObject({ name: 'NoSuchKey' })
})

describe('what would concern the whole bucket of the service', () => {
  const Bucket = 'below'
  const name = 'NotImplemented'
  test.each([
    new DeleteBucketCommand({ Bucket }),
    new DeleteBucketLifecycleCommand({ Bucket }),
    new GetBucketLifecycleConfigurationCommand({ Bucket }),
    new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [] } }),
    new PutBucketPolicyCommand({ Bucket, Policy: '{}' }),
    new GetBucketPolicyCommand({ Bucket }),
    new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }),
    new PutBucketAclCommand({ Bucket, ACL: 'public-read' }),
    new CreateBucketCommand({ Bucket, ACL: 'public-read' }),
    new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }),
  ])('is refused where it is shared: %o', async command => {
    await expect(client.send(command as DeleteBucketCommand)).rejects.toMatchObject({ name })
  })

  test('as is what nobody knows', async () => {
    const { head } = signedHead({ method: 'PUT', target: `/${Bucket}?whatever`, contentSha256: 'UNSIGNED-PAYLOAD' })
    expect(await rig.raw(head, text => text.includes('</Error>'))).toContain('<Code>NotImplemented</Code>')
  })

  test('and the bucket is as it was', async () => {
    await service.send(new HeadBucketCommand({ Bucket: 'shared' }))
    await client.send(new HeadBucketCommand({ Bucket }))
    await client.send(new CreateBucketCommand({ Bucket }))
    expect((await client.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBeUndefined()
  })

  test('but goes on where a bucket only has another name', async () => {
    const gone = client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: 'renamed' }))
    // What the embedded store behind it says.
    await expect(gone).rejects.toMatchObject({ message: expect.not.stringContaining('prefix') })
  })
})

describe.each(['below', 'renamed', 'plain'])('%s', Bucket => {
  const Delimiter = '/'
  const names = (objects: readonly { Key?: string | undefined }[] | undefined) => objects?.map(({ Key }) => Key)

  test.each([undefined, 'url'] as const)('is listed in version 2, encoding %s', async EncodingType => {
    const decode = (text: string | undefined) =>
      decodeURIComponent((text ?? '').replaceAll('+', EncodingType ? ' ' : '+'))
    const all = await client.send(new ListObjectsV2Command({ Bucket, EncodingType }))
    expect(all.Name).toBe(Bucket)
    expect(all.Contents!.map(({ Key }) => decode(Key))).toEqual(KEYS)
    const dirs = await client.send(new ListObjectsV2Command({ Bucket, Delimiter, EncodingType }))
    expect(dirs.CommonPrefixes!.map(({ Prefix }) => decode(Prefix))).toEqual(['dir/', 'zu/'])
    expect(names(dirs.Contents)).toEqual(['top'])
    expect(dirs.Prefix ?? '').toBe('')
    const after = await client.send(new ListObjectsV2Command({ Bucket, StartAfter: 'dir/two + é', EncodingType }))
    expect(after.Contents!.map(({ Key }) => decode(Key))).toEqual(['top', 'zu/letzt'])
    expect(decode(after.StartAfter)).toBe('dir/two + é')
    const within = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'dir/', EncodingType }))
    expect(decode(within.Prefix)).toBe('dir/')
    expect(within.KeyCount).toBe(3)
  })

  test('is listed page by page in both versions', async () => {
    const second: (string | undefined)[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 2, ContinuationToken }))
      second.push(...names(page.Contents)!)
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
    expect(second).toEqual(KEYS)
    const first: (string | undefined)[] = []
    let Marker: string | undefined = ''
    do {
      const page: ListObjectsCommandOutput = await client.send(
        new ListObjectsCommand({ Bucket, MaxKeys: 1, Marker, Delimiter }),
      )
      expect(page.Marker ?? '').toBe(Marker)
      first.push(...(names(page.Contents) ?? []), ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix))
      Marker = page.NextMarker
    } while (Marker !== undefined)
    expect(first).toEqual(['dir/', 'top', 'zu/'])
  })

  test('its versions and uploads are listed', async () => {
    const { Versions, Name } = await client.send(new ListObjectVersionsCommand({ Bucket }))
    expect(Name).toBe(Bucket)
    expect(names(Versions)).toEqual(KEYS)
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'dir/upload' }))
    const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'dir/' }))
    expect(uploads.Bucket).toBe(Bucket)
    expect(uploads.Prefix).toBe('dir/')
    expect(uploads.Uploads!.map(({ Key, UploadId }) => [Key, UploadId])).toEqual([['dir/upload', UploadId]])
  })

  test('is written in parts, copied and deleted from', async () => {
    const Key = 'new/in parts'
    const created = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    expect([created.Bucket, created.Key]).toEqual([Bucket, Key])
    const { UploadId } = created
    const large = Buffer.alloc(5 * 1024 * 1024, 'part')
    const one = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: large }))
    const two = await client.send(
      new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber: 2, CopySource: `${Bucket}/top` }),
    )
    const parts = await client.send(new ListPartsCommand({ Bucket, Key, UploadId }))
    expect([parts.Bucket, parts.Key, parts.Parts!.length]).toEqual([Bucket, Key, 2])
    const Parts = [
      { PartNumber: 1, ETag: one.ETag },
      { PartNumber: 2, ETag: two.CopyPartResult!.ETag },
    ]
    const done = await client.send(
      new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
    )
    expect([done.Bucket, done.Key]).toEqual([Bucket, Key])
    expect(done.Location).toBe(`http://127.0.0.1:${rig.port}/${Bucket}/new/in%20parts`)
    expect(done.ETag).toMatch(/^"[0-9a-f]{32}-2"$/)
    const copied = await client.send(
      new CopyObjectCommand({ Bucket, Key: 'new/copy', CopySource: `${Bucket}/${encodeURIComponent(KEYS[2]!)}` }),
    )
    expect(copied.CopyObjectResult!.ETag).toMatch(/^"/)
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'new/copy' }))
    expect(await got.Body!.transformToString()).toBe(`${Bucket} ${KEYS[2]}`)
    const Objects = [{ Key }, { Key: 'new/copy' }, { Key: 'never & <there>' }]
    const { Deleted } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(names(Deleted)!.sort()).toEqual(Objects.map(({ Key }) => Key).sort())
    await expect(client.send(new HeadObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'NotFound' })
  })

  test('is where the application believes it to be, also in errors', async () => {
    const head = await client.send(new HeadBucketCommand({ Bucket }))
    expect(head.BucketRegion).toBe('us-west-7')
    expect((await client.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBe('us-west-7')
    const missing = await client.send(new GetObjectCommand({ Bucket, Key: 'dir/not there' })).catch(error => error)
    expect(missing).toMatchObject({ name: 'NoSuchKey', Key: 'dir/not there' })
    const response = JSON.stringify(missing)
    expect(response).not.toMatch(/shared|real|team/)
  })
})

test('a new bucket is told by the name that it was asked for', async () => {
  const created = await client.send(
    new CreateBucketCommand({
      Bucket: 'fresh',
      CreateBucketConfiguration: { LocationConstraint: 'us-west-7' as never },
    }),
  )
  expect(created.Location).toBe('/fresh')
  const again = await client.send(new CreateBucketCommand({ Bucket: 'renamed' })).catch(error => error)
  expect(JSON.stringify(again)).not.toContain('real')
  await client.send(new DeleteBucketCommand({ Bucket: 'fresh' }))
})
