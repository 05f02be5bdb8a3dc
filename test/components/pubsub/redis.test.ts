import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import * as z from 'zod/mini'
import type { PubSubStore } from '../../../src/apis/index.ts'
import { Component, type ComponentKind } from '../../../src/component.ts'
import { redisPubSub } from '../../../src/components/pubsub/redis.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { type Runtime, systemClock } from '../../../src/protocol.ts'
import { Services } from '../../../src/services/index.ts'
import { pubsubConformance } from '../../conformance/pubsub.ts'
import { Inbox, message, publish, publishEach } from '../../conformance/pubsub-bench.ts'
import { passing } from '../../conformance/suite.ts'
import { RespClient } from '../../support/resp-client.ts'
import { openStore } from '../open.ts'
import { type RedisBench, startRedisBench } from '../redis-backend.ts'

let bench: RedisBench
let redis: RespClient
const stores: PubSubStore[] = []

beforeAll(async () => {
  bench = await startRedisBench()
})
afterAll(() => bench?.stop())
afterEach(async () => {
  redis?.close()
  await Promise.all(stores.splice(0).map(store => store.close()))
})

const open = (more: object = {}) => openStore(redisPubSub, { retryAfter: '50ms', ...more }, { backend: bench.backend })
const opened = async (more?: object) => {
  const store = await open(more)
  stores.push(store)
  redis = await RespClient.connect({ port: bench.server.port })
  return store
}
const grouped = { group: 'g', from: 'new', maxInFlight: 10 } as const
const soon = { timeout: 10_000 }

pubsubConformance({
  features: redisPubSub.features,
  open,
  restart: { stop: () => bench.kill(), start: () => bench.server.restart() },
})

test('what daprd has published is read, and what daprd reads is where it looks', async () => {
  const store = await opened()
  const inbox = new Inbox()
  await store.subscribe('shared', grouped, inbox)
  await redis.call('XADD', 'shared', '*', 'data', '{"specversion":"1.0"}', 'metadata', '{"rawPayload":"true"}')
  await redis.call('XADD', 'shared', '*', 'data', 'no JSON beside it', 'metadata', '{')
  await expect.poll(() => inbox.texts, soon).toEqual(['{"specversion":"1.0"}', 'no JSON beside it'])
  expect(inbox.deliveries.map(({ headers }) => headers)).toEqual([{ rawPayload: 'true' }, {}])
  await publish(store, 'shared', message('ours', { headers: { a: '1' }, contentType: 'text/plain' }))
  const [[, fields]] = (await redis.call('XREVRANGE', 'shared', '+', '-', 'COUNT', '1')) as [[string, string[]]]
  expect(fields).toEqual(['data', 'ours', 'metadata', '{"a":"1"}', 'contentType', 'text/plain'])
})

test('a group is a consumer group of its name, which a consumer of another program shares', async () => {
  const store = await opened()
  const inbox = new Inbox()
  await redis.call('XGROUP', 'CREATE', 'with-daprd', 'app', '0', 'MKSTREAM')
  await redis.call('XADD', 'with-daprd', '*', 'data', 'theirs')
  const reading = ['GROUP', 'app', 'app', 'STREAMS', 'with-daprd', '>']
  await redis.call('XREADGROUP', ...reading)
  await store.subscribe('with-daprd', { ...grouped, group: 'app' }, inbox)
  await publish(store, 'with-daprd', 'ours')
  await expect.poll(() => inbox.texts, soon).toEqual(['ours'])
  // Theirs alone is pending.
  await expect
    .poll(() => redis.call('XPENDING', 'with-daprd', 'app'), soon)
    .toEqual([1, expect.anything(), expect.anything(), [['app', '1']]])
})

test('what a killed subscriber had not settled goes to another after a while, and nothing of it remains', async () => {
  const store = await opened({ claimAfter: '200ms' })
  const inbox = new Inbox(({ data }) => (data.toString() === 'slow' ? undefined : 'ack'))
  await redis.call('XGROUP', 'CREATE', 'killed', 'g', '0', 'MKSTREAM')
  await publishEach(store, 'killed', 'a', 'b')
  const reading = ['GROUP', 'g', 'portolan-dead', 'STREAMS', 'killed', '>']
  await redis.call('XREADGROUP', ...reading)
  await store.subscribe('killed', grouped, inbox)
  await expect.poll(() => inbox.texts, soon).toEqual(['a', 'b'])
  expect(inbox.deliveries.map(({ attempt }) => attempt)).toEqual([2, 2])
  const consumers = async () => (await redis.call('XINFO', 'CONSUMERS', 'killed', 'g')) as string[][]
  await expect.poll(async () => (await consumers()).flat().includes('portolan-dead'), soon).toBe(false)
})

test('a living subscriber keeps what it is slow with', async () => {
  const slow = await opened({ claimAfter: '300ms' })
  const other = await opened({ claimAfter: '300ms' })
  const held = new Inbox(() => undefined)
  const inbox = new Inbox()
  await slow.subscribe('slow', grouped, held)
  await publish(slow, 'slow', 'held')
  await expect.poll(() => held.texts, soon).toEqual(['held'])
  await other.subscribe('slow', grouped, inbox)
  // Longer than the silence after which it would be taken away, and than others take to look.
  await passing(2_000)
  expect(inbox.texts).toEqual([])
  expect(held.texts).toEqual(['held'])
  held.settle(held.last, 'ack')
  await expect.poll(() => redis.call('XPENDING', 'slow', 'g'), soon).toEqual([0, null, null, null])
})

test('a subscription moves to the backend that a reload puts in the place of its own, and keeps what is unsettled', async () => {
  let { backend } = bench
  const context = { name: 'moved', logger: silentLogger, clock: systemClock, backend: () => backend }
  const store = await redisPubSub.open(z.parse(redisPubSub.options(), {}), context)
  stores.push(store)
  const inbox = new Inbox(() => undefined)
  await store.subscribe('moved', grouped, inbox)
  await publish(store, 'moved', 'before')
  await expect.poll(() => inbox.texts, soon).toEqual(['before'])
  const before = backend.pool.lent
  backend = await bench.another()
  await expect.poll(() => [bench.backend.pool.lent, backend.pool.lent], soon).toEqual([before - 1, 1])
  inbox.settle(inbox.last, 'ack')
  await publish(store, 'moved', 'after')
  await expect.poll(() => inbox.texts, soon).toEqual(['before', 'after'])
  inbox.settle(inbox.last, 'ack')
  expect(inbox.outages).toBe(0)
  redis = await RespClient.connect({ port: bench.server.port })
  await expect.poll(() => redis.call('XPENDING', 'moved', 'g'), soon).toEqual([0, null, null, null])
})

test('a group that is gone with all its data is made anew and misses nothing', async () => {
  const store = await opened()
  const inbox = new Inbox()
  await store.subscribe('flushed', grouped, inbox)
  await publish(store, 'flushed', 'before')
  await expect.poll(() => inbox.texts, soon).toEqual(['before'])
  // In one step, so that the group cannot be there again before the message.
  for (const step of [['MULTI'], ['FLUSHALL'], ['XADD', 'flushed', '*', 'data', 'after'], ['EXEC']])
    await redis.call(...(step as [string, ...string[]]))
  await expect.poll(() => inbox.texts, soon).toEqual(['before', 'after'])
})

test('a topic keeps about so many messages, and one that is gone is not delivered again', async () => {
  const store = await opened({ maxLength: 100, retryAfter: '1ms' })
  const inbox = new Inbox(() => undefined)
  await store.subscribe('bounded', { ...grouped, maxInFlight: 1 }, inbox)
  await publish(store, 'bounded', 'first')
  await expect.poll(() => inbox.texts, soon).toEqual(['first'])
  await publish(store, 'bounded', ...Array.from({ length: 1_000 }, (_, i) => `${i}`))
  const length = (await redis.call('XLEN', 'bounded')) as number
  expect(length).toBeGreaterThanOrEqual(100)
  expect(length).toBeLessThan(400)
  inbox.settle(inbox.last, 'retry')
  await expect.poll(() => inbox.deliveries.length, soon).toBe(2)
  expect(inbox.texts).not.toEqual(['first', 'first'])
})

test('poison goes to the dead letters after so many attempts, and holds up nobody', async () => {
  const runtime = {
    clock: systemClock,
    logger: silentLogger,
    componentKinds: [],
    bindings: new Map(),
    backend: () => bench.backend,
  } as unknown as Runtime
  const options = z.parse(redisPubSub.options(), { retryAfter: '10ms' })
  const config = { name: 'events', api: 'pubsub', type: 'redis', backend: 'store', options } as const
  const component = new Component(redisPubSub as unknown as ComponentKind, config, runtime)
  await component.start()
  const services = new Services({ ...runtime, components: new Map([['events', { component }]]) } as Runtime)
  const seen: string[] = []
  const dead: string[] = []
  const subscribing = { component: 'events', options: { ...grouped, maxInFlight: 2 } }
  await services.pubsub.subscribe({
    ...subscribing,
    topic: 'dead',
    onMessage: ({ data, headers, settle }) => {
      dead.push(`${data} ${headers.a}`)
      settle('ack')
    },
  })
  await services.pubsub.subscribe({
    ...subscribing,
    topic: 'poisoned',
    deadLetters: { topic: 'dead', maxAttempts: 3 },
    onMessage: ({ data, settle }) => {
      seen.push(data.toString())
      settle(data.toString() === 'poison' ? 'retry' : 'ack')
    },
  })
  const texts = ['poison', '1', '2', '3', '4']
  await services.pubsub.publish(
    'events',
    'poisoned',
    texts.map(text => message(text, { headers: { a: 'b' } })),
  )
  await expect.poll(() => dead, soon).toEqual(['poison b'])
  await expect.poll(() => seen.toSorted(), soon).toEqual(['1', '2', '3', '4', 'poison', 'poison', 'poison'])
  redis = await RespClient.connect({ port: bench.server.port })
  await expect.poll(() => redis.call('XPENDING', 'poisoned', 'g'), soon).toEqual([0, null, null, null])
  services.close()
  await component.close(0)
})

test('a key of another kind is no topic', async () => {
  const store = await opened()
  await redis.call('SET', 'a-string', 'x')
  expect(await store.publish('a-string', [message('x')])).toMatchObject([{ code: 'internal' }])
  await expect(store.subscribe('a-string', grouped, new Inbox())).rejects.toMatchObject({ code: 'internal' })
})
