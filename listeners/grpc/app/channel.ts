/** How the application is reached on its own port: what it subscribes to, and how events are handed to it. */
import type { Event } from '../../../src/services/index.ts'

export interface AppSubscription {
  readonly pubsubName: string
  readonly topic: string
  readonly metadata: Readonly<Record<string, string>>
  /** The path of events that no rule fits. */
  readonly path: string
  readonly rules: readonly { readonly match: string; readonly path: string }[]
  /** Empty: none. */
  readonly deadLetterTopic: string
  /** Events are handed over together; undefined: one by one. */
  readonly bulk?: { readonly maxMessages: number; readonly maxWaitMs: number }
}

/** An event on its way to the application. */
export interface AppEvent {
  /** Unique among those under way. */
  readonly id: string
  readonly event: Event
  readonly topic: string
  readonly pubsubName: string
  readonly path: string
  readonly raw: boolean
}

/** The application is not there; any other error is about one call only. */
export class AppUnreachable extends Error {
  override readonly name = 'AppUnreachable'
}

export type AppOutcome = 'ack' | 'retry' | 'drop'

export interface AppChannel {
  /** Rejects while the application cannot be reached, as with AppUnreachable. An application that does not know the question subscribes to nothing. */
  subscriptions(): Promise<readonly AppSubscription[]>
  /** Rejects when the application could not be reached (AppUnreachable), or did not answer in time. */
  deliver(event: AppEvent): Promise<AppOutcome>
  /** The outcome of each, in their order. All are of one subscription and path. */
  deliverAll(events: readonly AppEvent[]): Promise<readonly AppOutcome[]>
  close(): void
}
