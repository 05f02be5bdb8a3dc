/**
 * Upstream connections that belong to one session at a time: bounded, some of them connected ahead so that a
 * transaction finds one ready, with a queue and a deadline for whoever comes when all are taken.
 */
import { ProxyError } from '../../errors.ts'
import type { Turn } from '../../net/index.ts'
import type { Clock } from '../../protocol.ts'
import type { Dialer } from './dialer.ts'
import { Pipeline, type PipelineOwner, sendToNobody } from './pipeline.ts'
import { PrivateQueue, type PrivateWaiter } from './private-queue.ts'
import { nobody } from './reply-sink.ts'
import { Selecting } from './selecting.ts'

export interface PrivatePoolOptions {
  /** Connections at most, idle ones included. */
  readonly max: number
  /** Connections of each RESP version in use that are kept ready. */
  readonly spare: number
  /** How long a session waits for one, in milliseconds. */
  readonly waitMs: number
}

const REFILL_MS = 20

export class PrivatePool implements PipelineOwner {
  readonly #dialer: Dialer
  readonly #turn: Turn
  readonly #clock: Clock
  readonly #options: PrivatePoolOptions
  readonly #all = new Set<Pipeline>()
  readonly #idle: Record<2 | 3, Pipeline[]> = { 2: [], 3: [] }
  readonly #dialling: Record<2 | 3, number> = { 2: 0, 3: 0 }
  /** The database that was wanted last: what is opened ahead has it. */
  readonly #recent: Record<2 | 3, number> = { 2: 0, 3: 0 }
  readonly #warm = new Set<2 | 3>()
  /** Lent connections, and who hears when they are lost. */
  readonly #lent = new Map<Pipeline, (error: ProxyError) => void>()
  readonly #queue: PrivateQueue
  #closed = false
  #refilling = false
  #cancelRetry: () => void = () => {}

  constructor(dialer: Dialer, turn: Turn, clock: Clock, options: PrivatePoolOptions) {
    this.#dialer = dialer
    this.#turn = turn
    this.#clock = clock
    this.#options = options
    this.#queue = new PrivateQueue(clock)
  }

  get size(): number {
    return this.#all.size
  }

  get lent(): number {
    return this.#lent.size
  }

  /** Whether a session would get a connection without waiting for another's. */
  hasRoom(protocol: 2 | 3): boolean {
    return this.#idle[protocol].length > 0 || this.#all.size < this.#options.max
  }

  get queued(): number {
    return this.#queue.length
  }

  /** Keeps spare connections of that RESP version from now on. */
  warm(protocol: 2 | 3): void {
    if (this.#warm.has(protocol)) return
    this.#warm.add(protocol)
    this.#fill(protocol)
  }

  /**
   * Lends a connection with that database selected (null: whichever), now or later; returns a function that gives up
   * waiting.
   */
  acquire(protocol: 2 | 3, database: number | null, waiter: PrivateWaiter): () => void {
    const idle = this.#closed ? undefined : this.#takeIdle(protocol, database)
    if (idle) {
      const cancel = this.#lend(idle, database, waiter)
      this.#refill(protocol)
      return cancel
    }
    if (this.#closed) {
      waiter.onNoPrivate(
        new ProxyError('backend-closed', 'the backend is being closed', { source: 'portolan', retryable: true }),
      )
      return () => {}
    }
    const { waitMs, max } = this.#options
    const cancel = this.#queue.add(waiter, protocol, database, waitMs, () => {
      const text = `no exclusive connection became free within ${waitMs} ms; all ${max} are in use`
      return new ProxyError('private-timeout', text, { source: 'portolan', retryable: true })
    })
    this.#fill(protocol)
    return cancel
  }

  /** Who hears that a lent connection was lost; the sink's requests have been failed by then. */
  onLost(pipeline: Pipeline, callback: (error: ProxyError) => void): void {
    this.#lent.set(pipeline, callback)
  }

  /** Takes a connection back whose replies have all come and which holds no state but its database. */
  release(pipeline: Pipeline): void {
    if (!this.#lent.delete(pipeline) || !pipeline.open) return
    pipeline.subscriber = nobody
    pipeline.patient = false
    pipeline.unpause()
    if (this.#closed || pipeline.stale) return this.discard(pipeline)
    const next = this.#queue.take(pipeline.protocol)
    if (next) {
      next.cancel = this.#lend(pipeline, next.database, next.waiter)
      return
    }
    this.#idle[pipeline.protocol].push(pipeline)
  }

  /** Ends a connection whose state nobody can vouch for. */
  discard(pipeline: Pipeline): void {
    this.#lent.delete(pipeline)
    pipeline.destroy(new ProxyError('client-gone', 'the session has ended', { source: 'downstream' }))
  }

  /** Ends connections whose session waits for a reply for too long; blocking commands are exempt (`patient`). */
  sweep(timeoutMs: number): void {
    const before = this.#clock.now() - timeoutMs
    for (const pipeline of this.#all) {
      if (pipeline.patient || !pipeline.ready || pipeline.ring.empty || pipeline.ring.time > before) continue
      pipeline.destroy(
        new ProxyError('upstream-timeout', 'the backend did not answer in time; the command may have been executed', {
          source: 'upstream',
        }),
      )
    }
  }

  /** Replaces what is idle now, and what is lent when it comes back. */
  renew(): void {
    const error = new ProxyError('replaced', 'the connection is renewed', { source: 'portolan', retryable: true })
    for (const pipeline of this.#all) pipeline.stale = true
    for (const pipeline of [...this.#idle[2], ...this.#idle[3]]) pipeline.destroy(error)
  }

  /** Sends a request whose reply does not matter on each connection that is not lent. */
  sendToIdle(request: Buffer): void {
    for (const pipeline of [...this.#idle[2], ...this.#idle[3]]) sendToNobody(pipeline, request)
  }

  /** Refuses new sessions and closes what is idle; what is lent is closed as it comes back. */
  drain(): void {
    this.#closed = true
    this.#cancelRetry()
    const error = new ProxyError('backend-closed', 'the backend is being closed', {
      source: 'portolan',
      retryable: true,
    })
    this.#queue.refuse(error)
    for (const pipeline of [...this.#idle[2], ...this.#idle[3]]) pipeline.destroy(error)
  }

  close(): void {
    this.drain()
    const error = new ProxyError('backend-closed', 'the backend was closed', { source: 'portolan' })
    for (const pipeline of [...this.#all]) pipeline.destroy(error)
  }

  onPipelineLost(pipeline: Pipeline, error: ProxyError): void {
    this.#all.delete(pipeline)
    const idle = this.#idle[pipeline.protocol]
    const at = idle.indexOf(pipeline)
    if (at >= 0) idle.splice(at, 1)
    const onLost = this.#lent.get(pipeline)
    this.#lent.delete(pipeline)
    onLost?.(error)
    this.#fill(pipeline.protocol)
  }

  onReadOnly(): void {
    this.#dialer.onReadOnly()
  }

  onPipelineEmpty(): void {}

  /** If possible one that has the database already. */
  #takeIdle(protocol: 2 | 3, database: number | null): Pipeline | undefined {
    const idle = this.#idle[protocol]
    const at = idle.findLastIndex(pipeline => pipeline.database === database)
    return at < 0 ? idle.pop() : idle.splice(at, 1)[0]
  }

  /** Returns a function that gives up waiting for the database. */
  #lend(pipeline: Pipeline, database: number | null, waiter: PrivateWaiter): () => void {
    if (database === null || pipeline.database === database) {
      this.#lent.set(pipeline, () => {})
      waiter.onPrivate(pipeline)
      return () => {}
    }
    this.#recent[pipeline.protocol] = database
    let wanted = true
    this.#lent.set(pipeline, error => {
      if (wanted) waiter.onNoPrivate(error)
      wanted = false
    })
    new Selecting(pipeline, database, error => {
      if (!pipeline.open) return
      this.#lent.set(pipeline, () => {})
      if (!wanted || error !== null) this.release(pipeline)
      if (!wanted) return
      wanted = false
      if (error !== null) waiter.onNoPrivate(error)
      else waiter.onPrivate(pipeline)
    })
    return () => {
      wanted = false
    }
  }

  /** Replaces what was lent, a moment later: what needs a connection now has one, and is not disturbed. */
  #refill(protocol: 2 | 3): void {
    if (this.#refilling) return
    this.#refilling = true
    this.#clock.after(REFILL_MS, () => {
      this.#refilling = false
      this.#fill(protocol)
    })
  }

  /** Opens what is wanted: one for each that waits, and the spares. */
  #fill(protocol: 2 | 3): void {
    if (this.#closed) return
    const waiting = this.#queue.count(protocol)
    // Spares must not take the places that others wait for.
    const spare = this.#warm.has(protocol) && this.#queue.length === 0 ? this.#options.spare : 0
    let wanted = waiting + spare - this.#idle[protocol].length - this.#dialling[protocol]
    if (wanted > 0 && this.#dialer.delayMs() > 0) return this.#retryLater(protocol)
    // One that waits may have the place of an idle connection of the other version.
    const other = this.#idle[protocol === 2 ? 3 : 2]
    if (waiting > 0 && this.#all.size >= this.#options.max && other.length > 0) {
      other.pop()!.destroy(new ProxyError('replaced', 'its place was needed', { source: 'portolan' }))
    }
    for (; wanted > 0 && this.#all.size < this.#options.max; wanted--) this.#open(protocol)
  }

  #open(protocol: 2 | 3): void {
    const pipeline = new Pipeline(this, protocol, this.#turn, this.#clock)
    this.#all.add(pipeline)
    this.#dialling[protocol]++
    // A busy server refuses to select another database; who needs none must not hear of that.
    const database = this.#queue.takesAnyDatabase(protocol) ? 0 : this.#recent[protocol]
    this.#dialer.dial(pipeline, database, error => {
      this.#dialling[protocol]--
      if (error === null) {
        this.#lent.set(pipeline, () => {})
        return this.release(pipeline)
      }
      this.#all.delete(pipeline)
      this.#recent[protocol] = 0
      this.#queue.refuse(error, protocol)
      this.#retryLater(protocol)
    })
  }

  #retryLater(protocol: 2 | 3): void {
    this.#cancelRetry()
    const delay = this.#dialer.delayMs()
    this.#cancelRetry = this.#clock.after(Math.max(10, delay), () => this.#fill(protocol))
    const error = this.#dialer.lastError
    if (delay > 0 && error) this.#queue.refuse(error, protocol)
  }
}
