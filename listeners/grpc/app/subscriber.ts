/**
 * Subscribes on behalf of an application that serves Dapr's callbacks. Nobody waits for the application: it is asked
 * until it answers; when it is gone its messages are left to the store, and it is asked anew.
 */
import { randomUUID } from 'node:crypto'
import { ApiError, type Delivery, type PubSubSubscription } from '../../../src/apis/index.ts'
import type { Logger } from '../../../src/observability/logger.ts'
import type { Clock } from '../../../src/protocol.ts'
import { type Services, unwrap } from '../../../src/services/index.ts'
import { Batch } from './batch.ts'
import { type AppChannel, type AppEvent, type AppOutcome, type AppSubscription, AppUnreachable } from './channel.ts'
import { type Router, routerOf } from './rules.ts'

/** From an attempt to reach the application to the next: longer each time, up to the second. */
const RETRY_MS = [500, 10_000] as const

export interface SubscriberOptions {
  readonly appId: string
  readonly maxInFlight: number
}

export interface SubscriberParts {
  readonly services: Services
  readonly channel: AppChannel
  readonly clock: Clock
  readonly logger: Logger
}

interface Waiting {
  readonly event: AppEvent
  readonly delivery: Delivery
}

export class AppSubscriber {
  readonly #parts: SubscriberParts
  readonly #options: SubscriberOptions
  #subscriptions: PubSubSubscription[] = []
  #pause: number = RETRY_MS[0]
  #cancel: () => void = () => {}
  /** How often the application has told what it subscribes to. */
  #asked = 0
  #phase: 'asking' | 'subscribed' | 'closed' = 'asking'

  constructor(parts: SubscriberParts, options: SubscriberOptions) {
    this.#parts = parts
    this.#options = options
  }

  start(): void {
    void this.#ask()
  }

  async close(): Promise<void> {
    this.#phase = 'closed'
    this.#cancel()
    await this.#leave()
    this.#parts.channel.close()
  }

  async #ask(): Promise<void> {
    const { channel, logger } = this.#parts
    try {
      const wanted = await channel.subscriptions()
      if (this.#phase === 'closed') return
      this.#phase = 'subscribed'
      this.#asked++
      this.#pause = RETRY_MS[0]
      await Promise.all(wanted.map(subscription => this.#subscribe(subscription)))
      logger.info(
        { topics: wanted.map(({ pubsubName, topic }) => `${pubsubName}/${topic}`) },
        'the application subscribes',
      )
    } catch (error) {
      logger.debug({ reason: (error as Error).message }, 'the application cannot be asked what it subscribes to')
      this.#askLater()
    }
  }

  #askLater(): void {
    if (this.#phase === 'closed') return
    this.#cancel()
    this.#cancel = this.#parts.clock.after(this.#pause, () => void this.#ask())
    this.#pause = Math.min(this.#pause * 2, RETRY_MS[1])
  }

  async #subscribe(wanted: AppSubscription, pauseMs: number = RETRY_MS[0]): Promise<void> {
    const { services, logger } = this.#parts
    const { pubsubName: component, topic, deadLetterTopic } = wanted
    try {
      const take = this.#taker(wanted, await routerOf(wanted))
      const subscription = await services.pubsub.subscribe({
        component,
        topic,
        options: { group: this.#options.appId, from: 'new', maxInFlight: this.#options.maxInFlight },
        // With Dapr the first failure leads there, unless a policy says otherwise.
        ...(deadLetterTopic ? { deadLetters: { topic: deadLetterTopic, maxAttempts: 1 } } : {}),
        onMessage: take,
      })
      if (this.#phase === 'subscribed') this.#subscriptions.push(subscription)
      else await subscription.close()
    } catch (error) {
      const isAway = error instanceof ApiError && error.retryable
      const fields = { component, topic, reason: (error as Error).message }
      logger.error(fields, `the application cannot subscribe${isAway ? ' yet' : ''}`)
      // Until the application is asked anew, which begins with an empty list.
      const asked = this.#asked
      if (isAway)
        this.#parts.clock.after(pauseMs, () => {
          if (asked === this.#asked && this.#phase === 'subscribed')
            void this.#subscribe(wanted, Math.min(pauseMs * 2, RETRY_MS[1]))
        })
    }
  }

  /** What is done with a message of that subscription. */
  #taker(wanted: AppSubscription, route: Router): (delivery: Delivery) => void {
    const raw = wanted.metadata['rawPayload'] === 'true'
    const { bulk } = wanted
    const batches = new Map<string, Batch<Waiting>>()
    return delivery => {
      const event = unwrap(delivery.data, delivery.contentType, raw, this.#options.appId)
      if (!event) return delivery.settle('drop')
      const path = route(event, delivery.topic)
      const { pubsubName } = wanted
      const waiting = {
        delivery,
        event: { id: bulk ? randomUUID() : event.id, event, topic: delivery.topic, pubsubName, path, raw },
      }
      if (!bulk) return void this.#deliver([waiting], () => this.#one(waiting.event))
      let batch = batches.get(path)
      if (!batch) {
        batch = new Batch(
          bulk.maxMessages,
          bulk.maxWaitMs,
          this.#parts.clock,
          all => void this.#deliver(all, () => this.#all(all)),
        )
        batches.set(path, batch)
      }
      batch.add(waiting)
    }
  }

  async #one(event: AppEvent): Promise<readonly AppOutcome[]> {
    return [await this.#parts.channel.deliver(event)]
  }

  #all(waiting: readonly Waiting[]): Promise<readonly AppOutcome[]> {
    return this.#parts.channel.deliverAll(waiting.map(({ event }) => event))
  }

  async #deliver(waiting: readonly Waiting[], hand: () => Promise<readonly AppOutcome[]>): Promise<void> {
    try {
      const outcomes = await hand()
      waiting.forEach(({ delivery }, at) => void delivery.settle(outcomes[at]!))
    } catch (error) {
      for (const { delivery } of waiting) delivery.settle('retry')
      if (error instanceof AppUnreachable) this.#onGone(error)
      else this.#parts.logger.warn({ reason: (error as Error).message }, 'the application did not take a message')
    }
  }

  /** Its subscriptions may be others when it is back. */
  #onGone(error: Error): void {
    if (this.#phase !== 'subscribed') return
    this.#phase = 'asking'
    this.#parts.logger.warn({ reason: error.message }, 'the application does not take its messages; it is asked again')
    void this.#leave().finally(() => this.#askLater())
  }

  async #leave(): Promise<void> {
    const subscriptions = this.#subscriptions.splice(0)
    await Promise.allSettled(subscriptions.map(subscription => subscription.close()))
  }
}
