/** One channel, pattern or shard channel with all its subscribers. */
import type { ProxyError } from '../../errors.ts'

/** channel: SUBSCRIBE; pattern: PSUBSCRIBE; shard: SSUBSCRIBE. */
export type SubscriptionKind = 'channel' | 'pattern' | 'shard'

/** Gets messages. */
export interface Subscriber {
  readonly protocol: 2 | 3
  /** Takes a message in the subscriber's RESP version; the buffer is shared and must not be changed. */
  onMessage(message: Buffer): void
  /** Several messages follow until `onMessagesEnd`. */
  onMessagesBegin(): void
  onMessagesEnd(): void
  /** The connection is lost: no message comes until onResubscribed(). */
  onInterrupted?(): void
  /** The subscription stands again after it was lost: messages may have been missed. */
  onResubscribed?(): void
}

export interface Subscription {
  readonly kind: SubscriptionKind
  readonly name: Buffer
  readonly subscribers: Set<Subscriber>
  active: boolean
  /** It has stood before. */
  stood: boolean
  /** Asked for until it succeeds, however long the backend is away. */
  keep: boolean
  /** Subscribers that go as soon as the server says that no message will follow. */
  readonly leaving: Set<Subscriber>
  waiting: ((error: ProxyError | null) => void)[]
}

/** The commands of each kind. */
export const VERBS = {
  channel: { subscribe: 'SUBSCRIBE', unsubscribe: 'UNSUBSCRIBE' },
  pattern: { subscribe: 'PSUBSCRIBE', unsubscribe: 'PUNSUBSCRIBE' },
  shard: { subscribe: 'SSUBSCRIBE', unsubscribe: 'SUNSUBSCRIBE' },
} as const

/** Under which a subscription is found. */
export function keyOf(kind: SubscriptionKind, name: Buffer): string {
  return `${kind[0]}${name.toString('latin1')}`
}
