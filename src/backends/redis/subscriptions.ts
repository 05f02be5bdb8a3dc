/**
 * Channels and patterns of all clients on one upstream connection: subscribed there once however many clients are, and
 * again after a reconnect. Messages come as RESP2 arrays, which differ from RESP3 pushes in their first byte only.
 */
import { decodeReply, encodeCommand, globMatches } from '../../../codecs/redis/index.ts'
import { ProxyError } from '../../errors.ts'
import type { Turn } from '../../net/index.ts'
import type { Clock } from '../../protocol.ts'
import type { Dialer } from './dialer.ts'
import { FanOut } from './fan-out.ts'
import { kindOf, MESSAGE_KINDS, secondOf } from './message-frame.ts'
import { Pipeline, type PipelineOwner } from './pipeline.ts'
import type { ReplySink } from './reply-sink.ts'
import { keyOf, type Subscriber, type Subscription, type SubscriptionKind, VERBS } from './subscription.ts'

const PING_EVERY_MS = 30_000
const PING = encodeCommand(['PING'])

export class Subscriptions implements PipelineOwner, ReplySink {
  readonly stats = null
  readonly framewise = true
  readonly #dialer: Dialer
  readonly #turn: Turn
  readonly #clock: Clock
  readonly #fanOut = new FanOut()
  readonly #subscriptions = new Map<string, Subscription>()
  /** What each reply to come answers: a subscription, or null for anything else. */
  #expected: (Subscription | { readonly left: Subscription } | null)[] = []
  #pipeline: Pipeline | null = null
  #pieces: Buffer[] = []
  #closed = false
  #cancelDial: () => void = () => {}
  #cancelPing: () => void = () => {}

  constructor(dialer: Dialer, turn: Turn, clock: Clock) {
    this.#dialer = dialer
    this.#turn = turn
    this.#clock = clock
  }

  /** Channels, patterns and shard channels that somebody is subscribed to. */
  get size(): number {
    return this.#subscriptions.size
  }

  /** Calls back when messages will come, or with the reason why they will not; with `keep` only when they will. */
  subscribe(
    kind: SubscriptionKind,
    name: Buffer,
    subscriber: Subscriber,
    done: (error: ProxyError | null) => void,
    keep = false,
  ): void {
    const key = keyOf(kind, name)
    let subscription = this.#subscriptions.get(key)
    if (subscription) {
      subscription.subscribers.add(subscriber)
      subscription.leaving.delete(subscriber)
      subscription.keep ||= keep
      if (subscription.active) return done(null)
      subscription.waiting.push(done)
      return
    }
    subscription = {
      kind,
      name: Buffer.from(name),
      subscribers: new Set([subscriber]),
      active: false,
      stood: false,
      keep,
      leaving: new Set(),
      waiting: [done],
    }
    this.#subscriptions.set(key, subscription)
    if (this.#pipeline?.ready) this.#ask(subscription)
    else this.#connect()
  }

  unsubscribe(kind: SubscriptionKind, name: Buffer, subscriber: Subscriber): void {
    const key = keyOf(kind, name)
    const subscription = this.#subscriptions.get(key)
    if (!subscription?.subscribers.delete(subscriber) || subscription.subscribers.size > 0) return
    this.#subscriptions.delete(key)
    if (this.#pipeline?.ready) this.#send(encodeCommand([VERBS[kind].unsubscribe, name]), null)
    // Nobody waits for it any more, but whoever did may have something else to do.
    for (const done of subscription.waiting.splice(0)) done(null)
  }

  /** As `unsubscribe`, but messages that are on their way still arrive. */
  leave(kind: SubscriptionKind, name: Buffer, subscriber: Subscriber): void {
    const subscription = this.#subscriptions.get(keyOf(kind, name))
    if (!subscription?.active || !this.#pipeline?.ready) return this.unsubscribe(kind, name, subscriber)
    subscription.leaving.add(subscriber)
    if (subscription.leaving.size < subscription.subscribers.size) return
    this.#expected.push({ left: subscription })
    const command = encodeCommand([VERBS[kind].unsubscribe, name])
    this.#pipeline.sendPiece(this, command, 0, command.length)
  }

  /** How many more clients than the backend knows of get a message on that channel. */
  extraReceivers(kind: 'channel' | 'shard', channel: Buffer): number {
    let extra = this.extraSubscribers(kind, channel)
    if (kind === 'shard') return extra
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.kind === 'pattern' && subscription.active && globMatches(subscription.name, channel)) {
        extra += subscription.subscribers.size - 1
      }
    }
    return extra
  }

  /** How many more subscribers than the backend knows of a channel has. */
  extraSubscribers(kind: 'channel' | 'shard', channel: Buffer): number {
    const subscription = this.#subscriptions.get(keyOf(kind, channel))
    return subscription?.active ? subscription.subscribers.size - 1 : 0
  }

  close(): void {
    this.#closed = true
    this.#cancelDial()
    this.#cancelPing()
    this.#pipeline?.destroy(new ProxyError('backend-closed', 'the backend is being closed', { source: 'portolan' }))
  }

  // --- ReplySink: what the server says ---------------------------------------------------------------------------

  deliver(bytes: Buffer, start: number, end: number): boolean {
    const piece = Buffer.from(bytes.subarray(start, end))
    if (this.#pipeline?.begun) {
      this.#pieces.push(piece)
      return false
    }
    const frame = this.#pieces.length > 0 ? Buffer.concat([...this.#pieces.splice(0), piece]) : piece
    const kind = frame[0] === 42 ? kindOf(frame) : ''
    const message = MESSAGE_KINDS[kind]
    if (message) {
      const subscription = this.#subscriptions.get(keyOf(message, secondOf(frame)))
      if (subscription?.active) this.#fanOut.give(frame, subscription.subscribers)
    } else if (kind.endsWith('unsubscribe') && kind.length > 13 - 2 && this.#expected.length === 0) {
      // The server took a subscription away by itself (a slot that moved): ask again.
      this.#renew(frame)
    } else this.#answered(frame)
    return false
  }

  deliverLocal(): void {}
  fail(): void {}
  resume(): void {}
  slow(): void {}

  // --- PipelineOwner ---------------------------------------------------------------------------------------------

  onPipelineLost(pipeline: Pipeline): void {
    if (pipeline !== this.#pipeline) return
    this.#pipeline = null
    this.#expected = []
    this.#pieces = []
    this.#cancelPing()
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.active) for (const subscriber of subscription.subscribers) subscriber.onInterrupted?.()
      subscription.active = false
    }
    if (!this.#closed && this.#subscriptions.size > 0) this.#retry()
  }

  onReadOnly(): void {}

  onPipelineEmpty(): void {}

  #connect(): void {
    if (this.#pipeline !== null || this.#closed) return
    const pipeline = new Pipeline(this, 2, this.#turn, this.#clock)
    pipeline.subscriber = this
    this.#pipeline = pipeline
    this.#cancelDial = this.#dialer.dial(pipeline, 0, error => {
      if (error !== null) {
        for (const subscription of this.#subscriptions.values()) this.#settle(subscription, error)
        pipeline.destroy(error)
        return
      }
      for (const subscription of this.#subscriptions.values()) this.#ask(subscription)
      this.#cancelPing = this.#clock.every(PING_EVERY_MS, () => this.#watch())
    })
  }

  #retry(): void {
    this.#cancelDial()
    this.#cancelDial = this.#clock.after(Math.max(1, this.#dialer.delayMs()), () => this.#connect())
  }

  /** Nothing at all since the last PING: the connection is dead, whatever TCP says. */
  #watch(): void {
    const pipeline = this.#pipeline
    if (!pipeline?.ready) return
    if (this.#clock.now() - pipeline.lastReadAt > 2 * PING_EVERY_MS) {
      return pipeline.destroy(
        new ProxyError('upstream-stalled', 'nothing came from the backend for too long', { source: 'upstream' }),
      )
    }
    this.#send(PING, null)
  }

  #ask(subscription: Subscription): void {
    this.#send(encodeCommand([VERBS[subscription.kind].subscribe, subscription.name]), subscription)
  }

  #send(command: Buffer, expected: Subscription | null): void {
    this.#expected.push(expected)
    this.#pipeline!.sendPiece(this, command, 0, command.length)
  }

  #answered(frame: Buffer): void {
    const expected = this.#expected.shift()
    if (!expected) return
    if ('left' in expected) return this.#left(expected.left)
    const subscription = expected
    if (frame[0] === 45) {
      const text = frame.toString('utf8', 1, frame.length - 2)
      return this.#settle(subscription, new ProxyError('upstream-refused-subscription', text, { source: 'upstream' }))
    }
    subscription.active = true
    if (subscription.stood) for (const subscriber of subscription.subscribers) subscriber.onResubscribed?.()
    subscription.stood = true
    this.#settle(subscription, null)
  }

  #left(subscription: Subscription): void {
    for (const subscriber of subscription.leaving) subscription.subscribers.delete(subscriber)
    subscription.leaving.clear()
    // Somebody may have subscribed in the meantime: then the server is asked again.
    if (subscription.subscribers.size > 0) this.#ask(subscription)
    else this.#subscriptions.delete(keyOf(subscription.kind, subscription.name))
  }

  /** Tells those who wait; where it failed for good, nobody is left subscribed. */
  #settle(subscription: Subscription, error: ProxyError | null): void {
    if (error && subscription.keep) return
    const waiting = subscription.waiting
    subscription.waiting = []
    if (error && waiting.length >= subscription.subscribers.size) {
      this.#subscriptions.delete(keyOf(subscription.kind, subscription.name))
    }
    for (const done of waiting) done(error)
  }

  #renew(frame: Buffer): void {
    const [kind, name] = decodeReply(frame, 'buffers') as [Buffer, Buffer | null]
    const word = kind.toString()
    const subscription =
      name && this.#subscriptions.get(keyOf(word[0] === 's' ? 'shard' : word[0] === 'p' ? 'pattern' : 'channel', name))
    if (!subscription) return
    subscription.active = false
    this.#ask(subscription)
  }
}
