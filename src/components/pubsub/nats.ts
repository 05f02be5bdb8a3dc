/**
 * Pub/sub in NATS JetStream (2.9 or later): all topics are subjects of one stream, a group is a durable consumer of it.
 * Publishing is answered when the stream has the message.
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
import { described, duration, size } from '../../config/index.ts'
import { apiError, isFull, NatsClient, type NatsOptions, type NatsSession, natsOptions } from '../clients/nats/index.ts'
import { headersOf } from './nats-headers.ts'
import { NatsStream } from './nats-stream.ts'
import { NatsSubscription, type SubscriptionSettings } from './nats-subscription.ts'
import { consumerOf, filterOf, subjectOf } from './nats-topics.ts'

/** Messages that may wait for the server's answer at a time. */
const MOST_UNANSWERED = 10_000
const MOST_IN_FLIGHT = 10_000

const count = () => z.int().check(z.minimum(1))

const options = () =>
  z.strictObject({
    ...natsOptions(),
    stream: z
      ._default(z.string().check(z.regex(/^[-\w]+$/)), 'portolan')
      .apply(described('The stream of the messages; one that exists is used as it is.')),
    prefix: z
      ._default(z.string().check(z.regex(/^[-\w]+(\.[-\w]+)*$/)), 'portolan')
      .apply(described('The beginning of all subjects; the topic follows after a dot, with dots for its slashes.')),
    maxAge: duration('168h').apply(described('How long a stream that is made keeps a message, acknowledged or not.')),
    maxMessages: z
      .optional(count())
      .apply(described('How many messages a stream that is made keeps; left out: any number.')),
    maxBytes: z
      .optional(size())
      .apply(described('How much a stream that is made keeps; left out: as much as the server has room for.')),
    whenFull: z
      ._default(z.enum(['refuse', 'drop-oldest']), 'refuse')
      .apply(described('Whether such a stream refuses new messages when it is full, or drops the oldest.')),
    retryAfter: duration('1s').apply(described('When a message that was refused is delivered again.')),
    ackWait: duration('30s').apply(
      described(
        'After how much silence of a subscriber that is gone without a word others of its group get what it had not settled.',
      ),
    ),
    maxUnsettled: z
      ._default(count(), 10_000)
      .apply(described('Deliveries that may be unsettled at a time in a group, over all its subscribers.')),
  })

type Options = z.output<ReturnType<typeof options>>

export const natsPubSub: ComponentKind<'pubsub'> = {
  api: 'pubsub',
  type: 'nats',
  features: [
    'pubsub.publish',
    'pubsub.bulk',
    'pubsub.headers',
    'pubsub.group',
    'pubsub.broadcast',
    'pubsub.retry',
    'pubsub.dead-letter',
    'pubsub.replay',
    'pubsub.wildcard',
  ],
  options,
  open: async (raw, context) => {
    const { retryAfter, ...rest } = raw as Options
    return new NatsPubSubStore(new NatsStream(await NatsClient.open(rest as NatsOptions, context), rest), retryAfter)
  },
}

class NatsPubSubStore implements PubSubStore {
  readonly #stream: NatsStream
  readonly #retryMs: number
  readonly #subscriptions = new Set<NatsSubscription>()
  #unanswered = 0
  #turn = 0

  constructor(stream: NatsStream, retryMs: number) {
    this.#stream = stream
    this.#retryMs = retryMs
  }

  async publish(topic: string, messages: readonly OutgoingMessage[]): Promise<readonly (ApiError | undefined)[]> {
    const { client, options } = this.#stream
    const subject = subjectOf(options.prefix, topic)
    const session = await client.session()
    if (this.#unanswered + messages.length > MOST_UNANSWERED)
      throw new ApiError('exhausted', `${this.#unanswered} messages wait for NATS to take them`)
    await client.call(() => this.#stream.ensure(session), true)
    this.#unanswered += messages.length
    try {
      return await Promise.all(messages.map(message => this.#publish(session, subject, message)))
    } finally {
      this.#unanswered -= messages.length
    }
  }

  async subscribe(
    topic: string,
    { group, from, maxInFlight }: SubscribeOptions,
    observer: SubscriptionObserver,
  ): Promise<PubSubSubscription> {
    const stream = this.#stream
    const filter = filterOf(stream.options.prefix, topic)
    const shared = { stream, maxInFlight: Math.min(maxInFlight, MOST_IN_FLIGHT), retryMs: this.#retryMs }
    let settings: SubscriptionSettings
    if (group === undefined) {
      const consumer = `broadcast-${process.pid}-${Date.now().toString(36)}-${++this.#turn}`
      settings = {
        ...shared,
        consumer,
        ensure: async (session, startAt) =>
          (await stream.ensureBroadcast(session, consumer, filter, startAt)).delivered.stream_seq,
        leave: session => session.manager.consumers.delete(stream.name, consumer),
      }
    } else {
      const consumer = consumerOf(topic, group)
      settings = {
        ...shared,
        consumer,
        ensure: async session => (await stream.ensureGroup(session, consumer, filter, from)).delivered.stream_seq,
        leave: async () => {},
      }
    }
    const subscription = new NatsSubscription(observer, settings)
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
    return this.#stream.client.check(timeoutMs)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map(each => each.close()))
    this.#subscriptions.clear()
    await this.#stream.client.close()
  }

  async #publish(session: NatsSession, subject: string, message: OutgoingMessage): Promise<ApiError | undefined> {
    const { client } = this.#stream
    const headers = client.headers(headersOf(message))
    try {
      // On that connection or none: what was sent over one that is lost may have arrived.
      await client.callOn(session, () => session.streams.publish(subject, message.data, { retries: 1, headers }), false)
      return undefined
    } catch (error) {
      const { cause } = error as ApiError
      if (isFull(cause)) return new ApiError('exhausted', `the stream ${this.#stream.name} is full`, { cause: error })
      if (cause instanceof Error) this.#stream.forget()
      return apiError(error, false)
    }
  }
}
