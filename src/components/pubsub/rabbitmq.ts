/**
 * Pub/sub in RabbitMQ: one durable topic exchange, and a queue for each group and topic. Publishing is answered when the
 * broker confirms. Publishers and subscribers have a connection each: the broker stops reading one that publishes while
 * it is short of memory, and must still hear acknowledgements then.
 */
import type { ChannelModel, ConfirmChannel } from 'amqplib'
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
import { type ClientTls, formatAddress, openClientTls } from '../../net/index.ts'
import { asApiError, RabbitmqConnection } from './rabbitmq-connection.ts'
import { routingKey } from './rabbitmq-names.ts'
import { RabbitmqSubscription } from './rabbitmq-subscription.ts'

/** Messages that may wait for the broker's confirmation at a time. */
const MOST_UNCONFIRMED = 10_000

const options = () =>
  z.strictObject({
    endpoints: z
      .array(address())
      .check(z.minLength(1), z.maxLength(32))
      .apply(described('The nodes of the cluster as `host:port`; the next one is tried when one is lost.')),
    tls: z.optional(clientTls()).apply(described('TLS towards the endpoints; `{}` for the defaults.')),
    credentials: z
      .optional(
        z.strictObject({
          username: z.string().check(z.minLength(1)).apply(described('The user of RabbitMQ.')),
          password: secretRef().check(z.describe('Its password; read again for each new connection.')),
        }),
      )
      .apply(described('How Portolan authenticates; `guest` with that password if left out.')),
    virtualHost: z._default(z.string(), '/').apply(described('The virtual host.')),
    exchange: z
      ._default(z.string().check(z.minLength(1), z.maxLength(100)), 'portolan')
      .apply(described('The topic exchange that all is published to; made when it is missing.')),
    retryAfter: duration('1s').apply(described('When a message that was refused is delivered again.')),
    heartbeat: duration('10s').apply(
      described('A connection is given up after twice this time of silence; whole seconds.'),
    ),
    connectTimeout: duration('2s').apply(described('Limit for connecting to one endpoint, TLS and login included.')),
    requestTimeout: duration('5s').apply(described('Limit for the broker’s confirmation.')),
  })

type RabbitmqOptions = z.output<ReturnType<typeof options>>

export const rabbitmqPubSub: ComponentKind<'pubsub'> = {
  api: 'pubsub',
  type: 'rabbitmq',
  features: [
    'pubsub.publish',
    'pubsub.bulk',
    'pubsub.headers',
    'pubsub.ttl',
    'pubsub.group',
    'pubsub.broadcast',
    'pubsub.retry',
    'pubsub.wildcard',
  ],
  options,
  async open(raw, context) {
    const amqp = await import('amqplib')
    return new RabbitmqPubSubStore(raw as RabbitmqOptions, context, amqp.connect)
  },
}

class RabbitmqPubSubStore implements PubSubStore {
  readonly #options: RabbitmqOptions
  readonly #context: ComponentContext
  readonly #connectTo: typeof import('amqplib').connect
  readonly #tls: ClientTls | undefined
  readonly #password: LiveSecret | undefined
  readonly #publisher: RabbitmqConnection<ConfirmChannel>
  readonly #subscriptions = new Set<RabbitmqSubscription>()
  /** Made for the first subscription. */
  #subscriber: RabbitmqConnection<ChannelModel> | undefined
  #product = 'RabbitMQ'
  #endpoint = ''
  #turn = 0
  #unconfirmed = 0
  /** Why the broker takes no messages just now. */
  #blocked: string | undefined
  #closed = false

  constructor(options: RabbitmqOptions, context: ComponentContext, connectTo: typeof import('amqplib').connect) {
    const { name, logger, clock } = context
    this.#options = options
    this.#context = context
    this.#connectTo = connectTo
    this.#tls = options.tls && openClientTls(options.tls, logger)
    const owner = `the password of component ${name}`
    this.#password = options.credentials && new LiveSecret(options.credentials.password, { name: owner, logger, clock })
    // So that not all sidecars are at the same node.
    this.#turn = Math.floor(Math.random() * options.endpoints.length)
    this.#publisher = new RabbitmqConnection(() => this.#dial(), clock, {
      prepare: model => this.#preparePublisher(model),
      onUp() {},
      onDown() {},
    })
  }

  async publish(topic: string, messages: readonly OutgoingMessage[]): Promise<readonly (ApiError | undefined)[]> {
    const key = routingKey(topic)
    const channel = await this.#publisher.get(this.#options.requestTimeout)
    if (this.#blocked !== undefined)
      throw new ApiError('unavailable', `RabbitMQ takes no messages just now: ${this.#blocked}`)
    if (this.#unconfirmed + messages.length > MOST_UNCONFIRMED)
      throw new ApiError('exhausted', `${this.#unconfirmed} messages wait for RabbitMQ to confirm them`)
    return Promise.all(messages.map(message => this.#publish(channel, key, message)))
  }

  async subscribe(
    topic: string,
    options: SubscribeOptions,
    observer: SubscriptionObserver,
  ): Promise<PubSubSubscription> {
    if (this.#closed) throw new ApiError('unavailable', 'the component is closed')
    const { exchange, retryAfter: retryMs, requestTimeout: requestTimeoutMs } = this.#options
    const { clock } = this.#context
    const subscription = new RabbitmqSubscription(topic, options, observer, {
      exchange,
      retryMs,
      requestTimeoutMs,
      clock,
    })
    this.#subscriber ??= new RabbitmqConnection(() => this.#dial(), clock, {
      prepare: async model => {
        const channel = await model.createChannel()
        channel.on('error', () => {})
        await channel.assertExchange(exchange, 'topic', { durable: true })
        await channel.close()
        return model
      },
      onUp: model => {
        for (const each of this.#subscriptions) each.resume(model)
      },
      onDown: error => {
        for (const each of this.#subscriptions) each.lost(error)
      },
    })
    await subscription.begin(await this.#subscriber.get(requestTimeoutMs))
    this.#subscriptions.add(subscription)
    return {
      close: async () => {
        this.#subscriptions.delete(subscription)
        await subscription.close()
      },
    }
  }

  async check(timeoutMs: number) {
    await this.#publisher.get(timeoutMs)
    return { version: this.#product, facts: { endpoint: this.#endpoint } }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.all([...this.#subscriptions].map(each => each.close()))
    this.#subscriptions.clear()
    await Promise.all([this.#publisher.close(), this.#subscriber?.close()])
    this.#password?.close()
    this.#tls?.close()
  }

  /** Each endpoint once. */
  async #dial(): Promise<ChannelModel> {
    const { endpoints, credentials, virtualHost: vhost, heartbeat, connectTimeout } = this.#options
    let failure: unknown
    for (let left = endpoints.length; left > 0; left--) {
      const at = endpoints[this.#turn % endpoints.length]!
      const where = 'path' in at ? { path: at.path } : {}
      try {
        const password = await this.#password?.read()
        const model = await this.#connectTo(
          {
            protocol: this.#tls ? 'amqps' : 'amqp',
            ...('host' in at && { hostname: at.host, port: at.port }),
            ...(credentials && { username: credentials.username, password: password! }),
            vhost,
            heartbeat: Math.max(1, Math.round(heartbeat / 1_000)),
          },
          { ...this.#tls?.options(at), ...where, noDelay: true, timeout: connectTimeout },
        )
        const { product, version } = model.connection.serverProperties
        this.#product = `${product} ${version}`
        this.#endpoint = formatAddress(at)
        return model
      } catch (error) {
        this.#turn++
        failure = error
      }
    }
    throw asApiError(failure)
  }

  async #preparePublisher(model: ChannelModel): Promise<ConfirmChannel> {
    const channel = await model.createConfirmChannel()
    channel.on('error', () => {})
    await channel.assertExchange(this.#options.exchange, 'topic', { durable: true })
    // The broker closes it when somebody deletes the exchange.
    channel.on('close', () => void model.close().catch(() => {}))
    this.#blocked = undefined
    model.on('blocked', reason => (this.#blocked = reason))
    model.on('unblocked', () => (this.#blocked = undefined))
    return channel
  }

  #publish(channel: ConfirmChannel, key: string, message: OutgoingMessage): Promise<ApiError | undefined> {
    const { data, contentType, headers, ttlMs } = message
    const { requestTimeout, exchange } = this.#options
    return new Promise(resolve => {
      const unsure = (why: string) => resolve(new ApiError('unknown', `RabbitMQ has not confirmed the message: ${why}`))
      const cancel = this.#context.clock.after(requestTimeout, () => unsure(`no answer within ${requestTimeout} ms`))
      const properties = {
        headers,
        persistent: true,
        ...(contentType && { contentType }),
        ...(ttlMs !== undefined && { expiration: String(Math.ceil(ttlMs)) }),
      }
      this.#unconfirmed++
      try {
        channel.publish(exchange, key, data, properties, error => {
          this.#unconfirmed--
          cancel()
          if (error) unsure((error as Error).message)
          else resolve(undefined)
        })
      } catch (error) {
        // Nothing was sent: the channel is closed, or AMQP has no such message.
        this.#unconfirmed--
        cancel()
        const isClosed = (error as Error).name === 'IllegalOperationError'
        resolve(new ApiError(isClosed ? 'unavailable' : 'invalid-argument', (error as Error).message, { cause: error }))
      }
    })
  }
}
