/** Every form of a body, whole and spoilt, before the embedded store and before services. */
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MODES, type Mode, put, type Spoilt } from '../../support/s3-bodies.ts'
import { KEY, S3Rig } from '../../support/s3-rig.ts'

const Bucket = 'bucket'
const SIZES = [0, 1, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 5 * 1024 * 1024]
const FRAMINGS = ['length', 'chunked'] as const

const upstream = new S3Rig()
const embedded = new S3Rig()
const rigs: Record<string, S3Rig> = { embedded }
beforeAll(async () => {
  await upstream.start()
  await embedded.start()
  for (const profile of ['generic', 'minio']) {
    const rig = new S3Rig()
    rigs[profile] = rig
    await rig.backend('b', {
      endpoint: `http://127.0.0.1:${upstream.port}`,
      profile,
      credentials: { accessKeyId: KEY, secretAccessKey: { env: 'PORTOLAN_TEST_S3_SECRET' } },
    })
    await rig.start()
  }
  const unsigned = new S3Rig()
  rigs['unsigned'] = unsigned
  await open.start({ keys: [] })
  await unsigned.backend('b', { endpoint: `http://127.0.0.1:${open.port}`, profile: 'minio' })
  await unsigned.start()
  for (const rig of [upstream, embedded, open]) await rig.client().send(new CreateBucketCommand({ Bucket }))
})
/** Takes whatever comes, as a service does that is sent unsigned requests. */
const open = new S3Rig()
afterAll(async () => {
  for (const rig of [...Object.values(rigs), upstream, open]) await rig.close()
})

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (?!100)(\d{3})/m.exec(answer)?.[1])
const codeOf = (answer: string) => /<Code>(\w+)</.exec(answer)?.[1]
const bytesOf = (length: number) => Buffer.alloc(length, 'payload of many a byte')
const STORES = ['embedded', 'generic', 'minio', 'unsigned']

describe.each(STORES)('before %s', store => {
  const client = (): S3Client => rigs[store]!.client()

  test.each(MODES)('%s is stored as it was sent', async mode => {
    for (const framing of FRAMINGS) {
      for (const size of SIZES) {
        const Key = `${mode} ${framing} ${size}`
        const bytes = bytesOf(size)
        const answer = await rigs[store]!.raw(put(`/${Bucket}/${encodeURIComponent(Key)}`, mode, bytes, framing))
        expect([Key, statusOf(answer)]).toEqual([Key, 200])
        const got = await client().send(new GetObjectCommand({ Bucket, Key }))
        expect(bytes.equals(await got.Body!.transformToByteArray())).toBe(true)
        expect(got.ContentEncoding).toBeUndefined()
      }
    }
  })

  const flip = (at: number) => (bytes: Buffer) => {
    bytes[at < 0 ? bytes.length + at : at]! ^= 1
    return bytes
  }
  const inFrames = (from: string, to: string) => (bytes: Buffer) =>
    Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1')
  /** Of the signature at the end. */
  const otherDigit = (bytes: Buffer) => {
    const at = bytes.length - 5
    bytes[at] = bytes[at] === 0x30 ? 0x31 : 0x30
    return bytes
  }
  const WRONG_SUM = 'AAAAAQ=='
  const wrong = (bytes: number) => Buffer.alloc(bytes, 1).toString('base64')
  const WRONG_SUMS = [
    ['CRC32', WRONG_SUM],
    ['CRC32C', WRONG_SUM],
    ['CRC64NVME', wrong(8)],
    ['SHA1', wrong(20)],
    ['SHA256', wrong(32)],
  ] as const
  const SPOILT: readonly (readonly [name: string, mode: Mode, spoilt: (size: number) => Spoilt, code: string])[] = [
    ['a flipped byte', 'hash', () => ({ payload: flip(-1) }), 'XAmzContentSHA256Mismatch'],
    ['a wrong hash', 'hash', () => ({ contentSha256: 'a'.repeat(64) }), 'XAmzContentSHA256Mismatch'],
    ['a flipped byte', 'unsigned-chunks-trailer CRC32', () => ({ body: flip(90) }), 'BadDigest'],
    ['a flipped byte', 'unsigned-chunks-trailer SHA256', () => ({ body: flip(90) }), 'BadDigest'],
    ['a flipped byte', 'signed-chunks', () => ({ body: flip(100) }), 'SignatureDoesNotMatch'],
    ['a flipped byte', 'signed-chunks-trailer CRC32', () => ({ body: flip(100) }), 'SignatureDoesNotMatch'],
    ...WRONG_SUMS.map(
      ([algorithm, sum]) =>
        ['a wrong trailer', `unsigned-chunks-trailer ${algorithm}`, () => ({ trailer: sum }), 'BadDigest'] as const,
    ),
    ['a wrong trailer', 'signed-chunks-trailer CRC32', () => ({ trailer: WRONG_SUM }), 'BadDigest'],
    [
      'a trailer that was not signed',
      'signed-chunks-trailer CRC32',
      () => ({ body: inFrames('x-amz-checksum-crc32:', 'x-amz-checksum-crc32:A') }),
      'SignatureDoesNotMatch',
    ],
    ['a wrong signature of the last chunk', 'signed-chunks', () => ({ body: otherDigit }), 'SignatureDoesNotMatch'],
    [
      'no trailer',
      'unsigned-chunks-trailer CRC32',
      () => ({
        body: bytes => Buffer.from(bytes.toString('latin1').replace(/x-amz-checksum-crc32:.*\r\n/, ''), 'latin1'),
      }),
      'MalformedTrailerError',
    ],
    [
      'no trailer',
      'signed-chunks-trailer CRC32',
      () => ({
        body: bytes => Buffer.from(bytes.toString('latin1').replace(/x-amz-checksum-crc32:.*\r\n/, ''), 'latin1'),
      }),
      'MalformedTrailerError',
    ],
    [
      'no signature of the trailer',
      'signed-chunks-trailer CRC32',
      () => ({
        body: bytes => Buffer.from(bytes.toString('latin1').replace(/x-amz-trailer-signature:.*\r\n/, ''), 'latin1'),
      }),
      'MalformedTrailerError',
    ],
    [
      'a wrong signature of the trailer',
      'signed-chunks-trailer CRC32',
      () => ({ body: otherDigit }),
      'SignatureDoesNotMatch',
    ],
    [
      'a trailer of another name',
      'unsigned-chunks-trailer CRC32',
      () => ({ body: inFrames('x-amz-checksum-crc32:', 'x-amz-checksum-crc33:') }),
      'MalformedTrailerError',
    ],
    [
      'a trailer twice',
      'unsigned-chunks-trailer CRC32',
      () => ({
        body: bytes => Buffer.from(bytes.toString('latin1').replace(/x-amz-checksum-crc32:.*\r\n/, '$&$&'), 'latin1'),
      }),
      'MalformedTrailerError',
    ],
    [
      'a larger length',
      'unsigned-chunks-trailer CRC32',
      size => ({ headers: { 'x-amz-decoded-content-length': String(size + 1) } }),
      'IncompleteBody',
    ],
    [
      'a smaller length',
      'signed-chunks',
      size => ({ headers: { 'x-amz-decoded-content-length': String(size - 1) } }),
      'IncompleteBody',
    ],
    [
      'bytes behind its end',
      'signed-chunks',
      () => ({ body: bytes => Buffer.concat([bytes, Buffer.from('x\r\n')]) }),
      'IncompleteBody',
    ],
    ['its frames cut off', 'signed-chunks', () => ({ body: bytes => bytes.subarray(0, -20) }), 'IncompleteBody'],
    [
      'its frames cut off',
      'unsigned-chunks-trailer CRC32',
      () => ({ body: bytes => bytes.subarray(0, -8) }),
      'IncompleteBody',
    ],
    ['a wrong checksum', 'unsigned', () => ({ headers: { 'x-amz-checksum-crc32': WRONG_SUM } }), 'BadDigest'],
    ['a wrong checksum', 'hash', () => ({ headers: { 'x-amz-checksum-crc32c': WRONG_SUM } }), 'BadDigest'],
    ['a wrong checksum', 'presigned', () => ({ headers: { 'x-amz-checksum-crc32': WRONG_SUM } }), 'BadDigest'],
    ['a wrong MD5', 'unsigned', () => ({ headers: { 'content-md5': '1B2M2Y8AsgTpgAmY7PhCfg==' } }), 'BadDigest'],
    [
      'frames that nobody announced',
      'unsigned',
      () => ({ headers: { 'content-encoding': 'gzip, aws-chunked' } }),
      'InvalidRequest',
    ],
    [
      'frames that nobody announced',
      'presigned',
      () => ({ headers: { 'content-encoding': 'aws-chunked' } }),
      'InvalidRequest',
    ],
  ]

  test.each(SPOILT)('%s (%s) leaves no object and no part', async (name, mode, spoilt, code) => {
    for (const framing of FRAMINGS) {
      for (const size of [200, 200_000]) {
        const Key = `${name} ${mode} ${framing} ${size}`
        const path = `/${Bucket}/${encodeURIComponent(Key)}`
        const answer = await rigs[store]!.raw(put(path, mode, bytesOf(size), framing, spoilt(size)))
        expect([Key, codeOf(answer)]).toEqual([Key, code])
        await expect(client().send(new HeadObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'NotFound' })
      }
    }
    const { UploadId } = await client().send(new CreateMultipartUploadCommand({ Bucket, Key: name }))
    const path = `/${Bucket}/${encodeURIComponent(name)}?partNumber=1&uploadId=${encodeURIComponent(UploadId!)}`
    const answer = await rigs[store]!.raw(put(path, mode, bytesOf(200_000), 'length', spoilt(200_000)))
    expect(codeOf(answer)).toBe(code)
    const parts = await client().send(new ListPartsCommand({ Bucket, Key: name, UploadId }))
    expect(parts.Parts ?? []).toEqual([])
  })

  test.each(['signed-chunks', 'signed-chunks-trailer CRC32'] as const)(
    '%s with a wrong signature of any one chunk leaves no object, and says which it was',
    async mode => {
      const bytes = bytesOf(300_000)
      const whole = Buffer.concat(put('/', mode, bytes, 'length')).toString('latin1')
      const chunks = [...whole.matchAll(/;chunk-signature=/g)].length
      expect(chunks).toBeGreaterThan(4)
      for (let n = 1; n <= chunks; n++) {
        const Key = `chunk ${n} ${mode}`
        const body = (framed: Buffer) => {
          let seen = 0
          const spoil = (all: string) => (++seen === n ? `${all.slice(0, -1)}${all.endsWith('0') ? 1 : 0}` : all)
          return Buffer.from(framed.toString('latin1').replace(/;chunk-signature=./g, spoil), 'latin1')
        }
        const request = put(`/${Bucket}/${encodeURIComponent(Key)}`, mode, bytes, 'length', { body })
        const answer = await rigs[store]!.raw(request)
        expect([Key, statusOf(answer), codeOf(answer)]).toEqual([Key, 403, 'SignatureDoesNotMatch'])
        expect(answer).toContain(`<ChunkNumber>${n}<`)
        await expect(client().send(new HeadObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'NotFound' })
      }
    },
  )

  test.each(MODES)('%s that is cut off by its sender leaves no object', async mode => {
    for (const size of [200, 200_000]) {
      const Key = `cut ${mode} ${size}`
      const socket = rigs[store]!.socket()
      let answer = ''
      socket.on('data', chunk => (answer += chunk.toString('latin1')))
      const closed = new Promise(resolve => socket.on('close', resolve))
      for (const piece of put(`/${Bucket}/${encodeURIComponent(Key)}`, mode, bytesOf(size), 'length', { missing: 1 }))
        socket.write(piece)
      socket.end()
      await closed
      expect([Key, codeOf(answer)]).toEqual([Key, 'IncompleteBody'])
      await expect(client().send(new HeadObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'NotFound' })
    }
  })

  test('a hash in chunks of HTTP with bytes behind the announced length leaves no object', async () => {
    const Key = 'longer than announced'
    const longer = (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')])
    const answer = await rigs[store]!.raw(
      put(`/${Bucket}/${encodeURIComponent(Key)}`, 'unsigned', bytesOf(200_000), 'chunked', { body: longer }),
    )
    expect(codeOf(answer)).toBe('IncompleteBody')
    await expect(client().send(new HeadObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'NotFound' })
  })
})
