/** The API of private message queues: messages are published to topics and delivered at least once. */
import type { Features, Store } from './api.ts'
import type { ApiError } from './errors.ts'

export const pubsubFeatures = {
  'pubsub.publish': 'A message is published; the answer comes when the store has it.',
  'pubsub.bulk': 'Several messages are published in one step, each with its own outcome.',
  'pubsub.headers': 'A message carries headers.',
  'pubsub.ordering-key': 'Messages of the same key are delivered in the order of publishing.',
  'pubsub.delay': 'A message is delivered only after a time.',
  'pubsub.ttl': 'A message that is not delivered within a time is dropped.',
  'pubsub.group': 'Subscribers of a group share the messages.',
  'pubsub.broadcast': 'Each subscriber gets every message.',
  'pubsub.retry': 'A message that was refused is delivered again.',
  'pubsub.dead-letter': 'Deliveries are counted, so that a message that was refused too often can go to another topic.',
  'pubsub.replay': 'A new subscription can begin with messages published earlier.',
  'pubsub.wildcard':
    'A subscription can name several topics by a pattern: `+` is one level between slashes, `#` at the end all that remain.',
} as const satisfies Features

export interface OutgoingMessage {
  readonly data: Buffer
  /** Such as `application/json`; empty where nothing is said of it. */
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
  readonly orderingKey?: string
  readonly delayMs?: number
  readonly ttlMs?: number
}

export interface SubscribeOptions {
  /** Subscribers of one group share the messages; undefined: this subscriber gets all, and only while it is there. */
  readonly group?: string
  /** Where a group begins that the store does not know yet. */
  readonly from: 'new' | 'earliest'
  /** Deliveries that may be unsettled at a time; the store sends no more until one is. */
  readonly maxInFlight: number
}

export interface Delivery {
  /** Of the store, to tell deliveries apart in a log. */
  readonly id: string
  readonly topic: string
  readonly data: Buffer
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
  readonly orderingKey?: string
  /** 1 for the first delivery; undefined where the store does not count. */
  readonly attempt?: number
  /** Must be called once. `retry`: it is delivered again, after a while; `drop`: never. Does nothing once the connection it came by is lost. */
  settle(outcome: 'ack' | 'retry' | 'drop'): void
}

export interface SubscriptionObserver {
  onMessage(delivery: Delivery): void
  /** The store cannot be reached; said once for each outage. The subscription goes on by itself. */
  onOutage(error: Error): void
}

export interface PubSubSubscription {
  /** Takes no new messages; resolves when the store knows. Deliveries that are not settled are delivered to others. */
  close(): Promise<void>
}

export interface PubSubStore extends Store {
  /** For each message, in their order: undefined when the store has it, else why not. Rejects when none was taken. */
  publish(topic: string, messages: readonly OutgoingMessage[]): Promise<readonly (ApiError | undefined)[]>
  /** Resolves when what is published from now on will be delivered. Goes on over outages until it is closed. */
  subscribe(topic: string, options: SubscribeOptions, observer: SubscriptionObserver): Promise<PubSubSubscription>
}
