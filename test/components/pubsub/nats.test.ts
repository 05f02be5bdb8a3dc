import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { natsPubSub } from '../../../src/components/pubsub/nats.ts'
import { pubsubConformance } from '../../conformance/pubsub.ts'
import { Inbox, message, publish } from '../../conformance/pubsub-bench.ts'
import { passing } from '../../conformance/suite.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { type NatsServer, startNats } from '../../support/nats-server.ts'
import { openStore } from '../open.ts'

let server: NatsServer

beforeAll(async () => {
  server = await startNats()
})
afterAll(() => server?.stop())

const open = (more: object = {}) => openStore(natsPubSub, { servers: [server.address], retryAfter: '50ms', ...more })

pubsubConformance({
  features: natsPubSub.features,
  open,
  restart: { stop: () => server.kill(), start: () => server.restart() },
})

const subscribed = { from: 'new', maxInFlight: 10 } as const
const portOf = () => Number(server.address.split(':')[1])

/** What an administrator sees and does. */
async function administrate<T>(ask: (manager: JetStreamManager) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: server.address })
  try {
    return await ask(await jetstreamManager(connection))
  } finally {
    await connection.close()
  }
}

test('no message that was taken is lost while the server is killed between publishing and acknowledging', async () => {
  const topic = 'killed'
  const store = await open({ ackWait: '1s' })
  // Acknowledged late, so that each kill finds some that are not.
  const inbox = new Inbox(() => undefined)
  await store.subscribe(topic, { ...subscribed, group: 'g' }, inbox)
  const taken: string[] = []
  let settled = 0
  let stopped = false
  let isOver = false
  const settling = (async () => {
    while (!isOver) {
      const next = inbox.deliveries[settled]
      if (next) {
        settled++
        inbox.settle(next, 'ack')
      }
      await new Promise(resolve => setImmediate(resolve))
    }
  })()
  const publishing = (async () => {
    for (let i = 0; !stopped; i++) {
      const [outcome] = await store.publish(topic, [message(`${i}`)]).catch(error => [error as Error])
      if (outcome === undefined) taken.push(`${i}`)
      else await new Promise(resolve => setImmediate(resolve))
    }
  })()
  for (let kill = 1; kill <= 3; kill++) {
    const before = taken.length
    await expect.poll(() => taken.length, { timeout: 10_000 }).toBeGreaterThan(before + 20)
    await server.kill()
    await server.restart()
  }
  stopped = true
  await publishing
  const missing = () => {
    const got = new Set(inbox.texts)
    return taken.filter(text => !got.has(text))
  }
  await expect.poll(missing, { timeout: 15_000 }).toEqual([])
  isOver = true
  await settling
  await store.close()
}, 60_000)

test('what a subscriber that died had not settled goes to another, what a slow one works on does not', async () => {
  const proxy = await FaultProxy.start(portOf())
  const dead = await open({ servers: [`127.0.0.1:${proxy.port}`], ackWait: '500ms' })
  const slow = await open({ ackWait: '500ms' })
  const holding = new Inbox(() => undefined)
  const working = new Inbox(() => undefined)
  await slow.subscribe('died', { ...subscribed, maxInFlight: 1, group: 'g' }, working)
  await publish(slow, 'died', 'slow')
  await expect.poll(() => working.texts).toEqual(['slow'])
  await dead.subscribe('died', { ...subscribed, group: 'g' }, holding)
  await publish(slow, 'died', 'left')
  await expect.poll(() => holding.texts).toEqual(['left'])
  proxy.silence()
  const other = await open({ ackWait: '500ms' })
  const inbox = new Inbox()
  await other.subscribe('died', { ...subscribed, group: 'g' }, inbox)
  await expect.poll(() => inbox.texts, { timeout: 5_000 }).toEqual(['left'])
  expect(inbox.last.attempt).toBeGreaterThan(1)
  await passing(1_000)
  expect(inbox.texts).toEqual(['left'])
  working.settle(working.last, 'ack')
  await publish(slow, 'died', 'last')
  await expect.poll(() => [...inbox.texts, ...working.texts]).toContain('last')
  expect(inbox.texts).not.toContain('slow')
  proxy.close()
  await Promise.all([dead.close(), slow.close(), other.close()])
}, 20_000)

test('a subscriber without a group misses nothing over an outage, and goes on where it was', async () => {
  const proxy = await FaultProxy.start(portOf())
  // What the server has sent over a connection that was lost it sends again after that time.
  const far = await open({ servers: [`127.0.0.1:${proxy.port}`], ackWait: '500ms' })
  const near = await open()
  const inbox = new Inbox()
  const subscription = await far.subscribe('away', subscribed, inbox)
  await publish(near, 'away', 'before')
  await expect.poll(() => inbox.texts).toEqual(['before'])
  await proxy.refuse()
  await publish(near, 'away', 'while away')
  await proxy.listen()
  await expect.poll(() => inbox.texts, { timeout: 10_000 }).toEqual(['before', 'while away'])
  // Its consumer is gone, as it is after a long time.
  await proxy.refuse()
  await administrate(async ({ consumers }) => {
    for await (const { name } of consumers.list('portolan'))
      if (name.startsWith('broadcast-')) await consumers.delete('portolan', name)
  })
  await publish(near, 'away', 'gone')
  await proxy.listen()
  await expect.poll(() => inbox.texts, { timeout: 10_000 }).toEqual(['before', 'while away', 'gone'])
  await subscription.close()
  const left = await administrate(async ({ consumers }) => {
    const names: string[] = []
    for await (const { name } of consumers.list('portolan')) names.push(name)
    return names.filter(name => name.startsWith('broadcast-'))
  })
  expect(left).toEqual([])
  await Promise.all([far.close(), near.close()])
  proxy.close()
}, 30_000)

test('a stream is made as stated, and one that exists is used as it is', async () => {
  const limits = { maxAge: '1h', maxMessages: 3, maxBytes: '1MiB' }
  const strict = await open({ stream: 'strict', prefix: 'strict', ...limits })
  await publish(strict, 'x', '1', '2', '3')
  expect(await strict.publish('x', [message('4')])).toMatchObject([{ code: 'exhausted' }])
  const { config } = await administrate(({ streams }) => streams.info('strict'))
  expect(config).toMatchObject({
    subjects: ['strict.>'],
    retention: 'limits',
    storage: 'file',
    discard: 'new',
    max_age: 3.6e12,
    max_msgs: 3,
    max_bytes: 2 ** 20,
  })
  const lenient = await open({ stream: 'lenient', prefix: 'lenient', ...limits, whenFull: 'drop-oldest' })
  await publish(lenient, 'x', '1', '2', '3', '4')
  const inbox = new Inbox()
  await lenient.subscribe('x', { ...subscribed, from: 'earliest', group: 'g' }, inbox)
  await expect.poll(() => inbox.texts).toEqual(['2', '3', '4'])
  await administrate(({ streams }) => streams.add({ name: 'theirs', subjects: ['shop.orders.*'], max_msgs: 7 }))
  const theirs = await open({ stream: 'theirs', prefix: 'shop', maxMessages: 3 })
  await publish(theirs, 'orders/new', 'x')
  expect((await administrate(({ streams }) => streams.info('theirs'))).config.max_msgs).toBe(7)
  await Promise.all([strict.close(), lenient.close(), theirs.close()])
})

test('what an administrator deletes is made again: a consumer, and the stream', async () => {
  const store = await open({ stream: 'deleted', prefix: 'deleted' })
  const inbox = new Inbox()
  await store.subscribe('x', { ...subscribed, group: 'g' }, inbox)
  await administrate(({ consumers }) => consumers.delete('deleted', 'g=_x'))
  await expect.poll(() => inbox.outages, { timeout: 10_000 }).toBe(1)
  const arrives = (text: string) =>
    expect
      .poll(
        async () => {
          await store.publish('x', [message(text)])
          return inbox.texts.includes(text)
        },
        { timeout: 15_000 },
      )
      .toBe(true)
  await arrives('after the consumer')
  await administrate(({ streams }) => streams.delete('deleted'))
  await arrives('after the stream')
  await store.close()
}, 40_000)

test('headers that mean something to the server, or that it would change, arrive and do nothing', async () => {
  const store = await open({ stream: 'headers', prefix: 'headers' })
  const inbox = new Inbox()
  await store.subscribe('x', subscribed, inbox)
  const headers = {
    'Nats-Msg-Id': 'same',
    'nats-rollup': 'all',
    'Nats-Expected-Last-Sequence': '99',
    'content-type': 'theirs',
    ' name with: odd ones': 'x',
    lines: 'a\r\nb',
    blanks: ' a ',
    __proto__x: '1',
  }
  await publish(store, 'x', message('1', { headers, contentType: 'text/plain' }), message('2', { headers }))
  await expect.poll(() => inbox.texts).toEqual(['1', '2'])
  expect(inbox.deliveries.map(each => each.headers)).toEqual([headers, headers])
  expect(inbox.deliveries.map(each => each.contentType)).toEqual(['text/plain', ''])
  await store.close()
})

test('nobody knows what became of a message whose answer did not come; what NATS has no place for is refused', async () => {
  const hasty = await open({ requestTimeout: '300ms' })
  await publish(hasty, 'sure', 'x')
  server.pause()
  const [outcome] = await hasty.publish('unsure', [message('x')]).finally(() => server.resume())
  expect(outcome).toMatchObject({ code: 'unknown', retryable: false })
  const store = await open()
  expect(await store.publish('big', [message(Buffer.alloc(2 ** 20 + 1))])).toMatchObject([{ code: 'invalid-argument' }])
  for (const topic of ['a+/b', 'a/#/b', 'x'.repeat(1_100)])
    await expect(store.subscribe(topic, subscribed, new Inbox())).rejects.toMatchObject({ code: 'invalid-argument' })
  for (const topic of ['a/+', '#', 'x'.repeat(1_100)])
    await expect(store.publish(topic, [message('x')])).rejects.toMatchObject({ code: 'invalid-argument' })
  await Promise.all([hasty.close(), store.close()])
})
