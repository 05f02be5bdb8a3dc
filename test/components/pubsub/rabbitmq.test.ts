import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { freePorts } from '../../../scripts/ports.mjs'
import { rabbitmqPubSub } from '../../../src/components/pubsub/rabbitmq.ts'
import { pubsubConformance } from '../../conformance/pubsub.ts'
import { Inbox, message, publish } from '../../conformance/pubsub-bench.ts'
import { type RabbitmqServer, startRabbitmq } from '../../support/rabbitmq-server.ts'
import { openStore } from '../open.ts'

let server: RabbitmqServer

beforeAll(async () => {
  server = await startRabbitmq()
})
afterAll(() => server?.stop())
afterEach(() => vi.unstubAllEnvs())

const open = (more: object = {}) =>
  openStore(rabbitmqPubSub, { endpoints: [server.address], retryAfter: '50ms', ...more })
const subscribed = { from: 'new', maxInFlight: 10 } as const

pubsubConformance({
  features: rabbitmqPubSub.features,
  open,
  restart: { stop: () => server.kill(), start: () => server.restart() },
})

test('a level of asterisks in a topic is no pattern, and what is no pattern is refused', async () => {
  const store = await open()
  const inbox = new Inbox()
  await store.subscribe('stars/*', subscribed, inbox)
  await publish(store, 'stars/x', 'others')
  await publish(store, 'stars/**', 'others')
  await publish(store, 'stars/*', 'ours')
  await expect.poll(() => inbox.texts).toEqual(['ours'])
  expect(inbox.last.topic).toBe('stars/*')
  for (const topic of ['a+/b', 'a/#/b', 'x'.repeat(256)])
    await expect(store.subscribe(topic, subscribed, inbox)).rejects.toMatchObject({ code: 'invalid-argument' })
  for (const topic of ['a/+', '#', 'x'.repeat(256)])
    await expect(store.publish(topic, [message('x')])).rejects.toMatchObject({ code: 'invalid-argument' })
  await store.close()
})

test('a first delivery is counted; a classic queue tells no more of a later one', async () => {
  const store = await open()
  const inbox = new Inbox((_, count) => (count === 1 ? 'retry' : 'ack'))
  await store.subscribe('counted', { ...subscribed, group: 'g' }, inbox)
  await publish(store, 'counted', 'x')
  await expect.poll(() => inbox.deliveries.map(({ attempt }) => attempt)).toEqual([1, undefined])
  await store.close()
})

test('a subscription whose queue is deleted is made again', async () => {
  const store = await open()
  const inbox = new Inbox()
  await store.subscribe('deleted', { ...subscribed, group: 'g' }, inbox)
  await server.control('delete_queue', 'portolan/g/deleted')
  await expect.poll(() => inbox.outages, { timeout: 10_000 }).toBe(1)
  await expect
    .poll(() => publish(store, 'deleted', 'again').then(() => inbox.texts.length), { timeout: 10_000 })
    .toBeGreaterThan(0)
  await store.close()
})

test('a wrong password is told as such, and as unavailable that no broker is there', async () => {
  vi.stubEnv('PORTOLAN_TEST_RIGHT', 'guest').stubEnv('PORTOLAN_TEST_WRONG', 'wrong')
  const credentials = (env: string) => ({ credentials: { username: 'guest', password: { env } } })
  const right = await open(credentials('PORTOLAN_TEST_RIGHT'))
  await publish(right, 'x', 'x')
  await right.close()
  const wrong = await open(credentials('PORTOLAN_TEST_WRONG'))
  await expect(wrong.check(5_000)).rejects.toMatchObject({ code: 'denied' })
  await wrong.close()
  const [port] = await freePorts(1)
  const absent = await open({ endpoints: [`127.0.0.1:${port}`] })
  await expect(absent.publish('x', [message('x')])).rejects.toMatchObject({ code: 'unavailable' })
  await expect(absent.subscribe('x', subscribed, new Inbox())).rejects.toMatchObject({ code: 'unavailable' })
  await absent.close()
})

test('nobody knows what became of a message that was not confirmed in time, or before the connection was lost', async () => {
  const hasty = await open({ requestTimeout: '300ms' })
  const patient = await open({ requestTimeout: '1m' })
  await Promise.all([publish(hasty, 'sure', 'x'), publish(patient, 'sure', 'x')])
  server.pause()
  expect((await hasty.publish('unsure', [message('x')]))[0]).toMatchObject({ code: 'unknown', retryable: false })
  const lost = patient.publish('unsure', [message('x'), message('y')])
  // It is sent once the store has seen its connection.
  await new Promise(resolve => setImmediate(resolve))
  await server.kill()
  const unknown = expect.objectContaining({ code: 'unknown' })
  expect(await lost).toEqual([unknown, unknown])
  await server.restart()
  await expect
    .poll(() => hasty.publish('sure', [message('x')]).catch(() => 'away'), { timeout: 10_000 })
    .toEqual([undefined])
  await Promise.all([hasty.close(), patient.close()])
})

test('the next endpoint is tried when one is away', async () => {
  const [port] = await freePorts(1)
  const store = await open({ endpoints: [`127.0.0.1:${port}`, server.address] })
  expect(await store.check(5_000)).toMatchObject({ version: expect.stringMatching(/^RabbitMQ \d/) })
  await store.close()
})
