import { expect, test } from 'vitest'
import { memoryPubSub } from '../../../src/components/pubsub/memory.ts'
import { pubsubConformance } from '../../conformance/pubsub.ts'
import { message, publish } from '../../conformance/pubsub-bench.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { openStore } from '../open.ts'

pubsubConformance({ features: memoryPubSub.features, open: () => openStore(memoryPubSub) })

const subscribed = { from: 'new', maxInFlight: 1 } as const
const deaf = { onMessage() {}, onOutage() {} }

test('a subscriber that takes nothing bounds what is published for it, and harms no other topic', async () => {
  const store = await openStore(memoryPubSub, { maxBacklog: 3 }, { name: 'bounded' })
  await store.subscribe('full', { ...subscribed, group: 'g' }, deaf)
  await publish(store, 'full', '1', '2', '3')
  const [refused] = await store.publish('full', [message('4')])
  expect(refused).toMatchObject({ code: 'exhausted', retryable: false })
  await publish(store, 'else', 'x')
  await store.close()
})

test('a group that nobody is subscribed to is forgotten after a while', async () => {
  const clock = new ManualClock()
  const store = await openStore(memoryPubSub, { maxBacklog: 1, forgetGroupsAfter: '1h' }, { name: 'left', clock })
  const group = { ...subscribed, group: 'g' }
  const subscription = await store.subscribe('topic', group, deaf)
  await subscription.close()
  await publish(store, 'topic', 'kept for the group')
  expect((await store.publish('topic', [message('too much')]))[0]).toMatchObject({ code: 'exhausted' })
  clock.advance(3_600_000)
  await publish(store, 'topic', 'for nobody', 'for nobody')
  await store.close()
})

test('nothing is published to a pattern', async () => {
  const store = await openStore(memoryPubSub)
  await expect(store.publish('a/+', [message('x')])).rejects.toMatchObject({ code: 'invalid-argument' })
  await store.close()
})
