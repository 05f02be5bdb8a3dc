/** The AWS SDK as it comes, against the embedded store. */
import { Readable } from 'node:stream'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KEY, S3Rig } from '../../support/s3-rig.ts'

const rig = new S3Rig()
let client: S3Client
const Bucket = 'bucket'

beforeAll(async () => {
  await rig.start()
  client = rig.client()
  await client.send(new CreateBucketCommand({ Bucket }))
})
afterAll(() => rig.close())

test.each([
  ['nothing', 0],
  ['a byte', 1],
  ['what is waited for', 64 * 1024],
  ['what is passed on', 64 * 1024 + 1],
  ['more than a read', 5 * 1024 * 1024],
])('stores and gives back %s, as a buffer and as a stream', async (name, length) => {
  const bytes = Buffer.alloc(length, 'portolan')
  for (const Body of [bytes, Readable.from([bytes])]) {
    const Key = `sizes/${name}`
    const put = await client.send(
      new PutObjectCommand({ Bucket, Key, Body, ContentLength: length, Metadata: { a: 'b' } }),
    )
    expect(put.ChecksumCRC32).toBeDefined()
    const got = await client.send(new GetObjectCommand({ Bucket, Key }))
    expect(Buffer.from(await got.Body!.transformToByteArray()).equals(bytes)).toBe(true)
    expect(got.Metadata).toEqual({ a: 'b' })
    expect(got.ContentEncoding).toBeUndefined()
    expect(got.ETag).toBe(put.ETag)
  }
})

test.each(['//', 'a//b/../c', '..', '%2F', 'a+b c', "(!)*'~", '😀/é', `${'k'.repeat(1024)}`])(
  'keeps the key %s',
  async Key => {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
    const got = await client.send(new GetObjectCommand({ Bucket, Key }))
    expect(await got.Body!.transformToString()).toBe(Key)
    const list = await client.send(new ListObjectsV2Command({ Bucket, Prefix: Key }))
    expect(list.Contents!.map(object => object.Key)).toEqual([Key])
    await client.send(
      new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/${encodeURIComponent(Key)}` }),
    )
    const copy = await client.send(new GetObjectCommand({ Bucket, Key: 'copy' }))
    expect(await copy.Body!.transformToString()).toBe(Key)
    const deleted = await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }, { Key: 'copy' }] } }),
    )
    expect(deleted.Deleted).toHaveLength(2)
  },
)

test('uploads in parts', async () => {
  const bytes = Buffer.alloc(11 * 1024 * 1024, 'parts')
  const done = await new Upload({ client, params: { Bucket, Key: 'parts', Body: Readable.from([bytes]) } }).done()
  expect(done.Location).toBe(`http://127.0.0.1:${rig.port}/${Bucket}/parts`)
  const got = await client.send(new GetObjectCommand({ Bucket, Key: 'parts', Range: 'bytes=5242870-5242889' }))
  expect(await got.Body!.transformToString()).toBe(bytes.toString('latin1', 5242870, 5242890))
})

test('serves presigned URLs, and nothing else by them', async () => {
  const url = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key: 'presigned' }), { expiresIn: 60 })
  expect((await fetch(url, { method: 'PUT', body: 'by url' })).status).toBe(200)
  const read = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'presigned' }), { expiresIn: 60 })
  expect(await (await fetch(read)).text()).toBe('by url')
  expect((await fetch(read.replace('presigned?', 'other?'))).status).toBe(403)
  expect((await fetch(read, { headers: { 'x-amz-acl': 'public-read' } })).status).toBe(403)
  expect((await fetch(read, { method: 'DELETE' })).status).toBe(403)
})

test('tells wrong keys in the words of S3', async () => {
  const refused = async (accessKeyId: string, secretAccessKey: string) =>
    rig
      .client({ credentials: { accessKeyId, secretAccessKey } })
      .send(new ListBucketsCommand({}))
      .then(
        () => 'let in',
        error => `${error.name} ${error.$metadata.httpStatusCode}`,
      )
  expect(await refused(KEY, 'wrong')).toBe('SignatureDoesNotMatch 403')
  expect(await refused('nobody', 'wrong')).toBe('InvalidAccessKeyId 403')
})

test('stores nothing that its checksum contradicts', async () => {
  const Key = 'contradicted'
  for (const length of [3, 300_000]) {
    const put = client.send(
      new PutObjectCommand({ Bucket, Key, Body: Buffer.alloc(length), ChecksumCRC32: 'AAAAAQ==' }),
    )
    await expect(put).rejects.toThrow(expect.objectContaining({ name: 'BadDigest' }))
  }
  await expect(client.send(new HeadObjectCommand({ Bucket, Key }))).rejects.toThrow(
    expect.objectContaining({ name: 'NotFound' }),
  )
})
