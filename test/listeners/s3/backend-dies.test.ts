/** A real store behind a line that breaks: within uploads and downloads, before them, and for good until it is back. */
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { type Mode, put } from '../../support/s3-bodies.ts'
import { KEY, S3Rig, signedHead } from '../../support/s3-rig.ts'

const Bucket = 'bucket'
const store = new S3Rig()
let line: FaultProxy
beforeAll(async () => {
  await store.start()
  await store.client().send(new CreateBucketCommand({ Bucket }))
  line = await FaultProxy.start(store.port)
})
afterAll(async () => {
  line.close()
  await store.close()
})

const received = () =>
  store.metrics.cell('portolan_downstream_bytes_total', { listener: 'l', direction: 'received' }).value
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (?!100)(\d{3})/m.exec(answer)?.[1])
const turn = () => new Promise(resolve => setImmediate(resolve))

describe.each(['generic', 'minio'])('of the profile %s', profile => {
  const rig = new S3Rig()
  beforeAll(async () => {
    await rig.backend('b', {
      endpoint: `http://127.0.0.1:${line.port}`,
      profile,
      addressing: 'path',
      credentials: { accessKeyId: KEY, secretAccessKey: { env: 'PORTOLAN_TEST_S3_SECRET' } },
      responseTimeout: '1s',
      healthCheck: { interval: 0 },
    })
    await rig.start()
  })
  afterAll(() => rig.close())
  const missing = (Key: string) =>
    expect(store.client().send(new HeadObjectCommand({ Bucket, Key }))).rejects.toMatchObject({ name: 'NotFound' })

  /** Sends all but the end of an upload, and breaks the line once the store has some of it. */
  async function broken(target: string, mode: Mode): Promise<string> {
    const request = Buffer.concat(put(target, mode, Buffer.alloc(2_000_000, 'payload'), 'length'))
    const before = received()
    const answer = rig.raw(request.subarray(0, -100_000))
    while (received() < before + 500_000) await turn()
    line.reset()
    return answer
  }

  test.each<Mode>(['hash', 'unsigned', 'signed-chunks', 'unsigned-chunks-trailer CRC32'])(
    'an upload by %s is answered as failed, and nothing of it is stored',
    async mode => {
      const Key = `${profile} ${mode}`
      const path = `/${Bucket}/${encodeURIComponent(Key)}`
      expect(statusOf(await broken(path, mode))).toBeGreaterThanOrEqual(500)
      await missing(Key)
      const { UploadId } = await store.client().send(new CreateMultipartUploadCommand({ Bucket, Key }))
      const part = `${path}?partNumber=1&uploadId=${encodeURIComponent(UploadId!)}`
      expect(statusOf(await broken(part, mode))).toBeGreaterThanOrEqual(500)
      const { Parts = [] } = await store.client().send(new ListPartsCommand({ Bucket, Key, UploadId }))
      expect(Parts).toEqual([])
      expect(statusOf(await rig.raw(put(path, mode, Buffer.alloc(200_000), 'length')))).toBe(200)
    },
  )

  test.each(['fin', 'reset'] as const)('a download that ends early (%s) never looks whole', async cut => {
    const Key = `${profile} ${cut}`
    const length = 2_000_000
    await store.client().send(new PutObjectCommand({ Bucket, Key, Body: Buffer.alloc(length, 'x') }))
    const done = line.cutAfter(1_000_000, cut)
    const target = `/${Bucket}/${encodeURIComponent(Key)}`
    const answer = await rig.raw(signedHead({ method: 'GET', target, contentSha256: 'UNSIGNED-PAYLOAD' }).head)
    await done
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 200 .*^content-length: ${length}\r$`, 'ims'))
    expect(answer.length).toBeLessThan(length)
    await expect(
      (async () => {
        const again = line.cutAfter(1_000_000, cut)
        const { Body } = await rig.client().send(new GetObjectCommand({ Bucket, Key }))
        await Promise.all([again, Body!.transformToByteArray()])
      })(),
    ).rejects.toThrow(/abort|reset|terminated|hang up/i)
  })

  test('a store that is away, or says nothing, is told of; once it is back, it serves', async () => {
    const Key = `${profile} back`
    const write = () => rig.client().send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
    await line.refuse()
    await expect(write()).rejects.toMatchObject({ name: 'ServiceUnavailable' })
    await line.listen()
    await expect.poll(() => write().then(() => 'stored', String), { timeout: 10_000 }).toBe('stored')
    line.silence()
    await expect(write()).rejects.toMatchObject({
      $metadata: { httpStatusCode: expect.toSatisfy(code => code >= 500) },
    })
    line.speak()
    await write()
  })
})
