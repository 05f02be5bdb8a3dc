import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePorts } from '../../../scripts/ports.mjs'
import type { PubSubStore } from '../../../src/apis/index.ts'
import { mqttPubSub } from '../../../src/components/pubsub/mqtt.ts'
import { selfSigned } from '../../../src/net/self-signed.ts'
import { pubsubConformance } from '../../conformance/pubsub.ts'
import { Inbox, message, publish, publishEach } from '../../conformance/pubsub-bench.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { type MosquittoServer, startMosquitto } from '../../support/mosquitto-server.ts'
import { openStore } from '../open.ts'

let server: MosquittoServer
const stores: PubSubStore[] = []

beforeAll(async () => {
  server = await startMosquitto()
})
afterAll(() => server?.stop())
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(stores.splice(0).map(store => store.close()))
})

const open = (more: object = {}) => openStore(mqttPubSub, { endpoints: [server.address], retryAfter: '50ms', ...more })
const opened = async (more?: object) => {
  const store = await open(more)
  stores.push(store)
  return store
}
const restart = { stop: () => server.halt(), start: () => server.restart() }
const single = { from: 'new', maxInFlight: 10 } as const
const grouped = { ...single, group: 'g' }
const soon = { timeout: 10_000 }

describe('version 5', () => pubsubConformance({ features: mqttPubSub.features, open, restart }))

describe('version 3.1.1', () => {
  const lacking = ['pubsub.headers', 'pubsub.group']
  pubsubConformance({
    features: mqttPubSub.features.filter(feature => !lacking.includes(feature)),
    open: () => open({ version: '3.1.1' }),
    restart,
  })

  test('is said to be lacking, and refuses what takes version 5', async () => {
    const store = await opened({ version: '3.1.1' })
    const { version, lacks } = await store.check(5_000)
    expect(version).toBe('MQTT 3.1.1')
    expect(Object.keys(lacks!)).toEqual(lacking)
    const [outcome] = await store.publish('x', [message('x', { headers: { a: '1' } })])
    expect(outcome).toMatchObject({ code: 'feature-missing' })
    await expect(store.subscribe('x', grouped, new Inbox())).rejects.toMatchObject({ code: 'feature-missing' })
  })

  test('is spoken with a broker that refuses the other', async () => {
    const old = createServer(socket => {
      socket.on('error', () => {})
      socket.once('data', chunk => {
        // Behind the fixed header of two bytes and the name of the protocol stands the version.
        if (chunk[8] === 5) return socket.end(Buffer.from([0x20, 2, 0, 1]))
        const broker = connect(server.port, '127.0.0.1')
        broker.on('error', () => socket.destroy())
        broker.write(chunk)
        socket.pipe(broker).pipe(socket)
      })
    }).listen(0, '127.0.0.1')
    await once(old, 'listening')
    const { port } = old.address() as AddressInfo
    const store = await open({ endpoints: [`127.0.0.1:${port}`] })
    expect(await store.check(5_000)).toMatchObject({ version: 'MQTT 3.1.1' })
    const inbox = new Inbox()
    await store.subscribe('old', single, inbox)
    await publish(store, 'old', 'x')
    await expect.poll(() => inbox.texts, soon).toEqual(['x'])
    await store.close()
    const strict = await opened({ endpoints: [`127.0.0.1:${port}`], version: '5' })
    await expect(strict.check(5_000)).rejects.toMatchObject({ code: 'unavailable' })
    old.close()
  })

  test('delivers no more than may be unsettled either, however slow the subscriber is', async () => {
    const store = await opened({ version: '3.1.1' })
    const held = new Inbox(() => undefined)
    await store.subscribe('slow', { ...single, maxInFlight: 3 }, held)
    const texts = Array.from({ length: 100 }, (_, i) => `message ${i}`)
    await publish(store, 'slow', ...texts)
    for (let i = 0; i < texts.length; i++) {
      await expect.poll(() => held.deliveries.length, soon).toBeGreaterThan(i)
      held.settle(held.deliveries[i]!, 'ack')
    }
    expect(held.mostUnsettled).toBe(3)
    expect(held.texts).toEqual(texts)
  })
})

test('what is no pattern, and what is one where none may be, is refused', async () => {
  const store = await opened()
  for (const topic of ['a+/b', 'a/#/b', '$share/g/x', 'a\0b', 'x'.repeat(65_536)])
    await expect(store.subscribe(topic, single, new Inbox())).rejects.toMatchObject({ code: 'invalid-argument' })
  for (const topic of ['a/+', '#', 'a\0b', 'x'.repeat(65_536)])
    await expect(store.publish(topic, [message('x')])).rejects.toMatchObject({ code: 'invalid-argument' })
})

test('nobody hears how a group finds out who receives', async () => {
  const store = await opened({ holders: 'plain/holders' })
  const all = new Inbox()
  await store.subscribe('#', single, all)
  await store.subscribe('heard', grouped, new Inbox())
  await publish(store, 'heard', 'x')
  await expect.poll(() => all.texts, soon).toEqual(['x'])
})

test('poison holds up nobody', async () => {
  const store = await opened()
  const inbox = new Inbox(({ data, attempt }) =>
    data.toString() !== 'poison' ? 'ack' : attempt! < 5 ? 'retry' : 'drop',
  )
  await store.subscribe('poison', { ...grouped, maxInFlight: 2 }, inbox)
  await publishEach(store, 'poison', 'poison', '1', '2', '3')
  await expect.poll(() => inbox.texts.toSorted(), soon).toEqual(['1', '2', '3', ...Array(5).fill('poison')])
  expect(inbox.texts.slice(0, 4)).toEqual(['poison', '1', '2', '3'])
})

test.each(['is cut off', 'falls silent'] as const)(
  'what a holder that %s has not settled goes to another',
  async how => {
    const proxy = await FaultProxy.start(server.port)
    const lost = await open({ endpoints: [`127.0.0.1:${proxy.port}`], requestTimeout: '500ms' })
    const other = await opened()
    const topic = `holder/${how}`
    const held = new Inbox(() => undefined)
    const inbox = new Inbox()
    await lost.subscribe(topic, grouped, held)
    await other.subscribe(topic, grouped, inbox)
    await publishEach(other, topic, 'a', 'b')
    await expect.poll(() => held.texts, soon).toEqual(['a', 'b'])
    if (how === 'falls silent') proxy.silence()
    else await proxy.close()
    await expect.poll(() => inbox.texts, { timeout: 15_000 }).toEqual(['a', 'b'])
    held.settle(held.deliveries[0]!, 'ack')
    await publish(other, topic, 'c')
    await expect.poll(() => inbox.texts, soon).toEqual(['a', 'b', 'c'])
    await proxy.close()
    await lost.close()
  },
  20_000,
)

test('nobody knows what became of a message that was not acknowledged in time', async () => {
  const hasty = await opened({ requestTimeout: '300ms' })
  await publish(hasty, 'sure', 'x')
  server.pause()
  expect(await hasty.publish('unsure', [message('x')])).toMatchObject([{ code: 'unknown', retryable: false }])
  server.resume()
})

test('what the broker does not take is refused, and the rest goes on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mosquitto-rules-'))
  const rules = join(folder, 'rules')
  writeFileSync(rules, 'topic readwrite allowed\n')
  const lines = ['allow_anonymous true', `acl_file ${rules}`, 'max_packet_size 2000', 'max_inflight_messages 2']
  const guarded = await startMosquitto({ lines })
  const store = await opened({ endpoints: [guarded.address] })
  const inbox = new Inbox()
  await store.subscribe('allowed', single, inbox)
  expect(await store.publish('forbidden', [message('x')])).toMatchObject([{ code: 'denied' }])
  const texts = Array.from({ length: 20 }, (_, i) => `message ${i}`)
  const outcomes = await store.publish('allowed', [message(Buffer.alloc(5_000)), ...texts.map(text => message(text))])
  expect(outcomes[0]).toMatchObject({ code: 'invalid-argument' })
  expect(outcomes.slice(1)).toEqual(texts.map(() => undefined))
  await expect.poll(() => inbox.texts, soon).toEqual(texts)
  await guarded.stop()
  rmSync(folder, { recursive: true })
})

test('TLS is spoken with a broker whose certificate is trusted, with no other', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mosquitto-tls-'))
  const write = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  const own = selfSigned(['127.0.0.1'], new Date())
  const ca = write('cert.pem', own.cert)
  const lines = ['allow_anonymous true', `certfile ${ca}`, `keyfile ${write('key.pem', own.key)}`]
  const secured = await startMosquitto({ lines })
  const endpoints = [secured.address]
  const store = await opened({ endpoints, tls: { ca } })
  const inbox = new Inbox()
  await store.subscribe('secured', grouped, inbox)
  await publish(store, 'secured', 'x')
  await expect.poll(() => inbox.texts, soon).toEqual(['x'])
  const other = write('other.pem', selfSigned(['127.0.0.1'], new Date()).cert)
  const stranger = await opened({ endpoints, tls: { ca: other } })
  await expect(stranger.check(5_000)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/certificate/),
  })
  await secured.stop()
  rmSync(folder, { recursive: true })
})

test('a wrong password is told as such, and as unavailable that no broker is there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mosquitto-users-'))
  const users = join(folder, 'users')
  execFileSync('mosquitto_passwd', ['-b', '-c', users, 'me', 'right'])
  const guarded = await startMosquitto({ lines: ['allow_anonymous false', `password_file ${users}`] })
  vi.stubEnv('PORTOLAN_TEST_RIGHT', 'right').stubEnv('PORTOLAN_TEST_WRONG', 'wrong')
  const options = (env: string) => ({
    endpoints: [guarded.address],
    credentials: { username: 'me', password: { env } },
  })
  const [port] = await freePorts(1)
  const right = await opened({ ...options('PORTOLAN_TEST_RIGHT'), endpoints: [`127.0.0.1:${port}`, guarded.address] })
  await publish(right, 'x', 'x')
  const wrong = await opened(options('PORTOLAN_TEST_WRONG'))
  await expect(wrong.check(5_000)).rejects.toMatchObject({ code: 'denied' })
  const absent = await opened({ endpoints: [`127.0.0.1:${port}`] })
  await expect(absent.publish('x', [message('x')])).rejects.toMatchObject({ code: 'unavailable' })
  await expect(absent.subscribe('x', single, new Inbox())).rejects.toMatchObject({ code: 'unavailable' })
  await guarded.stop()
  rmSync(folder, { recursive: true })
})
