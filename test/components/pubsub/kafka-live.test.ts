/** Pub/sub before a real broker of Kafka, whose jars test/interop/kafka has fetched: PORTOLAN_TEST_KAFKA names their folder. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { PubSubStore } from '../../../src/apis/index.ts'
import { kafkaPubSub } from '../../../src/components/pubsub/kafka.ts'
import { selfSigned } from '../../../src/net/self-signed.ts'
import { pubsubConformance } from '../../conformance/pubsub.ts'
import { Inbox, message, publish } from '../../conformance/pubsub-bench.ts'
import { KafkaServer, PARTITIONS } from '../../support/kafka-server.ts'
import { openStore } from '../open.ts'

const jars = process.env['PORTOLAN_TEST_KAFKA']
const GROUPED = { group: 'g', from: 'new', maxInFlight: 100 } as const
const PATIENCE = { timeout: 30_000 }
/** A broker takes 1 MiB with the batch around it. */
const LARGEST_BYTES = 1_000_000

describe.skipIf(jars === undefined)('Apache Kafka', { timeout: 60_000 }, () => {
  let server: KafkaServer
  const stores: PubSubStore[] = []
  beforeAll(async () => {
    server = await KafkaServer.start(jars!)
  }, 60_000)
  afterAll(() => server?.stop())
  afterEach(async () => {
    vi.unstubAllEnvs()
    await Promise.all(stores.splice(0).map(store => store.close()))
  })

  const open = (more: object = {}) =>
    openStore(kafkaPubSub, { endpoints: [server.address], retryAfter: '50ms', sessionTimeout: '6s', ...more })
  async function opened(more: object = {}): Promise<PubSubStore> {
    const store = await open(more)
    stores.push(store)
    return store
  }
  /** Numbers of the partitions that were delivered from. */
  const partitions = (inbox: Inbox) => new Set(inbox.deliveries.map(({ id }) => Number(id.split('/')[1])))

  pubsubConformance({
    features: kafkaPubSub.features,
    open,
    restart: { stop: () => server.kill(), start: () => server.restart() },
    largestBytes: LARGEST_BYTES,
    oddTopics: ['.orders.new', '-x', '_y', 'A', 'z'.repeat(100)],
    patienceMs: 30_000,
  })

  test('what follows an unsettled message comes again with it: the offset stays before both', async () => {
    const store = await opened()
    const first = new Inbox(({ data }) => (data.toString() === 'held' ? undefined : 'ack'))
    const leaving = await store.subscribe('offsets', GROUPED, first)
    await publish(store, 'offsets', 'before', 'held', 'after')
    await expect.poll(() => [first.texts, first.unsettled], PATIENCE).toEqual([['before', 'held', 'after'], 1])
    await leaving.close()
    const second = new Inbox()
    await store.subscribe('offsets', GROUPED, second)
    await expect.poll(() => second.texts, PATIENCE).toEqual(['held', 'after'])
  })

  test('nothing is lost while subscribers of a group come and go', async () => {
    const publisher = await opened()
    const inboxes = [new Inbox(), new Inbox(), new Inbox()]
    const stay = await publisher.subscribe('moving', GROUPED, inboxes[0]!)
    const texts: string[] = []
    let isOver = false
    const sent = (async () => {
      while (!isOver) {
        const text = `message ${texts.length}`
        texts.push(text)
        await publish(publisher, 'moving', message(text, { orderingKey: text }))
      }
    })()
    const other = await opened()
    const comes = await other.subscribe('moving', GROUPED, inboxes[1]!)
    await expect.poll(() => inboxes[1]!.deliveries.length, PATIENCE).toBeGreaterThan(0)
    await comes.close()
    await (await opened()).subscribe('moving', GROUPED, inboxes[2]!)
    await expect.poll(() => inboxes[2]!.deliveries.length, PATIENCE).toBeGreaterThan(0)
    isOver = true
    await sent
    const missing = () => {
      const got = new Set(inboxes.flatMap(inbox => inbox.texts))
      return texts.filter(text => !got.has(text))
    }
    await expect.poll(missing, PATIENCE).toEqual([])
    await stay.close()
  })

  test('nothing that was confirmed is lost while the broker is killed, and the order of each key is kept', async () => {
    const store = await opened()
    const inbox = new Inbox()
    await store.subscribe('killed', GROUPED, inbox)
    const keys = ['a', 'b', 'c']
    const confirmed: string[] = []
    let isOver = false
    const sent = (async () => {
      for (let n = 0; !isOver; n++) {
        for (const orderingKey of keys) {
          const text = `${orderingKey} ${n}`
          const [failure] = await store
            .publish('killed', [message(text, { orderingKey })])
            .catch((error: unknown) => [error])
          if (!failure) confirmed.push(text)
        }
      }
    })()
    for (let times = 0; times < 2; times++) {
      const before = confirmed.length
      await expect.poll(() => confirmed.length, PATIENCE).toBeGreaterThan(before + 100)
      await server.kill()
      await server.restart()
    }
    const before = confirmed.length
    await expect.poll(() => confirmed.length, PATIENCE).toBeGreaterThan(before + 100)
    isOver = true
    await sent
    const missing = () => {
      const got = new Set(inbox.texts)
      return confirmed.filter(text => !got.has(text))
    }
    await expect.poll(missing, PATIENCE).toEqual([])
    for (const key of keys) {
      // A message may come again, but then all that follow it do.
      const firsts = [...new Set(inbox.texts.filter(text => text.startsWith(key)))]
      const numbers = firsts.map(text => Number(text.slice(2)))
      expect(numbers).toEqual(numbers.toSorted((x, y) => x - y))
    }
  })

  test('a key has the partition that Kafka’s own client gives it; without one, a publisher keeps to one unless told', async () => {
    const store = await opened()
    const inbox = new Inbox()
    await store.subscribe('placed', { ...GROUPED, from: 'earliest' }, inbox)
    // Hashes of Kafka's own tests.
    const hashes = { '21': -973_932_308, foobar: -790_332_482, 'a-little-bit-long-string': -985_981_536 }
    for (const orderingKey of Object.keys(hashes)) await publish(store, 'placed', message('x', { orderingKey }))
    await expect.poll(() => inbox.deliveries.length, PATIENCE).toBe(3)
    for (const { orderingKey, id } of inbox.deliveries) {
      const hash = hashes[orderingKey as keyof typeof hashes]
      expect(id.split('/')[1], orderingKey).toBe(String((hash & 0x7f_ff_ff_ff) % PARTITIONS))
    }
    const [kept, spread] = [new Inbox(), new Inbox()]
    await store.subscribe('kept', GROUPED, kept)
    await store.subscribe('spread', GROUPED, spread)
    const spreading = await opened({ spread: true })
    for (let i = 0; i < 6; i++) {
      await publish(store, 'kept', 'x')
      await publish(spreading, 'spread', 'x')
    }
    await expect.poll(() => kept.deliveries.length + spread.deliveries.length, PATIENCE).toBe(12)
    expect([partitions(kept).size, partitions(spread).size]).toEqual([1, PARTITIONS])
  })

  test('a message that is too large is refused, and what was to follow it not sent', async () => {
    const store = await opened()
    const inbox = new Inbox()
    await store.subscribe('large', GROUPED, inbox)
    const outcomes = await store.publish(
      'large',
      ['1', Buffer.alloc(2_000_000), '3'].map(data => message(data)),
    )
    expect(outcomes.map(outcome => outcome?.code)).toEqual([undefined, 'invalid-argument', 'unavailable'])
    await publish(store, 'large', '4')
    await expect.poll(() => inbox.texts, PATIENCE).toEqual(['1', '4'])
  })

  test('several messages that are more than a batch arrive in order', async () => {
    const store = await opened()
    const inbox = new Inbox()
    await store.subscribe('batches', GROUPED, inbox)
    const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(400_000))
    await publish(store, 'batches', ...texts)
    await expect.poll(() => inbox.texts.map(text => text[0]), PATIENCE).toEqual(texts.map(text => text[0]))
  })

  test('nobody knows what became of a message whose answer did not come in time', async () => {
    const store = await opened({ requestTimeout: '700ms' })
    await vi.waitFor(() => publish(store, 'slow', 'x'), PATIENCE)
    server.pause()
    try {
      expect(await store.publish('slow', [message('y')])).toMatchObject([{ code: 'unknown', retryable: false }])
    } finally {
      server.resume()
    }
  })

  test('a topic that may not be made is not there', async () => {
    const store = await opened({ createTopics: false })
    await expect(store.publish('absent', [message('x')])).rejects.toMatchObject({ code: 'not-found' })
    await expect(store.subscribe('absent', GROUPED, new Inbox())).rejects.toMatchObject({ code: 'not-found' })
  })

  test('partitions that are added are read, from their beginning', async () => {
    const store = await opened({ spread: true })
    const [grouped, alone] = [new Inbox(), new Inbox()]
    await store.subscribe('grown', GROUPED, grouped)
    await store.subscribe('grown', { from: 'new', maxInFlight: 100 }, alone)
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [server.address] })
    await admin.createPartitions({
      topics: [{ name: 'grown', count: PARTITIONS + 1, assignments: [{ brokerIds: [1] }] }],
    })
    await admin.close()
    const later = await opened({ spread: true })
    for (let i = 0; i <= PARTITIONS; i++) await publish(later, 'grown', 'x')
    await expect.poll(() => [partitions(grouped).size, partitions(alone).size], PATIENCE).toEqual([4, 4])
  })
})

describe.skipIf(jars === undefined)('Apache Kafka behind TLS or a password', { timeout: 60_000 }, () => {
  const own = selfSigned(['127.0.0.1'], new Date())
  const folder = mkdtempSync(join(tmpdir(), 'kafka-tls-'))
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  let server: KafkaServer
  beforeAll(async () => {
    const user = { name: 'alice', password: 'right' }
    server = await KafkaServer.start(jars!, { user, certificate: own })
  }, 60_000)
  afterAll(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true })
  })
  afterEach(() => vi.unstubAllEnvs())

  test('TLS is spoken with a broker whose certificate is trusted, with no other', async () => {
    const endpoints = [server.secure]
    const store = await openStore(kafkaPubSub, { endpoints, tls: { ca: write('ca.pem', own.cert) } })
    const inbox = new Inbox()
    await store.subscribe('secure', GROUPED, inbox)
    await publish(store, 'secure', 'x')
    await expect.poll(() => inbox.texts, PATIENCE).toEqual(['x'])
    await store.close()
    const ca = write('other.pem', selfSigned(['127.0.0.1'], new Date()).cert)
    const stranger = await openStore(kafkaPubSub, { endpoints, tls: { ca } })
    await expect(stranger.check(5_000)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/certificate/),
    })
    await stranger.close()
    const misled = await openStore(kafkaPubSub, {
      endpoints,
      tls: { ca: write('ca.pem', own.cert), serverName: 'else.example' },
    })
    await expect(misled.check(5_000)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/else\.example/),
    })
    await misled.close()
  })

  test.each([
    ['right', undefined],
    ['wrong', 'denied'],
  ])('by SASL, the %s password', async (password, code) => {
    vi.stubEnv('PORTOLAN_TEST_PASSWORD', password)
    const credentials = { mechanism: 'PLAIN', username: 'alice', password: { env: 'PORTOLAN_TEST_PASSWORD' } }
    const store = await openStore(kafkaPubSub, { endpoints: [server.guarded], credentials })
    if (code === undefined) {
      expect(await store.check(5_000)).toMatchObject({ version: 'Kafka', facts: { brokers: '1' } })
      await publish(store, 'guarded', 'x')
    } else {
      await expect(store.check(5_000)).rejects.toMatchObject({ code })
      await expect(store.publish('guarded', [message('x')])).rejects.toMatchObject({ code })
    }
    await store.close()
  })
})
