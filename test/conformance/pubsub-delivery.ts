/** The cases of the pub/sub suite about how deliveries are settled, bounded, ordered, and what an outage does to them. */
import { expect } from 'vitest'
import { ApiError } from '../../src/apis/index.ts'
import {
  expectDelivery,
  expectTexts,
  Inbox,
  message,
  type PubSubCase,
  publish,
  publishEach,
  subscribe,
} from './pubsub-bench.ts'

export const pubsubDeliveryCases: readonly PubSubCase[] = [
  {
    title: 'a message that was refused is delivered again, one that was dropped or acknowledged never',
    needs: ['pubsub.retry', 'pubsub.group'],
    async run(bench) {
      const topic = bench.name('retry')
      let refusals = 0
      const inbox = new Inbox(({ data }) => {
        const text = data.toString()
        if (text === 'retry' && refusals++ < 2) return 'retry'
        return text === 'drop' ? 'drop' : 'ack'
      })
      const first = await subscribe(bench, topic, { group: 'g', inbox })
      await publishEach(bench.store, topic, 'ack', 'drop', 'retry')
      const third = await expectDelivery(bench, first, 'retry', 3)
      const attempts = inbox.deliveries.filter(({ data }) => data.toString() === 'retry').map(each => each.attempt)
      if (third.attempt !== undefined) expect(attempts).toEqual([1, 2, 3])
      await publish(bench.store, topic, 'later')
      await expectDelivery(bench, first, 'later')
      await bench.eventually('all is settled', () => inbox.unsettled === 0)
      await first.close()
      const second = await subscribe(bench, topic, { group: 'g' })
      await publish(bench.store, topic, 'last')
      await expectDelivery(bench, second, 'last')
      expect(inbox.texts.toSorted()).toEqual(['ack', 'drop', 'later', 'retry', 'retry', 'retry'])
      expect(second.texts).toEqual(['last'])
    },
  },
  {
    title: 'a message that is delivered again is the same',
    needs: ['pubsub.retry', 'pubsub.headers'],
    async run(bench) {
      const topic = bench.name('same')
      const inbox = new Inbox((_, count) => (count === 1 ? 'retry' : 'ack'))
      await subscribe(bench, topic, { inbox, ...(bench.has('pubsub.group') && { group: 'g' }) })
      await publish(bench.store, topic, message('x', { headers: { a: '1' }, contentType: 'text/plain' }))
      const again = await expectDelivery(bench, inbox, 'x', 2)
      expect(again).toMatchObject({ topic, headers: { a: '1' }, contentType: 'text/plain' })
    },
  },
  {
    title: 'no more is delivered than may be unsettled',
    needs: ['pubsub.group'],
    async run(bench) {
      const topic = bench.name('bounded')
      const held = new Inbox(() => undefined)
      await subscribe(bench, topic, { group: 'g', maxInFlight: 3, inbox: held })
      const texts = Array.from({ length: 12 }, (_, i) => `message ${i}`)
      await publishEach(bench.store, topic, ...texts)
      for (let i = 0; i < texts.length; i++) {
        const delivery = await bench.eventually('the next delivery', () => held.deliveries[i])
        held.settle(delivery, 'ack')
      }
      expect(held.mostUnsettled).toBeLessThanOrEqual(3)
      await expectTexts(bench, held, texts)
    },
  },
  {
    title: 'what a subscriber leaves unsettled when it ends is delivered to another of its group',
    needs: ['pubsub.group'],
    async run(bench) {
      const topic = bench.name('left')
      const inbox = new Inbox(({ data }) => (data.toString() === 'settled' ? 'ack' : undefined))
      const first = await subscribe(bench, topic, { group: 'g', inbox })
      await publishEach(bench.store, topic, 'settled', 'left 1', 'left 2')
      await expectTexts(bench, first, ['settled', 'left 1', 'left 2'])
      await bench.eventually('the first is settled', () => inbox.unsettled === 2)
      const second = await subscribe(bench, topic, { group: 'g', store: await bench.open() })
      await first.close()
      await expectTexts(bench, second, ['left 1', 'left 2'])
      // Too late: whatever it says, the message is somebody else's.
      for (const delivery of inbox.deliveries) delivery.settle('retry')
      await publish(bench.store, topic, 'last')
      await expectTexts(bench, second, ['left 1', 'left 2', 'last'])
      expect(inbox.deliveries).toHaveLength(3)
    },
  },
  {
    title: 'what a store leaves unsettled when it is closed is delivered to another of the group',
    needs: ['pubsub.group'],
    async run(bench) {
      const topic = bench.name('store-closed')
      const other = await bench.open()
      const first = await subscribe(bench, topic, { group: 'g', store: other, inbox: new Inbox(() => undefined) })
      await publish(bench.store, topic, 'left')
      await expectTexts(bench, first, ['left'])
      await other.close()
      const second = await subscribe(bench, topic, { group: 'g' })
      await expectTexts(bench, second, ['left'])
    },
  },
  {
    title: 'messages of the same key are delivered in order, to whomever of the group, others meanwhile',
    needs: ['pubsub.ordering-key', 'pubsub.group'],
    async run(bench) {
      const topic = bench.name('ordered')
      const order: Record<string, string[]> = { a: [], b: [], c: [] }
      const note = ({ data, orderingKey }: { data: Buffer; orderingKey?: string }) => {
        order[orderingKey!]!.push(data.toString())
        return 'ack' as const
      }
      await subscribe(bench, topic, { group: 'g', inbox: new Inbox(note) })
      await subscribe(bench, topic, { group: 'g', inbox: new Inbox(note), store: await bench.open() })
      const keys = Object.keys(order)
      const texts = Array.from({ length: 20 }, (_, i) => `${i}`)
      for (const text of texts) {
        for (const orderingKey of keys) await publish(bench.store, topic, message(text, { orderingKey }))
      }
      await bench.eventually('all of them', () => keys.every(key => order[key]!.length >= texts.length))
      for (const key of keys) expect(order[key], key).toEqual(texts)
    },
  },
  {
    title: 'deliveries are counted, whoever gets them, so that what is refused too often can go elsewhere',
    needs: ['pubsub.dead-letter', 'pubsub.retry', 'pubsub.group'],
    async run(bench) {
      const topic = bench.name('dead')
      const elsewhere = bench.name('dead-letters')
      const dead = await subscribe(bench, elsewhere, { group: 'g' })
      const attempts: (number | undefined)[] = []
      // As the sidecar does it.
      const refuse = () =>
        new Inbox(({ data, headers, attempt }) => {
          if (data.toString() !== 'poison') return 'ack'
          attempts.push(attempt)
          if (attempt !== 4) return 'retry'
          void publish(bench.store, elsewhere, message(data, { headers }))
          return 'ack'
        })
      const first = await subscribe(bench, topic, { group: 'g', inbox: new Inbox(() => undefined) })
      await publish(bench.store, topic, message('poison', { headers: { a: '1' } }))
      expect((await expectDelivery(bench, first, 'poison')).attempt).toBe(1)
      const second = await subscribe(bench, topic, { group: 'g', inbox: refuse(), store: await bench.open() })
      await first.close()
      await publish(bench.store, topic, 'healthy')
      await expectTexts(bench, dead, ['poison'])
      expect(dead.last.headers).toEqual({ a: '1' })
      await expectDelivery(bench, second, 'healthy')
      expect(attempts).toEqual([2, 3, 4])
    },
  },
  {
    title: 'over an outage: publishing is refused as unavailable, subscriptions go on, what is unsettled comes again',
    needs: ['pubsub.publish'],
    outage: true,
    async run(bench) {
      const topic = bench.name('outage')
      const grouped = bench.has('pubsub.group')
      const inbox = new Inbox(({ data }, count) =>
        grouped && data.toString() === 'held' && count === 1 ? undefined : 'ack',
      )
      await subscribe(bench, topic, { inbox, ...(grouped && { group: 'g' }) })
      await publish(bench.store, topic, 'held')
      const held = await expectDelivery(bench, inbox, 'held')
      await bench.outage(async () => {
        await bench.eventually('the subscriber hears of the outage', () => inbox.outages > 0)
        const refused = await bench.store.publish(topic, [message('lost')]).then(
          ([outcome]) => outcome,
          (error: unknown) => error,
        )
        expect(refused).toBeInstanceOf(ApiError)
        expect((refused as ApiError).code, (refused as ApiError).message).toBe('unavailable')
      })
      await bench.eventually('messages are taken again', () => publish(bench.store, topic, 'after').then(() => true))
      await expectDelivery(bench, inbox, 'after')
      if (grouped) await expectDelivery(bench, inbox, 'held', 2)
      held.settle('ack')
      expect(inbox.texts).not.toContain('lost')
      expect(inbox.outages).toBe(1)
    },
  },
]
