/**
 * Pub/sub in Kafka, and what speaks its protocol. Publishing is answered when all replicas in sync have the messages. A group
 * of ours is a consumer group for each topic; a subscriber without a group reads all partitions and keeps no offsets.
 */
import type { Producer } from '@platformatic/kafka'
import * as z from 'zod/mini'
import {
  ApiError,
  type OutgoingMessage,
  type PubSubStore,
  type PubSubSubscription,
  type SubscribeOptions,
  type SubscriptionObserver,
} from '../../apis/index.ts'
import type { ComponentContext, ComponentKind } from '../../component.ts'
import { address, clientTls, described, duration, LiveSecret, secretRef } from '../../config/index.ts'
import { type ClientTls, openClientTls } from '../../net/index.ts'
import { type ClientOptions, farewell, KafkaClients, type KafkaLibrary, within } from './kafka-clients.ts'
import { asApiError, canBeSentAgain, partitionsTaken } from './kafka-errors.ts'
import { checkTopic } from './kafka-names.ts'
import { KafkaSubscription } from './kafka-subscription.ts'

/** Messages that may wait for the brokers' confirmation at a time. */
const MOST_UNCONFIRMED = 10_000
/** Messages of a request; brokers take a batch of 1 MiB as a rule, which all of one partition make. */
const REQUEST_BYTES = 512 * 1024
const ALL_IN_SYNC = -1
/** A broker that does not lead a partition yet, or no more, refuses at once. */
const SEND_AGAIN_MS = 50

const options = () =>
  z.strictObject({
    endpoints: z
      .array(address())
      .check(z.minLength(1), z.maxLength(32))
      .apply(
        described('Brokers to begin with, of Kafka 3.1 or later, as `host:port`; the others are learnt from them.'),
      ),
    tls: z.optional(clientTls()).apply(described('TLS towards the brokers; `{}` for the defaults.')),
    credentials: z
      .optional(
        z.strictObject({
          mechanism: z
            ._default(z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']), 'SCRAM-SHA-512')
            .apply(described('The mechanism of SASL.')),
          username: z.string().check(z.minLength(1)).apply(described('The user.')),
          password: secretRef().check(z.describe('Its password; read again for each new connection.')),
        }),
      )
      .apply(described('How Portolan authenticates; not at all if left out.')),
    clientId: z
      ._default(z.string().check(z.regex(/^\S{1,200}$/)), 'portolan')
      .apply(described('What the brokers know Portolan by, in their logs and quotas.')),
    createTopics: z
      ._default(z.boolean(), true)
      .apply(described('Missing topics are made, as large as the brokers make them, if they do that at all.')),
    spread: z
      ._default(z.boolean(), false)
      .apply(
        described(
          'Messages without an ordering key go to all partitions in turn. Otherwise those of one sidecar go to one, which keeps their order.',
        ),
      ),
    retryAfter: duration('1s').apply(described('When a message that was refused is delivered again.')),
    sessionTimeout: duration('10s').apply(
      described('A subscriber that says nothing for so long loses its partitions to others of its group.'),
    ),
    connectTimeout: duration('2s').apply(described('Limit for connecting to one broker, TLS and login included.')),
    requestTimeout: duration('5s').apply(
      described('Limit for an answer of the brokers, and for a new topic to appear.'),
    ),
  })

type KafkaOptions = z.output<ReturnType<typeof options>>
/** With brokers that have a port. */
type StoreOptions = Omit<KafkaOptions, 'endpoints'> & { readonly endpoints: ClientOptions['endpoints'] }

export const kafkaPubSub: ComponentKind<'pubsub'> = {
  api: 'pubsub',
  type: 'kafka',
  features: [
    'pubsub.publish',
    'pubsub.bulk',
    'pubsub.headers',
    'pubsub.ordering-key',
    'pubsub.group',
    'pubsub.broadcast',
    'pubsub.retry',
    'pubsub.replay',
  ],
  options,
  async open(raw, context) {
    const { endpoints, ...more } = raw as KafkaOptions
    const hosts = endpoints.map(each => {
      if ('host' in each) return each
      throw new Error(`Kafka is reached by host:port, not by the socket ${each.path}`)
    })
    const library = await import('@platformatic/kafka')
    return new KafkaPubSubStore({ ...more, endpoints: hosts }, context, library)
  },
}

class KafkaPubSubStore implements PubSubStore {
  readonly #options: StoreOptions
  readonly #context: ComponentContext
  readonly #library: KafkaLibrary
  readonly #tls: ClientTls | undefined
  readonly #password: LiveSecret | undefined
  readonly #clients: KafkaClients
  readonly #producer: Producer
  readonly #subscriptions = new Set<KafkaSubscription>()
  /** The partition of messages without a key: another one for each sidecar, or for each message. */
  #turn = Math.floor(Math.random() * 1_000_000)
  #unconfirmed = 0
  /** The brokers are asked who leads before anything is sent: a lost connection shows then. */
  #isDoubtful = false
  #closed = false

  constructor(options: StoreOptions, context: ComponentContext, library: KafkaLibrary) {
    const { name, logger, clock } = context
    const { endpoints, credentials, clientId, createTopics, sessionTimeout, connectTimeout, requestTimeout } = options
    this.#options = options
    this.#context = context
    this.#library = library
    const tls = options.tls && openClientTls(options.tls, logger)
    this.#tls = tls
    const owner = `the password of component ${name}`
    const password = credentials && new LiveSecret(credentials.password, { name: owner, logger, clock })
    this.#password = password
    this.#clients = new KafkaClients(
      library,
      {
        clientId,
        endpoints,
        createTopics,
        connectTimeoutMs: connectTimeout,
        requestTimeoutMs: requestTimeout,
        sessionTimeoutMs: sessionTimeout,
        // Names to verify are those of the brokers.
        tls: tls && (() => withoutNames(tls.options(endpoints[0]!))),
        serverName: options.tls?.serverName,
        sasl: credentials && { ...credentials, password: () => password!.read() },
      },
      clock,
    )
    this.#producer = this.#clients.producer()
  }

  async publish(topic: string, messages: readonly OutgoingMessage[]): Promise<readonly (ApiError | undefined)[]> {
    checkTopic(topic)
    this.#requireOpen()
    if (messages.length === 0) return []
    if (this.#unconfirmed + messages.length > MOST_UNCONFIRMED)
      throw new ApiError('exhausted', `${this.#unconfirmed} messages wait for Kafka to confirm them`)
    this.#unconfirmed += messages.length
    try {
      const { leaders } = await this.#clients.topic(this.#producer, topic, this.#isDoubtful)
      this.#isDoubtful = false
      const outcomes: (ApiError | undefined)[] = []
      for (const part of parts(messages)) {
        const failure = outcomes.find(outcome => outcome !== undefined)
        // What follows something that was not taken would come in the wrong order.
        if (failure) outcomes.push(...part.map(() => new ApiError('unavailable', `not sent: ${failure.message}`)))
        else outcomes.push(...(await this.#send(topic, leaders.length, part)))
      }
      return outcomes
    } finally {
      this.#unconfirmed -= messages.length
    }
  }

  async subscribe(
    topic: string,
    options: SubscribeOptions,
    observer: SubscriptionObserver,
  ): Promise<PubSubSubscription> {
    checkTopic(topic)
    this.#requireOpen()
    const { clock } = this.#context
    const settings = {
      clients: this.#clients,
      clock,
      retryMs: this.#options.retryAfter,
      onOutage: () => void (this.#isDoubtful = true),
    }
    const subscription = new KafkaSubscription(topic, options, observer, settings)
    await subscription.begin()
    this.#subscriptions.add(subscription)
    if (this.#closed) await subscription.close()
    return {
      close: async () => {
        this.#subscriptions.delete(subscription)
        await subscription.close()
      },
    }
  }

  async check(timeoutMs: number) {
    this.#requireOpen()
    try {
      const asked = this.#producer.metadata({ topics: [], forceUpdate: true })
      const { id, brokers } = await within(asked, timeoutMs, this.#context.clock)
      return { version: 'Kafka', facts: { cluster: id, brokers: String(brokers.size) } }
    } catch (error) {
      throw asApiError(error)
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.all([...this.#subscriptions].map(each => each.close()))
    this.#subscriptions.clear()
    await farewell(this.#producer, this.#context.clock)
    this.#password?.close()
    this.#tls?.close()
  }

  #requireOpen(): void {
    if (this.#closed) throw new ApiError('unavailable', 'the component is closed')
  }

  async #send(
    topic: string,
    partitions: number,
    messages: readonly OutgoingMessage[],
  ): Promise<readonly (ApiError | undefined)[]> {
    const { clock } = this.#context
    const until = clock.now() + this.#options.requestTimeout
    const records = messages.map(message => this.#record(topic, partitions, message))
    for (let left = records; ; ) {
      try {
        // Copies, as the library changes them.
        await this.#producer.send({ acks: ALL_IN_SYNC, messages: left.map(record => ({ ...record })) })
        return messages.map(() => undefined)
      } catch (error) {
        this.#isDoubtful = true
        const taken = partitionsTaken(error)
        left = left.filter(({ partition }) => !taken.has(partition))
        if (!canBeSentAgain(error) || clock.now() > until) {
          const failure = asApiError(error, 'unknown')
          return records.map(record => (left.includes(record) ? failure : undefined))
        }
        await new Promise<void>(resolve => clock.after(SEND_AGAIN_MS, resolve))
        await this.#clients.topic(this.#producer, topic, true).catch(() => {})
      }
    }
  }

  #record(topic: string, partitions: number, { data, contentType, headers, orderingKey }: OutgoingMessage) {
    const fields = Object.entries({ ...headers, ...(contentType && { 'content-type': contentType }) })
    const key = orderingKey === undefined ? undefined : Buffer.from(orderingKey)
    // Where Kafka's own client puts a key, so that others keep the order with us.
    const slot = key ? this.#library.compatibilityPartitioner(undefined as never, key) : this.#slot()
    return {
      topic,
      partition: slot % partitions,
      value: data,
      headers: new Map(fields.map(([name, value]) => [Buffer.from(name), Buffer.from(value)])),
      ...(key && { key }),
    }
  }

  #slot(): number {
    return this.#options.spread ? this.#turn++ : this.#turn
  }
}

/** Messages in their order, cut so that a request is not too long. */
function* parts(messages: readonly OutgoingMessage[]): Generator<readonly OutgoingMessage[]> {
  let part: OutgoingMessage[] = []
  let bytes = 0
  for (const message of messages) {
    if (part.length > 0 && bytes + message.data.length > REQUEST_BYTES) {
      yield part
      part = []
      bytes = 0
    }
    part.push(message)
    bytes += message.data.length
  }
  yield part
}

function withoutNames({ host: _, servername: __, ...options }: ReturnType<ClientTls['options']>): object {
  return options
}
