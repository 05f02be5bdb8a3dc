/** Subscriptions over reloads and outages. */
import { expect, it, vi } from 'vitest'
import { Component } from '../../src/component.ts'
import { silentLogger } from '../../src/observability/logger.ts'
import { type Runtime, systemClock } from '../../src/protocol.ts'
import { Services } from '../../src/services/index.ts'
import { ScriptedStores } from '../support/scripted-stores.ts'

async function componentOf(stores: ScriptedStores): Promise<Component<'pubsub'>> {
  const kind = stores.kinds.find(({ api }) => api === 'pubsub')!
  const component = new Component(kind, { name: 'events', api: 'pubsub', type: 'scripted', options: {} }, runtime())
  await component.start()
  return component as unknown as Component<'pubsub'>
}

function runtime(more: Partial<Runtime> = {}): Runtime {
  return { clock: systemClock, logger: silentLogger, componentKinds: [], bindings: new Map(), ...more } as Runtime
}

it('a subscription moves to the store that a reload brings, as soon as that can be reached, and misses nothing', async () => {
  const [before, after] = [new ScriptedStores(), new ScriptedStores()]
  const components = new Map([['events', { component: (await componentOf(before)) as unknown as Component }]])
  const services = new Services(runtime({ components }))
  const got: string[] = []
  const subscription = await services.pubsub.subscribe({
    component: 'events',
    topic: 'topic',
    options: { group: 'g', from: 'new', maxInFlight: 1 },
    onMessage: ({ data }) => void got.push(data.toString()),
  })
  const publish = (stores: ScriptedStores, text: string) =>
    stores.pubsub.publish('topic', [{ data: Buffer.from(text), contentType: '', headers: {} }])
  components.set('events', { component: (await componentOf(after)) as unknown as Component })
  after.pubsub.isAway = true
  services.rebind()
  await publish(before, 'old')
  expect(got).toEqual(['old'])
  after.pubsub.isAway = false
  await vi.waitFor(() => expect(after.pubsub.subscribers.size).toBe(1), { timeout: 5_000 })
  await vi.waitFor(() => expect(before.pubsub.subscribers.size).toBe(0))
  await publish(after, 'new')
  expect(got).toEqual(['old', 'new'])
  await subscription.close()
  expect(after.pubsub.subscribers.size).toBe(0)
  services.close()
})
