/** What each provider profile sends: the same requests of an application, as that service gets them. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROFILES } from '../../../../src/backends/s3/profiles/table.ts'
import { RecordingService } from '../../../support/recording-service.ts'
import { KEY, S3Rig } from '../../../support/s3-rig.ts'

let service: RecordingService
beforeAll(async () => {
  service = await RecordingService.start((response, { target }) => {
    response.setHeader('content-type', 'application/xml')
    if (/[?&](uploads|uploadId)/.test(target)) response.end(COMPLETED)
    else response.end(target.includes('delete') ? '<DeleteResult/>' : '<ListBucketResult/>')
  })
})
afterAll(() => service.close())
const COMPLETED = '<CompleteMultipartUploadResult><ETag>"e-1"</ETag></CompleteMultipartUploadResult>'

const Bucket = 'bucket'
const LONG = Buffer.alloc(200_000, 'a long body ')
const digest = (algorithm: string, bytes: Buffer | string) => createHash(algorithm).update(bytes).digest('base64')

describe.each([...PROFILES.values()].map(profile => [profile.name, profile] as const))('%s', (name, profile) => {
  const rig = new S3Rig()
  let client: S3Client
  beforeAll(async () => {
    await rig.backend('b', {
      endpoint: `http://localhost:${service.port}`,
      profile: name,
      credentials: { accessKeyId: KEY, secretAccessKey: { env: 'PORTOLAN_TEST_S3_SECRET' } },
      healthCheck: { interval: 0 },
    })
    await rig.start()
    client = rig.client()
  })
  afterAll(() => rig.close())
  const keeps = (algorithm: 'CRC32' | 'SHA256') => profile.checksums.includes(algorithm)
  const signedOf = (headers: Readonly<Record<string, string>>) =>
    /SignedHeaders=([^,]+)/.exec(headers['authorization']!)![1]!.split(';')

  test('a small body goes with its hash, and with its checksum where that is known', async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'small', Metadata: { a: 'b' } }))
    const { method, headers, body } = service.taken()
    expect([method, body.toString()]).toEqual(['PUT', 'small'])
    expect(headers['content-length']).toBe('5')
    expect(headers['x-amz-content-sha256']).toBe(createHash('sha256').update('small').digest('hex'))
    expect(headers['x-amz-checksum-crc32']).toBe(keeps('CRC32') ? 'dUXqEw==' : undefined)
    expect(headers['x-amz-sdk-checksum-algorithm']).toBe(keeps('CRC32') ? 'CRC32' : undefined)
    expect(headers).not.toHaveProperty('transfer-encoding')
    expect(headers).not.toHaveProperty('content-encoding')
    expect(headers).not.toHaveProperty('accept-encoding')
  })

  test('host or path name the bucket, the region is its own, and just what must be is signed', async () => {
    await client.send(
      new PutObjectCommand({ Bucket, Key: 'a b', Body: 'x', ContentType: 'text/x', Metadata: { a: 'b' } }),
    )
    const { target, headers } = service.taken()
    const here = `localhost:${service.port}`
    expect([headers['host'], target.split('?')[0]]).toEqual(
      profile.addressing === 'path' ? [here, '/bucket/a%20b'] : [`${Bucket}.${here}`, '/a%20b'],
    )
    expect(headers['authorization']).toMatch(new RegExp(`Credential=local/\\d{8}/${profile.region}/s3/aws4_request`))
    const signed = signedOf(headers)
    // Every x-amz-* that is sent, and nothing that a proxy on the way may change.
    const mustBe = ['host', 'content-type', ...Object.keys(headers).filter(header => header.startsWith('x-amz-'))]
    expect(signed.filter(header => !/^content-md5$/.test(header))).toEqual(mustBe.sort())
  })

  test('a stream is framed as the service takes it', async () => {
    const stream = Readable.from([LONG.subarray(0, 70_000), LONG.subarray(70_000)])
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: stream, ContentLength: LONG.length }))
    const { headers, body } = service.taken()
    const text = body.toString('latin1')
    const isTrailed = profile.trailers && keeps('CRC32')
    const isChunked = isTrailed || profile.signedChunks
    expect(headers['x-amz-content-sha256']).toBe(
      isTrailed
        ? 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
        : profile.signedChunks
          ? 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
          : 'UNSIGNED-PAYLOAD',
    )
    expect(headers['content-encoding']).toBe(isChunked ? 'aws-chunked' : undefined)
    expect(headers['x-amz-decoded-content-length']).toBe(isChunked ? String(LONG.length) : undefined)
    expect(headers['x-amz-trailer']).toBe(isTrailed ? 'x-amz-checksum-crc32' : undefined)
    expect(headers).not.toHaveProperty('transfer-encoding')
    expect(headers['content-length']).toBe(String(body.length))
    expect(/\r\nx-amz-checksum-crc32:\S{8}\r\n\r\n$/.test(text)).toBe(isTrailed)
    expect(/^[0-9a-f]+;chunk-signature=[0-9a-f]{64}\r\n/.test(text)).toBe(isChunked && !isTrailed)
    if (!isChunked) expect(body.equals(LONG)).toBe(true)
  })

  test('the documents that must have a digest have the one that it wants', async () => {
    await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'k' }] } }))
    const { headers, body } = service.taken()
    const { documentDigest } = profile
    expect(headers['content-md5']).toBe(documentDigest === 'content-md5' ? digest('md5', body) : undefined)
    expect(headers['x-amz-checksum-sha256']).toBe(documentDigest === 'sha256' ? digest('sha256', body) : undefined)
    expect(headers['x-amz-checksum-crc32'] !== undefined).toBe(documentDigest === 'crc32')
    expect(headers['x-amz-content-sha256']).toBe(createHash('sha256').update(body).digest('hex'))
  })

  test('a multipart upload names checksums at both ends or at none', async () => {
    await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k', ChecksumAlgorithm: 'CRC32' }))
    expect(service.taken().headers['x-amz-checksum-algorithm']).toBe(keeps('CRC32') ? 'CRC32' : undefined)
    const Parts = [{ PartNumber: 1, ETag: '"e"', ChecksumCRC32: 'fnj+Dw==' }]
    await client.send(
      new CompleteMultipartUploadCommand({ Bucket, Key: 'k', UploadId: 'u', MultipartUpload: { Parts } }),
    )
    const { body } = service.taken()
    expect(body.includes('<ChecksumCRC32>')).toBe(profile.checksumElements)
    expect(body.toString()).toMatch(/<ETag>(&quot;|")e(&quot;|")<\/ETag>/)
  })

  test('a request to read asks for checksums only where there are any', async () => {
    await client.send(new GetObjectCommand({ Bucket, Key: 'k' })).then(({ Body }) => Body!.transformToString())
    const { target, headers, body } = service.taken()
    expect(headers['x-amz-checksum-mode']).toBe(profile.checksums.length > 0 ? 'ENABLED' : undefined)
    expect(target.includes('x-id=')).toBe(!profile.dropQuery.includes('x-id'))
    expect(body.length).toBe(0)
    expect(headers).not.toHaveProperty('content-length')
  })

  test('lists stay of the version that was asked for', async () => {
    await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'p' }))
    expect(service.taken().target).toMatch(/[?&]list-type=2(&|$)/)
    await client.send(new ListObjectsCommand({ Bucket, Prefix: 'p' }))
    expect(service.taken().target).not.toContain('list-type')
  })

  test('a write under a condition is said in its words, or refused and not sent', async () => {
    const put = (condition: object) => client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ...condition }))
    const { createOnly, conditionalWrite } = profile
    if (createOnly === 'unsupported') await expect(put({ IfNoneMatch: '*' })).rejects.toMatchObject(REFUSED)
    else {
      await put({ IfNoneMatch: '*' })
      const [header, value] = createOnly === 'native' ? (['if-none-match', '*'] as const) : createOnly
      const { headers } = service.taken()
      expect(headers[header]).toBe(value)
      expect(headers['if-none-match']).toBe(createOnly === 'native' ? '*' : undefined)
    }
    if (conditionalWrite === 'unsupported') await expect(put({ IfMatch: '"e"' })).rejects.toMatchObject(REFUSED)
    else {
      await put({ IfMatch: '"e"' })
      expect(service.taken().headers['if-match']).toBe(conditionalWrite === 'native' ? '"e"' : 'e')
    }
    expect(service.requests).toEqual([])
  })
})

const REFUSED = { name: 'NotImplemented', $metadata: { httpStatusCode: 501 } }
