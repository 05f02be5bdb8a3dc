/**
 * Pub/sub by MQTT 5, or 3.1.1 with fewer features. Everything is published at QoS 1 and answered when the broker has
 * acknowledged it; a group is one session that the broker keeps. Shared subscriptions would not do: brokers lose what one
 * of them leaves unacknowledged, and what comes while there is none. Nor is `pubsub.ttl` listed: mosquitto 2.0 stops behind
 * a message that has expired in its queue, and lets later ones pass by those that wait there.
 */
import { randomUUID } from 'node:crypto'
import {
  ApiError,
  type OutgoingMessage,
  type PubSubStore,
  type PubSubSubscription,
  type StoreFacts,
  type SubscribeOptions,
  type SubscriptionObserver,
} from '../../apis/index.ts'
import type { ComponentContext, ComponentKind } from '../../component.ts'
import type { MqttCodec, MqttConnection } from './mqtt-connection.ts'
import { MqttDialer } from './mqtt-dialer.ts'
import { type MqttOptions, mqttOptions } from './mqtt-options.ts'
import { errorOf, LACKS, lacking } from './mqtt-reasons.ts'
import { MqttSubscription } from './mqtt-subscription.ts'
import { topicName } from './mqtt-topics.ts'

/** How long a broker that could not be reached is left alone. */
const PAUSE_MS = 100

export const mqttPubSub: ComponentKind<'pubsub'> = {
  api: 'pubsub',
  type: 'mqtt',
  features: [
    'pubsub.publish',
    'pubsub.bulk',
    'pubsub.headers',
    'pubsub.group',
    'pubsub.broadcast',
    'pubsub.retry',
    'pubsub.wildcard',
  ],
  options: mqttOptions,
  async open(raw, context) {
    const { default: codec } = (await import('mqtt-packet')) as unknown as { default: MqttCodec }
    return new MqttPubSubStore(raw as MqttOptions, context, codec)
  },
}

class MqttPubSubStore implements PubSubStore {
  readonly #options: MqttOptions
  readonly #context: ComponentContext
  readonly #dialer: MqttDialer
  readonly #subscriptions = new Set<MqttSubscription>()
  #publisher: Promise<MqttConnection> | undefined
  #closed = false

  constructor(options: MqttOptions, context: ComponentContext, codec: MqttCodec) {
    this.#options = options
    this.#context = context
    this.#dialer = new MqttDialer(options, context, codec)
  }

  async publish(topic: string, messages: readonly OutgoingMessage[]): Promise<readonly (ApiError | undefined)[]> {
    const name = topicName(topic)
    const connection = await this.#connected()
    return Promise.all(
      messages.map(message =>
        this.#publish(connection, name, message).then(
          () => undefined,
          (error: unknown) => errorOf(error),
        ),
      ),
    )
  }

  async subscribe(
    topic: string,
    options: SubscribeOptions,
    observer: SubscriptionObserver,
  ): Promise<PubSubSubscription> {
    if (this.#closed) throw closed()
    const { retryAfter: retryMs, keepSession: keepSessionMs, holders } = this.#options
    const settings = { dialer: this.#dialer, clock: this.#context.clock, retryMs, keepSessionMs, holders }
    const subscription = new MqttSubscription(topic, options, observer, settings)
    this.#subscriptions.add(subscription)
    const close = async () => {
      this.#subscriptions.delete(subscription)
      await subscription.close()
    }
    try {
      await subscription.begin()
    } catch (error) {
      await close()
      throw error
    }
    return { close }
  }

  async check(): Promise<StoreFacts> {
    const { version } = await this.#connected()
    const facts = { version: version === 5 ? 'MQTT 5' : 'MQTT 3.1.1', facts: { endpoint: this.#dialer.endpoint } }
    return version === 5 ? facts : { ...facts, lacks: LACKS }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.all([...this.#subscriptions].map(each => each.close()))
    this.#subscriptions.clear()
    await this.#publisher?.then(
      connection => connection.close(),
      () => {},
    )
    this.#dialer.close()
  }

  /** The connection that everything is published on; made by the first call that needs it after it is lost. */
  #connected(): Promise<MqttConnection> {
    if (this.#closed) return Promise.reject(closed())
    this.#publisher ??= this.#dial()
    return this.#publisher
  }

  async #dial(): Promise<MqttConnection> {
    const session = { clientId: `portolan-${randomUUID()}`, clean: true }
    const forget = () => {
      this.#publisher = undefined
    }
    try {
      return await this.#dialer.dial(session, { onMessage() {}, onEnd: forget })
    } catch (error) {
      this.#context.clock.after(PAUSE_MS, forget)
      throw error
    }
  }

  #publish(connection: MqttConnection, topic: string, message: OutgoingMessage): Promise<void> {
    const { data, contentType, headers } = message
    if (connection.version !== 5) {
      if (Object.keys(headers).length > 0) return Promise.reject(lacking('pubsub.headers'))
      return connection.publish({ topic, payload: data, retain: false })
    }
    const properties = {
      ...(contentType && { contentType }),
      ...(Object.keys(headers).length > 0 && { userProperties: { ...headers } }),
    }
    return connection.publish({ topic, payload: data, retain: false, properties })
  }
}

const closed = () => new ApiError('unavailable', 'the component is closed')
