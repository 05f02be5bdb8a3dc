/** What one client is subscribed to, and how its messages leave: in one write per turn, and never without bound. */
import type { Subscriber, SubscriptionKind, Subscriptions } from '../../src/backends/redis/index.ts'
import type { Session } from './session.ts'

const SOFT_MS = 60_000

export class SubscriberState implements Subscriber {
  readonly #session: Session
  readonly #names: Record<SubscriptionKind, Set<string>> = { channel: new Set(), pattern: new Set(), shard: new Set() }
  #softSince = 0
  /** Messages that came in the middle of a reply. */
  #held: Buffer[] = []

  constructor(session: Session) {
    this.#session = session
  }

  get protocol(): 2 | 3 {
    return this.#session.protocol
  }

  get counts(): { readonly channels: number; readonly patterns: number; readonly shards: number } {
    const { channel, pattern, shard } = this.#names
    return { channels: channel.size, patterns: pattern.size, shards: shard.size }
  }

  /** What acknowledgements count: channels and patterns together, shard channels apart. */
  count(kind: SubscriptionKind): number {
    const { channels, patterns, shards } = this.counts
    return kind === 'shard' ? shards : channels + patterns
  }

  get active(): boolean {
    return this.count('channel') + this.count('shard') > 0
  }

  names(kind: SubscriptionKind): Buffer[] {
    return [...this.#names[kind]].map(name => Buffer.from(name, 'latin1'))
  }

  add(kind: SubscriptionKind, name: Buffer): void {
    this.#names[kind].add(name.toString('latin1'))
  }

  has(kind: SubscriptionKind, name: Buffer): boolean {
    return this.#names[kind].has(name.toString('latin1'))
  }

  remove(kind: SubscriptionKind, name: Buffer): boolean {
    return this.#names[kind].delete(name.toString('latin1'))
  }

  /** True while a reply has begun to leave and has not ended. */
  get #midReply(): boolean {
    const { outstanding, pipeline } = this.#session
    return outstanding > 0 && pipeline !== null && pipeline.begun && pipeline.ring.sink === this.#session
  }

  onMessagesBegin(): void {
    this.#session.outlet.cork()
  }

  onMessagesEnd(): void {
    this.#session.outlet.uncork()
    this.#checkOutput()
  }

  onMessage(message: Buffer): void {
    const session = this.#session
    if (session.phase === 'closed') return
    // A push may stand between replies, never inside one.
    if (this.#midReply) this.#held.push(message)
    else session.outlet.write(message)
    if (session.outlet.waiting > session.host.options.subscriberOutputHard) this.#checkOutput()
  }

  /** Sends what waited for the end of a reply. */
  release(): void {
    for (const message of this.#held.splice(0)) this.#session.outlet.write(message)
  }

  /** Leaves every channel. */
  close(): void {
    const { subscriptions } = this.#session.host
    for (const kind of ['channel', 'pattern', 'shard'] as const) {
      for (const name of this.names(kind)) subscriptions.unsubscribe(kind, name, this)
      this.#names[kind].clear()
    }
    this.#held = []
  }

  /** Subscribes at the listener's new backend, and then leaves the old one: nothing in between is lost. */
  move(before: Subscriptions): void {
    const { subscriptions } = this.#session.host
    for (const kind of ['channel', 'pattern', 'shard'] as const) {
      for (const name of this.names(kind)) {
        subscriptions.subscribe(kind, name, this, () => before.leave(kind, name, this), true)
      }
    }
  }

  /** As client-output-buffer-limit pubsub does by default: 32 MB at once, or 8 MB for 60 seconds. */
  #checkOutput(): void {
    const { outlet, host, phase } = this.#session
    if (phase === 'closed') return
    const { subscriberOutputHard, subscriberOutputSoft } = host.options
    const now = host.clock.now()
    if (outlet.waiting <= subscriberOutputSoft) this.#softSince = 0
    else if (this.#softSince === 0) this.#softSince = now
    if (outlet.waiting > subscriberOutputHard || (this.#softSince > 0 && now - this.#softSince > SOFT_MS)) {
      host.dropped(this.#session, 'subscriber does not keep up')
    }
  }
}
