// The current @aws-sdk/client-s3 with its defaults, which since 2025 send checksums that older stores do not know.
import assert from 'node:assert/strict'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { cases, load } from '../cases.mjs'

const s3 = load('@aws-sdk/client-s3')
const { Upload } = load('@aws-sdk/lib-storage')
const { getSignedUrl } = load('@aws-sdk/s3-request-presigner')
const { createPresignedPost } = load('@aws-sdk/s3-presigned-post')

const { INTEROP_S3_ENDPOINT: endpoint, INTEROP_S3_KEY: accessKeyId, INTEROP_S3_SECRET: secretAccessKey } = process.env
const settings = { endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1 }
const client = new s3.S3Client({ ...settings, credentials: { accessKeyId, secretAccessKey } })
const send = (command, input) => client.send(new s3[`${command}Command`](input))
const Bucket = `interop-${randomUUID()}`
const object = (Key, more) => ({ Bucket, Key, ...more })
const MiB = 1 << 20
const md5 = bytes => createHash('md5').update(bytes).digest('hex')
const unquoted = etag => etag.replaceAll('"', '')

/** A stream whose length nobody knows, in pieces of no particular size. */
function* pieces(bytes, size = 70_001) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
const stream = bytes => Readable.from(pieces(bytes), { objectMode: false })

async function stored(Key, expected, more) {
  const { Body } = await send('GetObject', object(Key, more))
  const got = Buffer.from(await Body.transformToByteArray())
  assert.ok(got.equals(Buffer.from(expected)), `${Key}: ${got.length} bytes are not the ${expected.length} expected`)
}
async function put(Key, Body = 'body', more = {}) {
  return send('PutObject', object(Key, { Body, ...more }))
}
/** Rejects unless the promise is refused with one of these codes or states. */
async function refused(promise, ...expected) {
  const error = await promise.then(
    () => assert.fail(`accepted, not ${expected}`),
    error => error,
  )
  const found = [error.name, error.Code, error.$metadata?.httpStatusCode]
  assert.ok(
    expected.some(one => found.includes(one)),
    `${found}: ${error.message}, not ${expected}`,
  )
  return error
}
async function multipart(Key, bodies, body = bytes => bytes) {
  const { UploadId } = await send('CreateMultipartUpload', object(Key))
  const Parts = []
  for (const [index, bytes] of bodies.entries()) {
    const part = { UploadId, PartNumber: index + 1, Body: body(bytes), ContentLength: bytes.length }
    const { ETag, ChecksumCRC32 } = await send('UploadPart', object(Key, part))
    Parts.push({ ETag, PartNumber: index + 1, ...(ChecksumCRC32 && { ChecksumCRC32 }) })
  }
  return { UploadId, Parts }
}
const complete = (Key, { UploadId, Parts }) =>
  send('CompleteMultipartUpload', object(Key, { UploadId, MultipartUpload: { Parts } }))

const body = randomBytes(300_000)
const large = randomBytes(12 * MiB)
const ODD = [
  'a//b',
  'a/../b',
  'a%2Fb',
  'a+b',
  'a b',
  'smile-😀',
  '/first',
  'last/',
  'q\'"&<>',
  `${'k'.repeat(200)}/`.repeat(5) + 'x'.repeat(19),
]

await send('CreateBucket', { Bucket })

await cases({
  ListBuckets: async () => {
    const { Buckets } = await send('ListBuckets', {})
    assert.ok(Buckets.some(({ Name }) => Name === Bucket))
  },
  HeadBucket: () => send('HeadBucket', { Bucket }),
  'HeadBucket of a missing one': () => refused(send('HeadBucket', { Bucket: `${Bucket}-x` }), 404),
  'CreateBucket again': async () => {
    await send('CreateBucket', { Bucket }).catch(error => assert.equal(error.name, 'BucketAlreadyOwnedByYou'))
  },
  GetBucketLocation: async () => {
    const { LocationConstraint = '' } = await send('GetBucketLocation', { Bucket })
    assert.match(LocationConstraint ?? '', /^(|us-east-1)$/)
  },
  'PutObject Buffer': async () => {
    const { ETag } = await put('buffer', body)
    assert.equal(ETag, `"${md5(body)}"`)
    await stored('buffer', body)
  },
  'PutObject string': async () => {
    await put('string', 'grüße')
    await stored('string', 'grüße')
  },
  'PutObject empty': async () => {
    await put('empty', '')
    await stored('empty', '')
  },
  'PutObject of 5 MiB - 1': async () => {
    await put('5mib', large.subarray(0, 5 * MiB - 1))
    await stored('5mib', large.subarray(0, 5 * MiB - 1))
  },
  'PutObject answers its checksum': async () => {
    const { ChecksumCRC32 } = await put('echo', 'echo')
    assert.ok(ChecksumCRC32)
  },
  'PutObject stream of known length': async () => {
    await put('stream', stream(body), { ContentLength: body.length })
    await stored('stream', body)
  },
  'PutObject file': async after => {
    const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-'))
    after(() => rmSync(dir, { recursive: true }))
    writeFileSync(join(dir, 'file'), body)
    await put('file', createReadStream(join(dir, 'file')))
    await stored('file', body)
  },
  'PutObject stream, sent with a Content-Length': async () => {
    const own = new s3.S3Client({ ...settings, credentials: { accessKeyId, secretAccessKey } })
    const adapt = next => args => {
      const { headers } = args.request
      // What the framing adds: "HEX\r\n", the bytes, "\r\n0\r\n", and the trailer.
      if (headers['transfer-encoding']) {
        const framed =
          body.length.toString(16).length + 4 + body.length + 3 + 'x-amz-checksum-crc32:AAAAAA==\r\n\r\n'.length
        headers['content-length'] = String(framed)
        delete headers['transfer-encoding']
      }
      return next(args)
    }
    own.middlewareStack.add(adapt, { step: 'finalizeRequest', priority: 'low', name: 'length' })
    // One piece, so that there is one chunk.
    const Body = Readable.from([body], { objectMode: false })
    await own.send(new s3.PutObjectCommand(object('length', { Body, ContentLength: body.length })))
    await stored('length', body)
  },
  ...Object.fromEntries(
    ['CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'].map(algorithm => [
      `PutObject with ${algorithm}`,
      async () => {
        await put(algorithm, body, { ChecksumAlgorithm: algorithm })
        await stored(algorithm, body)
      },
    ]),
  ),
  ...Object.fromEntries(
    ['CRC32C', 'SHA256'].map(algorithm => [
      `PutObject stream with ${algorithm}`,
      async () => {
        await put(algorithm, stream(body), { ChecksumAlgorithm: algorithm, ContentLength: body.length })
        await stored(algorithm, body)
      },
    ]),
  ),
  'lib-storage, 12 MiB of unknown length': async () => {
    const answer = await new Upload({ client, params: object('upload', { Body: stream(large) }) }).done()
    assert.match(answer.ETag, /^"[0-9a-f]{32}-3"$/)
    await stored('upload', large)
  },
  'lib-storage, 1 MiB of unknown length': async () => {
    await new Upload({ client, params: object('small', { Body: stream(large.subarray(0, MiB)) }) }).done()
    await stored('small', large.subarray(0, MiB))
  },
  'UploadPart with a stream': async () => {
    await complete('streams', await multipart('streams', [large.subarray(0, 6 * MiB), body], stream))
    await stored('streams', Buffer.concat([large.subarray(0, 6 * MiB), body]))
  },
  'UploadPart with Buffers': async () => {
    await complete('parts', await multipart('parts', [large.subarray(0, 6 * MiB), body]))
    await stored('parts', Buffer.concat([large.subarray(0, 6 * MiB), body]))
  },
  'Complete with a checksum per part': async () => {
    const upload = await multipart('sums', [body])
    upload.Parts[0].ChecksumCRC32 = crc32(body)
    await complete('sums', upload)
    await stored('sums', body)
  },
  'small part before the last': async () => {
    const upload = await multipart('tooSmall', [body, body])
    await refused(complete('tooSmall', upload), 'EntityTooSmall')
  },
  UploadPartCopy: async () => {
    await put('source', large.subarray(0, 6 * MiB))
    const { UploadId } = await send('CreateMultipartUpload', object('target'))
    const copy = { UploadId, PartNumber: 1, CopySource: `${Bucket}/source`, CopySourceRange: 'bytes=0-99999' }
    const { CopyPartResult } = await send('UploadPartCopy', object('target', copy))
    await complete('target', { UploadId, Parts: [{ ETag: CopyPartResult.ETag, PartNumber: 1 }] })
    await stored('target', large.subarray(0, 100_000))
  },
  'ListParts, ListMultipartUploads, Abort': async () => {
    const { UploadId } = await multipart('aborted', [body])
    assert.equal((await send('ListParts', object('aborted', { UploadId }))).Parts.length, 1)
    const { Uploads } = await send('ListMultipartUploads', { Bucket })
    assert.ok(Uploads.some(one => one.UploadId === UploadId))
    await send('AbortMultipartUpload', object('aborted', { UploadId }))
    await refused(send('ListParts', object('aborted', { UploadId })), 'NoSuchUpload')
  },
  DeleteObjects: async () => {
    await put('d/1')
    await put('d/2')
    const { Deleted } = await send('DeleteObjects', { Bucket, Delete: { Objects: [{ Key: 'd/1' }, { Key: 'd/2' }] } })
    assert.deepEqual(Deleted.map(({ Key }) => Key).sort(), ['d/1', 'd/2'])
    assert.equal((await send('ListObjectsV2', { Bucket, Prefix: 'd/' })).KeyCount, 0)
  },
  ...Object.fromEntries(
    ['bytes=0-9', 'bytes=100-', 'bytes=-7'].map(Range => [
      `GetObject ${Range}`,
      async () => {
        await put('range', body)
        const [from, to] = { 'bytes=0-9': [0, 10], 'bytes=100-': [100], 'bytes=-7': [-7] }[Range]
        await stored('range', body.subarray(from, to), { Range })
      },
    ]),
  ),
  'GetObject range over a part border': async () => {
    await complete('border', await multipart('border', [large.subarray(0, 5 * MiB), body]))
    const whole = Buffer.concat([large.subarray(0, 5 * MiB), body])
    await stored('border', whole.subarray(5 * MiB - 10, 5 * MiB + 10), {
      Range: `bytes=${5 * MiB - 10}-${5 * MiB + 9}`,
    })
  },
  'GetObject range that cannot be': async () => {
    await put('range', body)
    await refused(send('GetObject', object('range', { Range: 'bytes=900000-' })), 'InvalidRange', 416)
  },
  'GetObject 304 and 412': async () => {
    const { ETag } = await put('conditions')
    await refused(send('GetObject', object('conditions', { IfNoneMatch: ETag })), 304)
    await refused(send('GetObject', object('conditions', { IfMatch: `"${md5('x')}"` })), 412)
  },
  'GetObject NoSuchKey': () => refused(send('GetObject', object('nothing')), 'NoSuchKey'),
  'GetObject partNumber': async () => {
    await complete('numbered', await multipart('numbered', [large.subarray(0, 5 * MiB), body]))
    await stored('numbered', large.subarray(0, 5 * MiB), { PartNumber: 1 })
  },
  HeadObject: async () => {
    await put('head', body, { ContentType: 'text/x-y', Metadata: { one: 'two' }, CacheControl: 'no-store' })
    const head = await send('HeadObject', object('head'))
    assert.equal(head.ContentLength, body.length)
    assert.equal(head.ContentType, 'text/x-y')
    assert.deepEqual(head.Metadata, { one: 'two' })
    assert.equal(head.CacheControl, 'no-store')
  },
  'HeadObject 404': () => refused(send('HeadObject', object('nothing')), 404),
  GetObjectAttributes: async () => {
    await put('attributes', body)
    const input = object('attributes', { ObjectAttributes: ['ETag', 'ObjectSize'] })
    const { ETag, ObjectSize } = await send('GetObjectAttributes', input)
    assert.equal(ETag, md5(body))
    assert.equal(ObjectSize, body.length)
  },
  CopyObject: async () => {
    await put('copy source +', body)
    const CopySource = `${Bucket}/${encodeURIComponent('copy source +')}`
    const { CopyObjectResult } = await send('CopyObject', object('copied', { CopySource }))
    assert.equal(unquoted(CopyObjectResult.ETag), md5(body))
    await stored('copied', body)
  },
  'CopyObject answers a quoted ETag': async () => {
    await put('quoted', body)
    const { CopyObjectResult } = await send('CopyObject', object('quoted2', { CopySource: `${Bucket}/quoted` }))
    assert.equal(CopyObjectResult.ETag, `"${md5(body)}"`)
  },
  'CopyObject REPLACE onto itself': async () => {
    await put('itself', body, { Metadata: { a: '1' } })
    const input = { CopySource: `${Bucket}/itself`, MetadataDirective: 'REPLACE', Metadata: { b: '2' } }
    await send('CopyObject', object('itself', input))
    assert.deepEqual((await send('HeadObject', object('itself'))).Metadata, { b: '2' })
  },
  'CopyObject of a missing source': () =>
    refused(send('CopyObject', object('x', { CopySource: `${Bucket}/nothing` })), 'NoSuchKey', 404),
  'ListObjectsV2 in pages': async () => {
    for (let i = 0; i < 7; i++) await put(`page/${i}`)
    const found = []
    for await (const { Contents } of s3.paginateListObjectsV2({ client, pageSize: 3 }, { Bucket, Prefix: 'page/' }))
      found.push(...Contents.map(({ Key }) => Key))
    assert.deepEqual(
      found,
      Array.from({ length: 7 }, (_, i) => `page/${i}`),
    )
  },
  'ListObjectsV2 with delimiter and StartAfter': async () => {
    for (const key of ['l/a', 'l/b/1', 'l/b/2', 'l/c']) await put(key)
    const listed = await send('ListObjectsV2', { Bucket, Prefix: 'l/', Delimiter: '/', StartAfter: 'l/a' })
    assert.deepEqual(
      listed.CommonPrefixes.map(({ Prefix }) => Prefix),
      ['l/b/'],
    )
    assert.deepEqual(
      listed.Contents.map(({ Key }) => Key),
      ['l/c'],
    )
  },
  'ListObjects version 1': async () => {
    for (const key of ['v1/a', 'v1/b', 'v1/c']) await put(key)
    const { Contents } = await send('ListObjects', { Bucket, Prefix: 'v1/', Marker: 'v1/a' })
    assert.deepEqual(
      Contents.map(({ Key }) => Key),
      ['v1/b', 'v1/c'],
    )
  },
  ...Object.fromEntries(
    ODD.map(key => [
      `odd key ${key.length > 100 ? `of ${Buffer.byteLength(key)} bytes` : key}`,
      async () => {
        await put(key, body)
        await stored(key, body)
        const { Contents } = await send('ListObjectsV2', { Bucket, Prefix: key })
        assert.deepEqual(
          Contents.map(({ Key }) => Key),
          [key],
        )
        await send('DeleteObject', object(key))
        await refused(send('HeadObject', object(key)), 404)
      },
    ]),
  ),
  'If-None-Match: * on a new key': () => put('fresh', body, { IfNoneMatch: '*' }),
  'If-None-Match: * on an existing key': async () => {
    await put('taken')
    await refused(put('taken', 'x', { IfNoneMatch: '*' }), 412)
  },
  'If-Match with the right ETag': async () => {
    const { ETag } = await put('match')
    await put('match', 'new', { IfMatch: ETag })
    await stored('match', 'new')
  },
  'If-Match with a wrong ETag': async () => {
    await put('match')
    await refused(put('match', 'new', { IfMatch: `"${md5('y')}"` }), 412)
  },
  PutObjectTagging: async () => {
    await put('tags')
    await send('PutObjectTagging', object('tags', { Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }))
    assert.deepEqual((await send('GetObjectTagging', object('tags'))).TagSet, [{ Key: 'a', Value: 'b' }])
  },
  'x-amz-tagging': () => put('tagged', body, { Tagging: 'a=b' }),
  'presigned GET': async () => {
    await put('presigned +😀', body)
    const url = await getSignedUrl(client, new s3.GetObjectCommand(object('presigned +😀')))
    assert.ok(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(body))
  },
  'presigned PUT': async () => {
    const url = await getSignedUrl(client, new s3.PutObjectCommand(object('presigned-put')))
    const answer = await fetch(url, { method: 'PUT', body })
    assert.equal(answer.status, 200, await answer.text())
    await stored('presigned-put', body)
  },
  'presigned POST': async () => {
    const { url, fields } = await createPresignedPost(client, { Bucket, Key: 'posted', Conditions: [] })
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.set(name, value)
    form.set('file', new Blob([body]))
    const answer = await fetch(url, { method: 'POST', body: form })
    assert.ok(answer.ok, `${answer.status} ${await answer.text()}`)
    await stored('posted', body)
  },
  'wrong checksum is refused': () =>
    refused(put('wrong', 'body', { ChecksumCRC32: 'AAAAAA==' }), 'BadDigest', 'InvalidRequest', 400),
  'wrong Content-MD5 is refused': () =>
    refused(put('wrong', 'body', { ContentMD5: createHash('md5').update('x').digest('base64') }), 'BadDigest'),
  versioning: async () => {
    const Versioned = `v-${randomUUID()}`
    await send('CreateBucket', { Bucket: Versioned })
    await send('PutBucketVersioning', { Bucket: Versioned, VersioningConfiguration: { Status: 'Enabled' } })
    const first = await send('PutObject', { Bucket: Versioned, Key: 'k', Body: 'one' })
    await send('PutObject', { Bucket: Versioned, Key: 'k', Body: 'two' })
    const { Versions } = await send('ListObjectVersions', { Bucket: Versioned })
    assert.equal(Versions.length, 2)
    const { Body } = await send('GetObject', { Bucket: Versioned, Key: 'k', VersionId: first.VersionId })
    assert.equal(await Body.transformToString(), 'one')
  },
  'DELETE of the current version': async () => {
    const Versioned = `v-${randomUUID()}`
    await send('CreateBucket', { Bucket: Versioned })
    await send('PutBucketVersioning', { Bucket: Versioned, VersioningConfiguration: { Status: 'Enabled' } })
    await send('PutObject', { Bucket: Versioned, Key: 'k', Body: 'one' })
    const { VersionId } = await send('PutObject', { Bucket: Versioned, Key: 'k', Body: 'two' })
    await send('DeleteObject', { Bucket: Versioned, Key: 'k', VersionId })
    const { Body } = await send('GetObject', { Bucket: Versioned, Key: 'k' })
    assert.equal(await Body.transformToString(), 'one')
  },
  'bucket CORS': () => {
    const CORSRules = [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }]
    return send('PutBucketCors', { Bucket, CORSConfiguration: { CORSRules } })
  },
  'bucket policy': () => {
    const Resource = `arn:aws:s3:::${Bucket}/public/*`
    const Statement = [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 's3:GetObject', Resource }]
    return send('PutBucketPolicy', { Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) })
  },
  'bucket tagging': () => send('PutBucketTagging', { Bucket, Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }),
  'bucket lifecycle': () => {
    const Rules = [{ ID: 'r', Status: 'Enabled', Filter: { Prefix: 'tmp/' }, Expiration: { Days: 1 } }]
    return send('PutBucketLifecycleConfiguration', { Bucket, LifecycleConfiguration: { Rules } })
  },
  'ACL public-read': () => put('public', body, { ACL: 'public-read' }),
  'SSE AES256': () => put('sse', body, { ServerSideEncryption: 'AES256' }),
  'SSE-C': async () => {
    const SSECustomerKey = randomBytes(32)
    const key = { SSECustomerAlgorithm: 'AES256', SSECustomerKey }
    await put('ssec', body, key)
    await stored('ssec', body, key)
    await refused(send('GetObject', object('ssec')), 400)
  },
  'StorageClass STANDARD_IA': () => put('class', body, { StorageClass: 'STANDARD_IA' }),
  'signature for another region': async () => {
    const other = new s3.S3Client({ ...settings, region: 'eu-west-1', credentials: { accessKeyId, secretAccessKey } })
    await other.send(new s3.PutObjectCommand(object('region', { Body: body })))
  },
  'wrong secret': async () => {
    const other = new s3.S3Client({ ...settings, credentials: { accessKeyId, secretAccessKey: 'wrong' } })
    await refused(other.send(new s3.ListBucketsCommand({})), 'SignatureDoesNotMatch')
  },
  'unknown key': async () => {
    const other = new s3.S3Client({ ...settings, credentials: { accessKeyId: 'nobody', secretAccessKey } })
    await refused(other.send(new s3.ListBucketsCommand({})), 'SignatureDoesNotMatch', 'InvalidAccessKeyId')
  },
})

function crc32(bytes) {
  const sum = Buffer.alloc(4)
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  sum.writeUInt32BE(~crc >>> 0)
  return sum.toString('base64')
}
