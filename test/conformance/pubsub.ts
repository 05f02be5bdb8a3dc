/** The conformance suite of the pub/sub API: what is published and delivered. How it is settled: pubsub-delivery.ts. */
import { expect } from 'vitest'
import {
  expectDelivery,
  expectTexts,
  Inbox,
  message,
  type PubSubCase,
  type PubSubSubject,
  publish,
  publishEach,
  subscribe,
} from './pubsub-bench.ts'
import { pubsubDeliveryCases } from './pubsub-delivery.ts'
import { expectRefusal, passing, register } from './suite.ts'

export type { PubSubSubject } from './pubsub-bench.ts'

export function pubsubConformance(subject: PubSubSubject): void {
  register('pubsub', pubsubCases, subject)
}

const ODD_TOPICS: readonly string[] = ['/orders/new', '.orders.new', ' with space', '||', ':x', '-Grüße-日本', '*', '>']
const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, i) => i))

export const pubsubCases: readonly PubSubCase[] = [
  {
    title: 'what is published arrives as it is: text, every byte, nothing at all, much',
    needs: ['pubsub.publish'],
    async run(bench) {
      const topic = bench.name('bytes')
      const inbox = await subscribe(bench, topic)
      const big = Buffer.alloc(bench.subject.largestBytes ?? 2 ** 20, EVERY_BYTE)
      const all = [Buffer.from('Grüße'), EVERY_BYTE, Buffer.alloc(0), big]
      await publishEach(bench.store, topic, ...all.map(data => message(data)))
      await bench.eventually('all of them', () => inbox.deliveries.length >= all.length)
      const sorted = (buffers: Buffer[]) => buffers.toSorted((a, b) => a.length - b.length)
      const got = sorted(inbox.deliveries.map(({ data }) => data))
      expect(got.map(data => data.length)).toEqual(sorted(all).map(data => data.length))
      for (const [i, data] of sorted(all).entries()) expect(data.equals(got[i]!)).toBe(true)
      for (const delivery of inbox.deliveries) {
        expect(delivery.topic).toBe(topic)
        expect(delivery.id).not.toBe('')
      }
      expect(new Set(inbox.deliveries.map(({ id }) => id)).size).toBe(all.length)
    },
  },
  {
    title: 'the data of a message is the publisher’s again once it is published',
    needs: ['pubsub.publish'],
    async run(bench) {
      const topic = bench.name('reused')
      const inbox = await subscribe(bench, topic)
      const data = Buffer.from('first')
      await publish(bench.store, topic, message(data))
      data.write('FIRST')
      await publish(bench.store, topic, message(data))
      await expectTexts(bench, inbox, ['first', 'FIRST'])
    },
  },
  {
    title: 'topics are kept apart, odd names too',
    needs: ['pubsub.publish'],
    async run(bench) {
      const base = bench.name('topic')
      const topics = ['', 'x', ...(bench.subject.oddTopics ?? ODD_TOPICS)].map(end => base + end)
      const inboxes = await Promise.all(topics.map(topic => subscribe(bench, topic)))
      for (const topic of topics) await publish(bench.store, topic, `to ${topic}`)
      for (const [i, topic] of topics.entries()) {
        await expectTexts(bench, inboxes[i]!, [`to ${topic}`])
        expect(inboxes[i]!.last.topic).toBe(topic)
      }
    },
  },
  {
    title: 'messages of one publisher arrive in order',
    needs: ['pubsub.publish'],
    async run(bench) {
      const topic = bench.name('order')
      const inbox = await subscribe(bench, topic)
      const texts = Array.from({ length: 50 }, (_, i) => `message ${i}`)
      await publishEach(bench.store, topic, ...texts)
      await bench.eventually('all of them', () => inbox.deliveries.length >= texts.length)
      expect(inbox.texts).toEqual(texts)
    },
  },
  {
    title: 'several messages are published in one step',
    needs: ['pubsub.bulk'],
    async run(bench) {
      const topic = bench.name('bulk')
      const inbox = await subscribe(bench, topic)
      const texts = Array.from({ length: 200 }, (_, i) => `message ${i}`)
      await publish(bench.store, topic, ...texts)
      await bench.eventually('all of them', () => inbox.deliveries.length >= texts.length)
      expect(inbox.texts).toEqual(texts)
      expect(await bench.store.publish(topic, [])).toEqual([])
    },
  },
  {
    title: 'headers and the type of the content arrive, and nothing else',
    needs: ['pubsub.headers'],
    async run(bench) {
      const topic = bench.name('headers')
      const inbox = await subscribe(bench, topic)
      const headers = { traceparent: '00-ab-cd-01', 'X-Mixed_Case.1': 'a: b, c', unicode: 'Grüße 🚀', empty: '' }
      await publish(bench.store, topic, message('with', { headers, contentType: 'application/json; charset=utf-8' }))
      await publish(bench.store, topic, message('without'))
      await expectTexts(bench, inbox, ['with', 'without'])
      const [first, second] = inbox.deliveries
      expect(first!.headers).toEqual(headers)
      expect(first!.contentType).toBe('application/json; charset=utf-8')
      expect(second!.headers).toEqual({})
      expect(second!.contentType).toBe('')
    },
  },
  {
    title: 'each subscriber without a group gets every message, from its subscription on',
    needs: ['pubsub.broadcast'],
    async run(bench) {
      const topic = bench.name('broadcast')
      await publish(bench.store, topic, 'before')
      const inboxes = [
        await subscribe(bench, topic),
        await subscribe(bench, topic),
        await subscribe(bench, topic, { store: await bench.open() }),
      ]
      await publishEach(bench.store, topic, '1', '2')
      for (const inbox of inboxes) await expectTexts(bench, inbox, ['1', '2'])
      await inboxes[0]!.close()
      await publish(bench.store, topic, '3')
      for (const inbox of inboxes.slice(1)) await expectTexts(bench, inbox, ['1', '2', '3'])
      expect(inboxes[0]!.texts).toEqual(['1', '2'])
    },
  },
  {
    title: 'subscribers of a group share the messages, groups do not',
    needs: ['pubsub.group'],
    async run(bench) {
      const topic = bench.name('group')
      const a = [
        await subscribe(bench, topic, { group: 'a' }),
        await subscribe(bench, topic, { group: 'a', store: await bench.open() }),
      ]
      const b = await subscribe(bench, topic, { group: 'Gruppe b/1' })
      const texts = Array.from({ length: 30 }, (_, i) => `message ${i}`)
      await publishEach(bench.store, topic, ...texts)
      await expectTexts(bench, b, texts)
      await expectTexts(bench, a, texts)
    },
  },
  {
    title: 'a group that the store knows goes on where it was, one of the same name on another topic is another',
    needs: ['pubsub.group'],
    async run(bench) {
      const topic = bench.name('known-group')
      const first = await subscribe(bench, topic, { group: 'g' })
      const elsewhere = await subscribe(bench, `${topic}-else`, { group: 'g' })
      await publish(bench.store, topic, 'while there')
      await expectTexts(bench, first, ['while there'])
      await bench.eventually('it is acknowledged', () => first.unsettled === 0)
      await first.close()
      await publish(bench.store, topic, 'while away')
      const second = await subscribe(bench, topic, { group: 'g' })
      await expectDelivery(bench, second, 'while away')
      await publish(bench.store, topic, 'after')
      await expectTexts(bench, second, ['while away', 'after'])
      expect(elsewhere.texts).toEqual([])
    },
  },
  {
    title: 'a new group begins with the earliest message if asked so, with the next one if not',
    needs: ['pubsub.replay', 'pubsub.group'],
    async run(bench) {
      const topic = bench.name('replay')
      await publishEach(bench.store, topic, '1', '2')
      const earliest = await subscribe(bench, topic, { group: 'earliest', from: 'earliest' })
      const next = await subscribe(bench, topic, { group: 'next', from: 'new' })
      await publish(bench.store, topic, '3')
      await expectTexts(bench, earliest, ['1', '2', '3'])
      expect(earliest.texts).toEqual(['1', '2', '3'])
      await expectTexts(bench, next, ['3'])
    },
  },
  {
    title: 'a pattern subscribes to several topics: + is one level, # all that remain',
    needs: ['pubsub.wildcard'],
    async run(bench) {
      const base = bench.name('wild')
      const one = await subscribe(bench, `${base}/+/new`)
      const all = await subscribe(bench, `${base}/#`)
      const topics = [`${base}/a/new`, `${base}/b/new`, `${base}/a/b/new`, `${base}/a/old`]
      for (const topic of topics) await publish(bench.store, topic, topic)
      await publish(bench.store, `${base}x/a/new`, 'others')
      await expectTexts(bench, all, topics)
      await expectTexts(bench, one, topics.slice(0, 2))
      for (const { topic, data } of [...all.deliveries, ...one.deliveries]) expect(topic).toBe(data.toString())
    },
  },
  {
    title: 'a delayed message arrives after its time, others before it',
    needs: ['pubsub.delay'],
    async run(bench) {
      const topic = bench.name('delay')
      const inbox = await subscribe(bench, topic)
      const delayMs = 1_000
      const began = performance.now()
      await publish(bench.store, topic, message('late', { delayMs }))
      await publish(bench.store, topic, 'at once')
      await expectTexts(bench, inbox, ['at once', 'late'])
      // Two clocks may differ in their speed a little.
      expect(performance.now() - began).toBeGreaterThan(delayMs * 0.95)
      expect(inbox.texts).toEqual(['at once', 'late'])
    },
  },
  {
    title: 'a message that waited for longer than its time is dropped',
    needs: ['pubsub.ttl', 'pubsub.group'],
    async run(bench) {
      const topic = bench.name('ttl')
      const busy = await subscribe(bench, topic, { group: 'g', maxInFlight: 1, inbox: new Inbox(() => undefined) })
      await publish(bench.store, topic, 'held')
      const held = await expectDelivery(bench, busy, 'held')
      await publish(bench.store, topic, message('short', { ttlMs: 1_000 }))
      await publish(bench.store, topic, message('long', { ttlMs: 60_000 }))
      await passing(1_500)
      busy.settle(held, 'ack')
      busy.settle(await expectDelivery(bench, busy, 'long'), 'ack')
      await publish(bench.store, topic, 'last')
      busy.settle(await expectDelivery(bench, busy, 'last'), 'ack')
      expect(busy.texts).toEqual(['held', 'long', 'last'])
    },
  },
  ...pubsubDeliveryCases,
  {
    title: 'a closed store refuses, another goes on',
    needs: ['pubsub.publish'],
    async run(bench) {
      const topic = bench.name('closed')
      const other = await bench.open()
      const inbox = await subscribe(bench, topic)
      await publish(other, topic, 'before')
      await other.close()
      await expectRefusal(other.publish(topic, [message('after')]), 'unavailable')
      await publish(bench.store, topic, 'from another')
      await expectTexts(bench, inbox, ['before', 'from another'])
    },
  },
]
