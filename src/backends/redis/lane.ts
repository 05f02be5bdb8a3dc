/**
 * The shared pipeline of one RESP version and one database, kept alive: connected again with back-off when it is lost,
 * replaced when it is retired. While the backend is away requests are refused at once, or held for a while if so
 * configured.
 */
import { ProxyError } from '../../errors.ts'
import type { Turn } from '../../net/index.ts'
import type { Clock } from '../../protocol.ts'
import type { Dialer } from './dialer.ts'
import { Pipeline, type PipelineOwner } from './pipeline.ts'

/** A pipeline whose first request is not answered after this time takes no new ones. */
const STUCK_MS = 75
/** Pipelines that may be stuck at a time; then the last one is shared all the same. */
const MAX_RETIRED = 8

export interface LaneOptions {
  readonly holdMs: number
  readonly requestTimeoutMs: number
}

export class Lane implements PipelineOwner {
  readonly protocol: 2 | 3
  readonly database: number
  /** Why it is away, while it is. */
  lastError: ProxyError | null = null
  readonly #dialer: Dialer
  readonly #turn: Turn
  readonly #clock: Clock
  readonly #options: LaneOptions
  #pipeline: Pipeline | null = null
  readonly #retired = new Set<Pipeline>()
  #cancelDial: () => void = () => {}
  #cancelRetry: () => void = () => {}
  #closed = false
  #settled: ((error: ProxyError | null) => void)[] = []

  constructor(dialer: Dialer, turn: Turn, clock: Clock, options: LaneOptions, protocol: 2 | 3, database: number) {
    this.#dialer = dialer
    this.#turn = turn
    this.#clock = clock
    this.#options = options
    this.protocol = protocol
    this.database = database
  }

  /** The pipeline to send on; null while the backend is away. */
  get pipeline(): Pipeline | null {
    const pipeline = this.#pipeline
    return pipeline !== null ? pipeline : this.#open()
  }

  get connected(): boolean {
    return this.#pipeline?.ready ?? false
  }

  get pending(): number {
    let pending = this.#pipeline?.pending ?? 0
    for (const pipeline of this.#retired) pending += pipeline.pending
    return pending
  }

  /** Calls back once the lane is connected, or with the reason why an attempt failed. */
  settle(callback: (error: ProxyError | null) => void): void {
    if (this.pipeline === null) return callback(this.refusal)
    if (this.connected) return callback(null)
    this.#settled.push(callback)
  }

  /** Leaves the connection, if it is that one, to what is in flight on it and opens another for what is to come. */
  replace(pipeline = this.#pipeline): void {
    if (pipeline !== this.#pipeline || !pipeline?.ready || this.#closed) return
    this.#pipeline = null
    this.#retired.add(pipeline)
    pipeline.retire()
    this.#open()
  }

  /** Answers requests that have waited too long; drops a connection on which nothing comes any more. */
  sweep(): void {
    const now = this.#clock.now()
    const current = this.#pipeline
    // Whoever waits behind a slow command must; whoever comes now need not.
    if (
      current?.ready &&
      !current.ring.empty &&
      now - current.ring.time > STUCK_MS &&
      this.#retired.size < MAX_RETIRED
    ) {
      this.replace()
    }
    const { requestTimeoutMs } = this.#options
    const error = new ProxyError(
      'upstream-timeout',
      'the backend did not answer in time; the command may have been executed',
      { source: 'upstream' },
    )
    // What was lost before is not what becomes of requests that never left.
    if (current && !current.ready && this.lastError) this.#expireHeld(current, this.refusal)
    for (const pipeline of [this.#pipeline, ...this.#retired]) {
      if (!pipeline?.ready || pipeline.ring.empty) continue
      pipeline.expire(now - requestTimeoutMs, error)
      if (
        pipeline.pending > 0 &&
        now - pipeline.lastReadAt > 2 * requestTimeoutMs &&
        now - pipeline.ring.time > requestTimeoutMs
      ) {
        pipeline.destroy(
          new ProxyError('upstream-stalled', 'nothing came from the backend for too long', { source: 'upstream' }),
        )
      }
    }
  }

  close(): void {
    this.#closed = true
    this.#cancelRetry()
    this.#cancelDial()
    const error = new ProxyError('backend-closed', 'the backend is being closed', {
      source: 'portolan',
      retryable: true,
    })
    for (const pipeline of [this.#pipeline, ...this.#retired]) pipeline?.destroy(error)
    this.#pipeline = null
  }

  onPipelineLost(pipeline: Pipeline, error: ProxyError): void {
    if (this.#retired.delete(pipeline)) return
    if (pipeline !== this.#pipeline) return
    this.#cancelDial()
    this.#pipeline = null
    this.lastError = error
    if (this.#closed) return
    if (error.code === 'upstream-database' || error.code === 'upstream-resp3') return
    this.#retryLater()
  }

  onReadOnly(): void {
    this.#dialer.onReadOnly()
  }

  onPipelineEmpty(pipeline: Pipeline): void {
    pipeline.destroy(new ProxyError('backend-closed', 'replaced', { source: 'portolan', retryable: true }))
  }

  /** Again and again: another dial of the same backend may have put the next attempt off. */
  #retryLater(): void {
    this.#cancelRetry()
    this.#cancelRetry = this.#clock.after(Math.max(1, this.#dialer.delayMs()), () => {
      if (this.pipeline === null && !this.#closed) this.#retryLater()
    })
  }

  #open(): Pipeline | null {
    if (this.#closed) return null
    if (this.#dialer.delayMs() > 0 && this.#options.holdMs === 0) return null
    this.#cancelRetry()
    const pipeline = new Pipeline(this, this.protocol, this.#turn, this.#clock)
    this.#pipeline = pipeline
    this.#dial(pipeline)
    return pipeline
  }

  #dial(pipeline: Pipeline): void {
    this.#cancelDial = this.#dialer.dial(pipeline, this.database, error => {
      if (error === null) {
        this.lastError = null
        return this.#settle(null)
      }
      this.lastError = error
      this.#settle(error)
      const permanent = error.code === 'upstream-database' || error.code === 'upstream-resp3'
      this.#expireHeld(pipeline, error)
      if (permanent || pipeline.ring.empty || this.#options.holdMs === 0) return pipeline.destroy(error)
      const cancel = this.#clock.after(Math.max(1, this.#dialer.delayMs()), () => this.#dial(pipeline))
      this.#cancelDial = cancel
    })
  }

  /** Requests that have waited for the backend for too long never leave, nor do those that came after them. */
  #expireHeld(pipeline: Pipeline, error: ProxyError): void {
    if (!pipeline.ring.empty && this.#clock.now() - pipeline.ring.time > this.#options.holdMs) pipeline.failAll(error)
  }

  #settle(error: ProxyError | null): void {
    const settled = this.#settled
    this.#settled = []
    for (const callback of settled) callback(error)
  }

  /** Why a request cannot be sent now. */
  get refusal(): ProxyError {
    const reason = this.#dialer.lastError ?? this.lastError
    if (reason === null) {
      return new ProxyError('backend-closed', 'the backend is being closed', { source: 'portolan', retryable: true })
    }
    // What was lost before is not what becomes of this request, which never left.
    return reason.retryable
      ? reason
      : new ProxyError('upstream-away', reason.message, { source: 'upstream', retryable: true, cause: reason })
  }
}
