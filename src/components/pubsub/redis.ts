/**
 * Pub/sub in Redis Streams, as daprd keeps it: a topic is a stream, a group one of its consumer groups. Redis 6.2 or
 * later. A message is delivered until it is acknowledged: also after a restart, as far as the server keeps its data.
 */
import * as z from 'zod/mini'
import {
  ApiError,
  type OutgoingMessage,
  type PubSubStore,
  type PubSubSubscription,
  type SubscribeOptions,
  type SubscriptionObserver,
} from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described, duration } from '../../config/index.ts'
import { RedisClient } from '../clients/redis/index.ts'
import { RedisBroadcast } from './redis-broadcast.ts'
import { fieldsOf } from './redis-entries.ts'
import { RedisGroup } from './redis-group.ts'
import { RedisSubscription } from './redis-subscription.ts'

/** Messages that may wait for the server's answer at a time. */
const MOST_UNANSWERED = 10_000

const options = () =>
  z.strictObject({
    maxLength: z
      .optional(z.int().check(z.minimum(1)))
      .apply(
        described(
          'About how many messages a topic keeps (MAXLEN ~), the oldest go first, unacknowledged ones too. Left out: all, forever.',
        ),
      ),
    retryAfter: duration('1s').apply(described('When a message that was refused is delivered again.')),
    claimAfter: duration('30s').apply(
      described(
        'After how much silence of a subscriber that is gone without a word others of its group get what it had not settled.',
      ),
    ),
  })

type RedisOptions = z.output<ReturnType<typeof options>>

export const redisPubSub: ComponentKind<'pubsub'> = {
  api: 'pubsub',
  type: 'redis',
  backend: 'redis',
  features: [
    'pubsub.publish',
    'pubsub.bulk',
    'pubsub.headers',
    'pubsub.ttl',
    'pubsub.group',
    'pubsub.broadcast',
    'pubsub.retry',
    'pubsub.dead-letter',
    'pubsub.replay',
  ],
  options,
  open: async (raw, context) => new RedisPubSubStore(new RedisClient(context), raw as RedisOptions),
}

class RedisPubSubStore implements PubSubStore {
  readonly #client: RedisClient
  readonly #options: RedisOptions
  readonly #subscriptions = new Set<RedisSubscription>()
  #unanswered = 0
  #closed = false

  constructor(client: RedisClient, options: RedisOptions) {
    this.#client = client
    this.#options = options
  }

  async publish(topic: string, messages: readonly OutgoingMessage[]): Promise<readonly (ApiError | undefined)[]> {
    if (this.#closed) throw closed()
    if (this.#unanswered + messages.length > MOST_UNANSWERED)
      throw new ApiError('exhausted', `${this.#unanswered} messages wait for redis to take them`)
    const { maxLength } = this.#options
    const bound = maxLength === undefined ? [] : ['MAXLEN', '~', String(maxLength)]
    this.#unanswered += messages.length
    try {
      return await Promise.all(
        messages.map(message =>
          this.#client.ask(['XADD', topic, ...bound, '*', ...fieldsOf(message)]).then(
            () => undefined,
            (error: ApiError) => error,
          ),
        ),
      )
    } finally {
      this.#unanswered -= messages.length
    }
  }

  async subscribe(
    topic: string,
    { group, from, maxInFlight }: SubscribeOptions,
    observer: SubscriptionObserver,
  ): Promise<PubSubSubscription> {
    if (this.#closed) throw closed()
    const { retryAfter: retryMs, claimAfter: claimAfterMs } = this.#options
    const client = this.#client
    const reader =
      group === undefined
        ? new RedisBroadcast(client, topic)
        : new RedisGroup(client, { topic, group, from, claimAfterMs })
    const settings = { client, topic, maxInFlight, retryMs, keepEveryMs: claimAfterMs / 3 }
    const subscription = new RedisSubscription(reader, observer, settings)
    await subscription.begin()
    this.#subscriptions.add(subscription)
    return {
      close: async () => {
        this.#subscriptions.delete(subscription)
        await subscription.close()
      },
    }
  }

  check(timeoutMs: number) {
    return this.#client.check(timeoutMs)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.all([...this.#subscriptions].map(each => each.close()))
    this.#subscriptions.clear()
    this.#client.close()
  }
}

const closed = () => new ApiError('unavailable', 'the component is closed')
