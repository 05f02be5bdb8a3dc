/** What the AWS SDK makes of the embedded store's answers: that they parse into the shapes that the API promises. */
import {
  type ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectTaggingCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { S3Rig } from '../../support/s3-rig.ts'

const rig = new S3Rig()
let client: S3Client
const Bucket = 'embedded'
const PART = Buffer.alloc(5 * 1024 * 1024, 'part ')
const LAST = Buffer.from('the last')

beforeAll(async () => {
  await rig.start()
  client = rig.client()
  await client.send(new CreateBucketCommand({ Bucket }))
})
afterAll(() => rig.close())

describe.each<[ChecksumAlgorithm, 'COMPOSITE' | 'FULL_OBJECT']>([
  ['CRC32', 'COMPOSITE'],
  ['CRC32', 'FULL_OBJECT'],
  ['CRC32C', 'COMPOSITE'],
  ['CRC64NVME', 'FULL_OBJECT'],
  ['SHA1', 'COMPOSITE'],
  ['SHA256', 'COMPOSITE'],
])('an upload with %s, %s', (ChecksumAlgorithm, ChecksumType) => {
  test('is told of while it is under way, and then as an object', async () => {
    const Key = `${ChecksumAlgorithm} ${ChecksumType}`
    const create = new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm, ChecksumType })
    const { UploadId } = await client.send(create)
    const parts = []
    for (const [i, Body] of [PART, LAST].entries()) {
      const part = { Bucket, Key, UploadId, PartNumber: i + 1, Body, ChecksumAlgorithm }
      const { $metadata, ...said } = await client.send(new UploadPartCommand(part))
      parts.push({ PartNumber: i + 1, ...said })
    }
    const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket }))
    expect(uploads.Uploads).toMatchObject([
      { Key, UploadId, ChecksumAlgorithm, ChecksumType, StorageClass: 'STANDARD' },
    ])
    const listed = await client.send(new ListPartsCommand({ Bucket, Key, UploadId }))
    expect(listed.Parts).toMatchObject(parts.map((part, i) => ({ ...part, Size: [PART, LAST][i]!.length })))
    const complete = { Bucket, Key, UploadId, ChecksumType, MultipartUpload: { Parts: parts } }
    const done = await client.send(new CompleteMultipartUploadCommand(complete))
    const name = `Checksum${ChecksumAlgorithm}` as 'ChecksumCRC32'
    expect(done[name]).toMatch(ChecksumType === 'COMPOSITE' ? /^\S+-2$/ : /^\S+=$/)
    const attributes = await client.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key,
        ObjectAttributes: ['ETag', 'Checksum', 'ObjectParts', 'ObjectSize'],
      }),
    )
    expect(attributes).toMatchObject({
      ETag: done.ETag!.replaceAll('"', ''),
      Checksum: { [name]: done[name], ChecksumType },
      ObjectParts: { TotalPartsCount: 2 },
      ObjectSize: PART.length + LAST.length,
    })
    const second = await client.send(new HeadObjectCommand({ Bucket, Key, PartNumber: 2 }))
    expect(second).toMatchObject({ ContentLength: LAST.length, PartsCount: 2 })
    // Of a whole object the SDK itself compares the checksum.
    const got = await client.send(new GetObjectCommand({ Bucket, Key }))
    expect(got[name]).toBe(done[name])
    expect(Buffer.from(await got.Body!.transformToByteArray()).equals(Buffer.concat([PART, LAST]))).toBe(true)
  })
})

test('parts may be copies', async () => {
  await client.send(new PutObjectCommand({ Bucket, Key: 'so+ur ce', Body: 'a copied source' }))
  const about = { Bucket, Key: 'of copies' }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(about))
  const copy = { ...about, UploadId, PartNumber: 1, CopySource: `${Bucket}/${encodeURIComponent('so+ur ce')}` }
  const { CopyPartResult } = await client.send(new UploadPartCopyCommand({ ...copy, CopySourceRange: 'bytes=2-7' }))
  const Parts = [{ PartNumber: 1, ETag: CopyPartResult!.ETag }]
  await client.send(new CompleteMultipartUploadCommand({ ...about, UploadId, MultipartUpload: { Parts } }))
  expect(await (await client.send(new GetObjectCommand(about))).Body!.transformToString()).toBe('copied')
})

test('tags come with the object and as a document', async () => {
  const about = { Bucket, Key: 'tagged' }
  await client.send(new PutObjectCommand({ ...about, Body: 'x', Tagging: 'a=b%20c' }))
  expect((await client.send(new GetObjectTaggingCommand(about))).TagSet).toEqual([{ Key: 'a', Value: 'b c' }])
  const TagSet = [
    { Key: 'k', Value: '' },
    { Key: '\u00e9', Value: 'v' },
  ]
  await client.send(new PutObjectTaggingCommand({ ...about, Tagging: { TagSet } }))
  expect((await client.send(new GetObjectTaggingCommand(about))).TagSet).toEqual(TagSet)
  expect((await client.send(new GetObjectCommand(about))).TagCount).toBe(2)
  await client.send(new DeleteObjectTaggingCommand(about))
  expect((await client.send(new GetObjectTaggingCommand(about))).TagSet).toEqual([])
})

test('listings of all kinds say the same', async () => {
  const Prefix = 'list/'
  for (const name of ['a', 'b/1', 'b/2', 'c d+\u{1f600}']) {
    await client.send(new PutObjectCommand({ Bucket, Key: Prefix + name, Body: name }))
  }
  const query = { Bucket, Prefix, Delimiter: '/' }
  const keys = ['list/a', 'list/c d+\u{1f600}']
  const second = await client.send(new ListObjectsV2Command({ ...query, FetchOwner: true }))
  expect(second.Contents!.map(object => object.Key)).toEqual(keys)
  expect(second.CommonPrefixes).toEqual([{ Prefix: 'list/b/' }])
  expect(second.KeyCount).toBe(3)
  const first = await client.send(new ListObjectsCommand(query))
  expect(first.Contents).toEqual(second.Contents)
  const versions = await client.send(new ListObjectVersionsCommand(query))
  expect(versions.Versions!.map(version => [version.Key, version.VersionId])).toEqual(keys.map(key => [key, 'null']))
})

test('conditions refuse in words that the SDK knows', async () => {
  const about = { Bucket, Key: 'conditional' }
  const { ETag } = await client.send(new PutObjectCommand({ ...about, Body: '1', IfNoneMatch: '*' }))
  const again = client.send(new PutObjectCommand({ ...about, Body: '2', IfNoneMatch: '*' }))
  await expect(again).rejects.toMatchObject({ name: 'PreconditionFailed' })
  await client.send(new PutObjectCommand({ ...about, Body: '2', IfMatch: ETag }))
  const unchanged = client.send(new HeadObjectCommand({ ...about, IfModifiedSince: new Date(Date.now() + 60_000) }))
  await expect(unchanged).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } })
})

test('what the store does not have is said so', async () => {
  expect((await client.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBeUndefined()
  expect((await client.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBeUndefined()
  const acl = await client.send(new GetBucketAclCommand({ Bucket }))
  expect(acl.Grants).toMatchObject([{ Permission: 'FULL_CONTROL', Grantee: { Type: 'CanonicalUser' } }])
  const enable = new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } })
  await expect(client.send(enable)).rejects.toMatchObject({ name: 'NotImplemented' })
})
