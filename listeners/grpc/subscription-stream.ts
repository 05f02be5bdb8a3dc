/** A subscription over one stream: a first message subscribes, later ones settle what was delivered. */
import type { Delivery, PubSubSubscription } from '../../src/apis/index.ts'
import type { Incoming, Outgoing } from './rpc.ts'

/** By their numbers, which are the same in every protocol here. */
export const OUTCOMES = ['ack', 'retry', 'drop'] as const

export class SubscriptionStream {
  readonly #out: Outgoing
  readonly #unsettled = new Map<string, Delivery>()
  #subscription: Promise<PubSubSubscription> | undefined

  constructor(incoming: Pick<Incoming<never>, 'onEnd'>, out: Outgoing) {
    this.#out = out
    incoming.onEnd(() => this.#close().finally(() => out.end()))
    out.signal.addEventListener('abort', () => void this.#close(), { once: true })
  }

  get isOpen(): boolean {
    return this.#subscription !== undefined
  }

  /** The response tells the caller that it has begun; that it could not ends the stream. */
  open(subscription: Promise<PubSubSubscription>, response: object): void {
    this.#subscription = subscription
    subscription.then(
      () => this.#out.write(response),
      error => this.#out.fail(error),
    )
  }

  /** Whether a delivery with that id waits for its settlement. */
  holds(id: string): boolean {
    return this.#unsettled.has(id)
  }

  /** Hands a delivery over; it is settled by that id. */
  deliver(id: string, delivery: Delivery, message: object): void {
    this.#unsettled.set(id, delivery)
    this.#out.write(message)
  }

  /** What no delivery has as its id is settled already. */
  settle(id: string, outcome: number): void {
    const delivery = this.#unsettled.get(id)
    if (!delivery) return
    this.#unsettled.delete(id)
    delivery.settle(OUTCOMES[outcome] ?? 'retry')
  }

  async #close(): Promise<void> {
    const subscription = await this.#subscription?.catch(() => undefined)
    await subscription?.close().catch(() => {})
  }
}
