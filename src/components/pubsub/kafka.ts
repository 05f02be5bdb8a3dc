/**
 * Pub/sub in Kafka, and what speaks its protocol. Publishing is answered when all replicas in sync have the messages. A group
 * of ours is a consumer group for each topic; a subscriber without a group reads all partitions and keeps no offsets.
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
import type { ComponentContext, ComponentKind } from '../../component.ts'
import { address, clientTls, described, duration, LiveSecret, secretRef } from '../../config/index.ts'
import { type ClientTls, openClientTls } from '../../net/index.ts'
import { type ClientOptions, KafkaClients, type KafkaLibrary } from './kafka-clients.ts'
import { checkTopic } from './kafka-names.ts'
import { KafkaPublisher } from './kafka-publisher.ts'
import { KafkaSubscription } from './kafka-subscription.ts'

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
  readonly #tls: ClientTls | undefined
  readonly #password: LiveSecret | undefined
  readonly #clients: KafkaClients
  readonly #publisher: KafkaPublisher
  readonly #subscriptions = new Set<KafkaSubscription>()
  #closed = false

  constructor(options: StoreOptions, context: ComponentContext, library: KafkaLibrary) {
    const { name, logger, clock } = context
    const { endpoints, credentials, clientId, createTopics, sessionTimeout, connectTimeout, requestTimeout } = options
    this.#options = options
    this.#context = context
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
    this.#publisher = new KafkaPublisher(library, this.#clients, clock, {
      requestTimeoutMs: requestTimeout,
      spreads: options.spread,
    })
  }

  async publish(topic: string, messages: readonly OutgoingMessage[]): Promise<readonly (ApiError | undefined)[]> {
    checkTopic(topic)
    this.#requireOpen()
    return this.#publisher.publish(topic, messages)
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
      onOutage: () => this.#publisher.doubt(),
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
    const { cluster, brokers } = await this.#publisher.check(timeoutMs)
    return { version: 'Kafka', facts: { cluster, brokers: String(brokers) } }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.all([...this.#subscriptions].map(each => each.close()))
    this.#subscriptions.clear()
    await this.#publisher.close()
    this.#password?.close()
    this.#tls?.close()
  }

  #requireOpen(): void {
    if (this.#closed) throw new ApiError('unavailable', 'the component is closed')
  }
}

function withoutNames({ host: _, servername: __, ...options }: ReturnType<ClientTls['options']>): object {
  return options
}
