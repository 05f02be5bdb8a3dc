/** Private message queues for applications: checked publishing, subscriptions that survive a reload, dead letters. */
import {
  ApiError,
  type Delivery,
  type FeatureId,
  type OutgoingMessage,
  type PubSubSubscription,
  type SubscribeOptions,
} from '../apis/index.ts'
import type { Component } from '../component.ts'
import type { Logger } from '../observability/logger.ts'
import type { Clock, Runtime } from '../protocol.ts'
import type { Directory } from './directory.ts'

/** From an attempt to move a subscription to the next. */
const RETRY_MS = 500
const MAX_RETRY_MS = 10_000

export interface DeadLetters {
  readonly topic: string
  /** Deliveries after which a message that is refused once more goes there. */
  readonly maxAttempts: number
}

export interface Subscribing {
  readonly component: string
  readonly topic: string
  readonly options: SubscribeOptions
  readonly deadLetters?: DeadLetters
  readonly onMessage: (delivery: Delivery) => void
}

export class PubSubService {
  readonly #directory: Directory
  readonly #runtime: Pick<Runtime, 'clock' | 'logger'>
  readonly #active = new Set<Active>()

  constructor(directory: Directory, runtime: Pick<Runtime, 'clock' | 'logger'>) {
    this.#directory = directory
    this.#runtime = runtime
  }

  /** For each message undefined, or why it was not taken. */
  async publish(name: string, topic: string, messages: readonly OutgoingMessage[]) {
    const component = this.#directory.find('pubsub', name)
    if (topic === '') throw new ApiError('invalid-argument', 'the topic is empty')
    if (messages.length === 0) return []
    this.#directory.require(component, ...featuresOf(messages))
    return component.store.publish(topic, messages)
  }

  /** Resolves when what is published from now on will be delivered; call the result's close() to end it. */
  async subscribe(subscribing: Subscribing): Promise<PubSubSubscription> {
    const { component: name, topic, options, deadLetters } = subscribing
    const component = this.#directory.find('pubsub', name)
    if (topic === '') throw new ApiError('invalid-argument', 'the topic is empty')
    this.#directory.require(
      component,
      options.group === undefined ? 'pubsub.broadcast' : 'pubsub.group',
      ...(options.from === 'earliest' ? (['pubsub.replay'] as const) : []),
      ...(/[*#+>]/.test(topic) && component.has('pubsub.wildcard') ? (['pubsub.wildcard'] as const) : []),
      // To count attempts takes a store that tells them.
      ...(deadLetters && deadLetters.maxAttempts > 1 ? (['pubsub.dead-letter', 'pubsub.retry'] as const) : []),
    )
    const active = new Active(subscribing, this, this.#runtime)
    await active.bind(component)
    this.#active.add(active)
    return {
      close: async () => {
        this.#active.delete(active)
        await active.close()
      },
    }
  }

  /** Moves the subscriptions to the components as they are now, after a reload. */
  rebind(): void {
    for (const active of this.#active) {
      const component = this.#directory.peek('pubsub', active.component)
      if (component) active.rebind(component)
    }
  }
}

/** A subscription, whatever store it is at for the time being. */
class Active {
  readonly #subscribing: Subscribing
  readonly #service: PubSubService
  readonly #clock: Clock
  readonly #logger: Logger
  #bound: Component<'pubsub'> | undefined
  #subscription: PubSubSubscription | undefined
  #closed = false
  #cancelRetry: () => void = () => {}

  constructor(subscribing: Subscribing, service: PubSubService, { clock, logger }: Pick<Runtime, 'clock' | 'logger'>) {
    this.#subscribing = subscribing
    this.#service = service
    this.#clock = clock
    this.#logger = logger
  }

  get component(): string {
    return this.#subscribing.component
  }

  /** As bind(), again and again until it succeeds: the subscription stands where it was meanwhile. */
  rebind(component: Component<'pubsub'>, pauseMs = RETRY_MS): void {
    this.#cancelRetry()
    this.bind(component).catch(error => {
      if (this.#closed) return
      this.#bound = undefined
      const { topic } = this.#subscribing
      this.#logger.warn({ topic, reason: error.message }, 'a subscription could not be moved; it is tried again')
      this.#cancelRetry = this.#clock.after(pauseMs, () => this.rebind(component, Math.min(pauseMs * 2, MAX_RETRY_MS)))
    })
  }

  /** Subscribes there before it leaves where it was. */
  async bind(component: Component<'pubsub'>): Promise<void> {
    if (this.#bound === component) return
    this.#bound = component
    const { topic, options } = this.#subscribing
    const before = this.#subscription
    const subscription = await component.store.subscribe(topic, options, {
      onMessage: delivery => this.#deliver(delivery),
      onOutage: error =>
        this.#logger.warn(
          { topic, reason: error.message },
          'a subscription has lost its store; it goes on when that is back',
        ),
    })
    await before?.close().catch(() => {})
    this.#subscription = subscription
    if (this.#closed) await subscription.close()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelRetry()
    await this.#subscription?.close()
  }

  #deliver(delivery: Delivery): void {
    const { deadLetters, onMessage } = this.#subscribing
    if (!deadLetters) return onMessage(delivery)
    onMessage({
      ...delivery,
      settle: outcome => {
        const isLast = outcome === 'retry' && (delivery.attempt ?? 1) >= deadLetters.maxAttempts
        // Dapr sends there what is dropped, too.
        if (outcome !== 'drop' && !isLast) return delivery.settle(outcome)
        void this.#bury(delivery, deadLetters.topic)
      },
    })
  }

  /** Only what has arrived there is taken away here. */
  async #bury(delivery: Delivery, topic: string): Promise<void> {
    const { component } = this.#subscribing
    const { data, contentType, headers, orderingKey } = delivery
    const message = { data, contentType, headers, ...(orderingKey === undefined ? {} : { orderingKey }) }
    try {
      const [failure] = await this.#service.publish(component, topic, [message])
      if (failure) throw failure
      delivery.settle('ack')
    } catch (error) {
      this.#logger.warn(
        { topic, reason: (error as Error).message },
        'a message could not be put among the dead letters',
      )
      delivery.settle('retry')
    }
  }
}

function featuresOf(messages: readonly OutgoingMessage[]): FeatureId[] {
  const features = new Set<FeatureId>(['pubsub.publish'])
  if (messages.length > 1) features.add('pubsub.bulk')
  for (const { headers, orderingKey, delayMs, ttlMs } of messages) {
    if (Object.keys(headers).length > 0) features.add('pubsub.headers')
    if (orderingKey) features.add('pubsub.ordering-key')
    if (delayMs) features.add('pubsub.delay')
    if (ttlMs) features.add('pubsub.ttl')
  }
  return [...features]
}
