/** What the cases of pub/sub share: the subject, messages, and a subscriber that keeps what it gets. */
import { expect } from 'vitest'
import type {
  Delivery,
  OutgoingMessage,
  PubSubStore,
  SubscribeOptions,
  SubscriptionObserver,
} from '../../src/apis/index.ts'
import type { Bench, Case, Subject } from './suite.ts'

export interface PubSubSubject extends Subject<'pubsub'> {
  /** The largest message that is tried, 1 MiB unless said. */
  readonly largestBytes?: number
  /** Names that topics of this kind of store may end with; some usual ones unless said. */
  readonly oddTopics?: readonly string[]
}

export type PubSubBench = Bench<'pubsub', PubSubSubject>
export type PubSubCase = Case<'pubsub', PubSubSubject>

export function message(text: string | Buffer, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { data: typeof text === 'string' ? Buffer.from(text) : text, contentType: '', headers: {}, ...more }
}

/** Publishes in one step; fails unless the store took all. */
export async function publish(store: PubSubStore, topic: string, ...messages: (string | OutgoingMessage)[]) {
  const outgoing = messages.map(each => (typeof each === 'string' ? message(each) : each))
  const outcomes = await store.publish(topic, outgoing)
  expect(outcomes).toEqual(outgoing.map(() => undefined))
}

/** One after another, for stores without bulk. */
export async function publishEach(store: PubSubStore, topic: string, ...messages: (string | OutgoingMessage)[]) {
  for (const each of messages) await publish(store, topic, each)
}

/** What a subscriber says of a delivery; nothing where the case does it. */
type Policy = (delivery: Delivery, count: number) => 'ack' | 'retry' | 'drop' | undefined

/** A subscriber. It acknowledges unless told otherwise. */
export class Inbox implements SubscriptionObserver {
  readonly deliveries: Delivery[] = []
  outages = 0
  unsettled = 0
  mostUnsettled = 0
  readonly #policy: Policy

  constructor(policy: Policy = () => 'ack') {
    this.#policy = policy
  }

  onMessage(delivery: Delivery): void {
    this.deliveries.push(delivery)
    this.unsettled++
    this.mostUnsettled = Math.max(this.mostUnsettled, this.unsettled)
    const outcome = this.#policy(delivery, this.deliveries.length)
    // Later, as an application does, so that too many deliveries would show.
    if (outcome) setImmediate(() => this.settle(delivery, outcome))
  }

  onOutage(): void {
    this.outages++
  }

  settle(delivery: Delivery, outcome: 'ack' | 'retry' | 'drop'): void {
    this.unsettled--
    delivery.settle(outcome)
  }

  get texts(): string[] {
    return this.deliveries.map(({ data }) => data.toString())
  }

  get last(): Delivery {
    const last = this.deliveries.at(-1)
    if (!last) throw new Error('nothing was delivered')
    return last
  }
}

/** A subscription that is closed with the case at the latest. */
export async function subscribe(
  bench: PubSubBench,
  topic: string,
  options: Partial<SubscribeOptions> & { inbox?: Inbox; store?: PubSubStore } = {},
): Promise<Inbox & { close(): Promise<void> }> {
  const { inbox = new Inbox(), store = bench.store, ...rest } = options
  const subscription = await store.subscribe(topic, { from: 'new', maxInFlight: 100, ...rest }, inbox)
  bench.afterwards(() => subscription.close())
  return Object.assign(inbox, { close: () => subscription.close() })
}

/** Waits until exactly these were delivered, in whatever order. */
export async function expectTexts(bench: PubSubBench, inboxes: Inbox | readonly Inbox[], texts: readonly string[]) {
  await bench.eventually(`deliveries of ${texts.length} messages`, () => {
    const got = [inboxes].flat().flatMap(inbox => inbox.texts)
    expect(got.toSorted()).toEqual(texts.toSorted())
    return true
  })
}

/**
 * Waits until it is delivered. Whatever was published before to the same subscriber was delivered then too, or never
 * will be.
 */
export async function expectDelivery(bench: PubSubBench, inbox: Inbox, text: string, count = 1): Promise<Delivery> {
  return bench.eventually(`delivery ${count} of ${text}`, () => {
    return inbox.deliveries.filter(({ data }) => data.toString() === text)[count - 1]
  })
}
