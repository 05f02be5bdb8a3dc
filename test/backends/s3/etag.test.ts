/** A service that stores something else than it was sent, where nothing but its ETag can tell. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RecordingService } from '../../support/recording-service.ts'
import { KEY, S3Rig } from '../../support/s3-rig.ts'

const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex')
/** Of what it has got, with a bit that fell over. */
const lie: Answer = (response, { body }) => {
  const other = Buffer.from(body)
  if (other.length > 0) other[0]! ^= 1
  response.setHeader('etag', `"${md5(other)}"`).end()
}
type Answer = RecordingService['answer']

const credentials = { accessKeyId: KEY, secretAccessKey: { env: 'PORTOLAN_TEST_S3_SECRET' } }
const rigs: Record<string, S3Rig> = {}
let service: RecordingService
beforeAll(async () => {
  service = await RecordingService.start()
  for (const [name, backend] of Object.entries({
    signed: { credentials },
    unsigned: {},
    'of another ETag': { profile: 'cloudflare-r2' },
  })) {
    const rig = new S3Rig()
    rigs[name] = rig
    await rig.backend('b', { endpoint: service.url, healthCheck: { interval: 0 }, ...backend })
    await rig.start()
  }
})
afterAll(async () => {
  for (const rig of Object.values(rigs)) await rig.close()
  await service.close()
})

const SMALL = Buffer.from('a small body')
const LONG = Buffer.alloc(200_000, 'a long body ')
const about = { Bucket: 'bucket', Key: 'key' }
const stream = () => ({ Body: Readable.from([LONG]), ContentLength: LONG.length })
const send = (to: string, body: { Body: Buffer | Readable }, more: object = {}) =>
  rigs[to]!.client().send(new PutObjectCommand({ ...about, ...body, ...more }))
const part = (to: string) =>
  rigs[to]!.client().send(new UploadPartCommand({ ...about, ...stream(), UploadId: 'u', PartNumber: 1 }))

describe('is noticed', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['a stream whose checksum the service does not know', () => send('signed', stream())],
    ['such a part', () => part('signed')],
    ['a stream that goes unsigned', () => send('unsigned', stream())],
    ['a large body that goes unsigned', () => send('unsigned', { Body: LONG })],
    ['a small body that goes unsigned', () => send('unsigned', { Body: SMALL })],
  ])('with %s', async (_, sent) => {
    service.answer = lie
    await expect(sent()).rejects.toMatchObject({
      name: 'InternalError',
      message: expect.stringContaining('what it has stored is not what was sent: the ETag differs from the MD5'),
      $metadata: { httpStatusCode: 500 },
    })
    service.answer = (response, { body }) => response.setHeader('etag', `"${md5(body)}"`).end()
    await sent()
  })
})

describe('is not suspected', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['where a hash of the body is signed', () => send('signed', { Body: SMALL })],
    ['where it is encrypted with a key', () => send('signed', stream(), { ServerSideEncryption: 'aws:kms' })],
    ['where an ETag is no MD5', () => send('of another ETag', stream())],
  ])('%s', async (_, sent) => {
    service.answer = lie
    await sent()
  })

  test.each(['"opaque"', '"0123456789abcdef0123456789abcdef-1"', undefined])(
    'where the ETag is of another form: %s',
    async etag => {
      service.answer = response => (etag === undefined ? response : response.setHeader('etag', etag)).end()
      await send('signed', stream())
    },
  )

  test('where the service has refused it', async () => {
    service.answer = response => response.writeHead(403, { etag: `"${'0'.repeat(32)}"` }).end()
    await expect(send('signed', stream())).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } })
  })
})
