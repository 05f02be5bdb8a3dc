/** The cloud's side changes under load, its address and its keys: whatever was under way ends, once and whole. */
import { once } from 'node:events'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type * as z from 'zod/mini'
import { s3 } from '../../../listeners/s3/index.ts'
import { type App, createApp } from '../../../src/app.ts'
import { s3BackendKind } from '../../../src/backends/s3/index.ts'
import type { AppConfig } from '../../../src/config/index.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { Metrics } from '../../../src/observability/metrics.ts'
import type { Listener } from '../../../src/protocol.ts'
import { type Mode, put } from '../../support/s3-bodies.ts'
import { S3Rig, signedHead } from '../../support/s3-rig.ts'

const Bucket = 'bucket'
const GRACE_MS = 60_000

/** Two addresses of one service, each of which takes a key of its own and no other. */
const service = new S3Rig()
const addresses: { readonly listener: Listener; readonly accessKeyId: string }[] = []
const metrics = new Metrics()
let app: App
let rig: S3Rig

beforeAll(async () => {
  await service.backend('b', { embedded: { dataDirectory: join(service.folder(), 'data') } })
  for (const accessKeyId of ['first', 'second']) {
    const keys = [{ accessKeyId, secretAccessKey: { env: 'PORTOLAN_TEST_S3_SECRET' } }]
    const listener = s3.build(service.config({ keys }), service.runtime)
    await listener.start()
    addresses.push({ listener, accessKeyId })
  }
  app = createApp(config(0), {
    protocols: [s3],
    backendKinds: [s3BackendKind],
    componentKinds: [],
    metrics,
    logger: silentLogger,
  })
  await app.start()
  rig = new S3Rig()
  rig.listener = app.generation.listeners.get('l')!.listener
  await rig.client().send(new CreateBucketCommand({ Bucket }))
})
beforeEach(() => reloadTo(0))
afterAll(async () => {
  await rig.close()
  await app.close()
  for (const { listener } of addresses) await listener.drain(0)
  await service.close()
})

function config(at: number): AppConfig {
  const { listener, accessKeyId } = addresses[at]!
  const options = (s3BackendKind.options as z.ZodMiniType).parse({
    endpoint: `http://${listener.address}`,
    credentials: { accessKeyId, secretAccessKey: { env: 'PORTOLAN_TEST_S3_SECRET' } },
    pool: { max: 40 },
  })
  return {
    admin: { address: undefined, token: undefined, allowedHosts: [] },
    log: { level: 'info', format: 'json' },
    shutdown: { graceMs: GRACE_MS },
    listeners: [service.config({})],
    backends: [{ name: 'b', protocol: 's3', options }],
    components: [],
    requires: [],
  }
}

async function reloadTo(at: number): Promise<void> {
  const report = await app.reload(config(at), {})
  expect(report.errors).toEqual([])
}

/** Waits until so many connections lead to the address: without any, what led there has been let go of. */
async function has(at: number, connections: number): Promise<void> {
  while (addresses[at]!.listener.status().connections !== connections) await turn()
}

/** Bytes that have come from applications. */
function received(): number {
  const labels = { listener: 'l', direction: 'received' }
  return metrics.cell('portolan_downstream_bytes_total', labels).value
}

/** Of its own for each object: what is mixed up shows. */
const contentOf = (key: string, length: number) => Buffer.alloc(length, `${key}|`)

async function contentAt(client: S3Client, Key: string): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
  return Buffer.from(await Body!.transformToByteArray())
}

test.each<[Mode, number, 'goes to the new address' | 'ends at the old one']>([
  ['hash', 20_000, 'goes to the new address'],
  ['unsigned-chunks-trailer CRC32', 20_000, 'goes to the new address'],
  ['hash', 3_000_000, 'ends at the old one'],
  ['signed-chunks-trailer CRC32', 3_000_000, 'ends at the old one'],
])('an upload by %s of %i bytes that has come half %s', async (mode, length, where) => {
  const key = `half ${mode} ${length}`
  const bytes = contentOf(key, length)
  const request = Buffer.concat(put(`/${Bucket}/${encodeURIComponent(key)}`, mode, bytes, 'length'))
  const socket = rig.socket()
  let answer = ''
  socket.on('data', chunk => (answer += chunk.toString('latin1')))
  const half = request.length >> 1
  const before = received()
  socket.write(request.subarray(0, half))
  while (received() < before + half) await turn()
  await reloadTo(1)
  await has(0, where === 'goes to the new address' ? 0 : 1)
  socket.write(request.subarray(half))
  await once(socket, 'close')
  expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  expect((await contentAt(rig.client(), key)).equals(bytes)).toBe(true)
  await has(0, 0)
})

test('a download that is being read ends at the old address', async () => {
  const key = 'large'
  const bytes = contentOf(key, 32 * 1024 * 1024)
  await rig.client().send(new PutObjectCommand({ Bucket, Key: key, Body: bytes }))
  const { head } = signedHead({ method: 'GET', target: `/${Bucket}/${key}`, contentSha256: 'UNSIGNED-PAYLOAD' })
  const socket = rig.socket()
  socket.write(head)
  const [first] = (await once(socket, 'data')) as [Buffer]
  socket.pause()
  await reloadTo(1)
  await has(0, 1)
  const pieces = [first]
  let length = first.length - (first.indexOf('\r\n\r\n') + 4)
  socket.on('data', piece => {
    pieces.push(piece)
    length += piece.length
    if (length >= bytes.length) socket.destroy()
  })
  socket.resume()
  await once(socket, 'close')
  const all = Buffer.concat(pieces)
  expect(all.subarray(all.indexOf('\r\n\r\n') + 4).equals(bytes)).toBe(true)
  await has(0, 0)
})

test('of hundreds under way while address and keys change to and fro none is lost, and none is another’s', async () => {
  const WORKERS = 200
  const client = rig.client({ requestHandler: { httpAgent: { maxSockets: WORKERS, keepAlive: true } } })
  let underWay = 0
  let done = 0
  let isOver = false
  const counted = async <T>(work: Promise<T>): Promise<T> => {
    underWay++
    try {
      return await work
    } finally {
      underWay--
      done++
    }
  }
  const worker = async (id: number) => {
    for (let round = 0; !isOver || round === 0; round++) {
      const Key = `worker ${id} ${round}`
      const bytes = contentOf(Key, (id * 997) % 150_000)
      await counted(client.send(new PutObjectCommand({ Bucket, Key, Body: bytes })))
      expect([Key, (await counted(contentAt(client, Key))).equals(bytes)]).toEqual([Key, true])
    }
  }
  const workers = Promise.all(Array.from({ length: WORKERS }, (_, id) => worker(id)))
  for (let reload = 1; reload <= 6; reload++) {
    const before = done
    while (done < before + WORKERS / 2) await Promise.race([turn(), workers])
    expect(underWay).toBeGreaterThan(WORKERS / 2)
    await reloadTo(reload % 2)
  }
  isOver = true
  await workers
  expect(done).toBeGreaterThan(6 * (WORKERS / 2))
  await has(1, 0)
}, 120_000)
