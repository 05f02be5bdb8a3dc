/** Pub/sub in the memory of this process: for applications that share one sidecar, and for tests. */
import * as z from 'zod/mini'
import type {
  ApiError,
  OutgoingMessage,
  PubSubStore,
  PubSubSubscription,
  SubscribeOptions,
  SubscriptionObserver,
} from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described, duration, size } from '../../config/index.ts'
import type { Clock } from '../../protocol.ts'
import { type DataUse, SharedData } from '../clients/memory/index.ts'
import { type BrokerLimits, MemoryBroker } from './memory-broker.ts'

const count = (preset: number) => z._default(z.int().check(z.minimum(1)), preset)

export const memoryPubSubOptions = () =>
  z.strictObject({
    maxBacklog: count(10_000).apply(
      described('Messages that may wait for a subscriber or a group; publishing to it is refused beyond.'),
    ),
    keepMessages: count(1_000).apply(described('Messages that are kept for groups which begin with the earliest.')),
    keepBytes: size('16MiB').apply(described('How much data is kept for such groups.')),
    retryAfter: duration('100ms').apply(described('When a message that was refused is delivered again.')),
    forgetGroupsAfter: duration('1h').apply(
      described('How long messages are kept for a group that nobody is subscribed to.'),
    ),
  })

const shared = new SharedData(() => new MemoryBroker())

export const memoryPubSub: ComponentKind<'pubsub'> = {
  api: 'pubsub',
  type: 'memory',
  features: [
    'pubsub.publish',
    'pubsub.bulk',
    'pubsub.headers',
    'pubsub.ordering-key',
    'pubsub.delay',
    'pubsub.ttl',
    'pubsub.group',
    'pubsub.broadcast',
    'pubsub.retry',
    'pubsub.replay',
    'pubsub.wildcard',
  ],
  options: memoryPubSubOptions,
  async open(config, { name, clock }) {
    const limits = brokerLimits(config as z.output<ReturnType<typeof memoryPubSubOptions>>)
    return new MemoryPubSubStore(shared.use(name), clock, limits)
  },
}

export function brokerLimits(options: z.output<ReturnType<typeof memoryPubSubOptions>>): BrokerLimits {
  const { retryAfter, forgetGroupsAfter, ...rest } = options
  return { ...rest, retryMs: retryAfter, forgetGroupsMs: forgetGroupsAfter }
}

export class MemoryPubSubStore implements PubSubStore {
  readonly #use: DataUse<MemoryBroker>
  readonly #clock: Clock
  readonly #limits: BrokerLimits
  readonly #subscriptions = new Set<() => void>()

  constructor(use: DataUse<MemoryBroker>, clock: Clock, limits: BrokerLimits) {
    this.#use = use
    this.#clock = clock
    this.#limits = limits
  }

  async publish(topic: string, messages: readonly OutgoingMessage[]): Promise<readonly (ApiError | undefined)[]> {
    return this.#use.data.publish(topic, messages, this.#clock, this.#limits)
  }

  async subscribe(
    topic: string,
    options: SubscribeOptions,
    observer: SubscriptionObserver,
  ): Promise<PubSubSubscription> {
    const end = this.#use.data.subscribe(topic, options, observer, this.#clock, this.#limits)
    this.#subscriptions.add(end)
    return {
      close: async () => {
        if (this.#subscriptions.delete(end)) end()
      },
    }
  }

  async check() {
    return this.#use.check()
  }

  async close(): Promise<void> {
    for (const end of this.#subscriptions) end()
    this.#subscriptions.clear()
    this.#use.close()
  }
}
