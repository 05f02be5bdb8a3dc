/**
 * A session's place on a private pipeline: why it needs one, how it gets one, and in which state the pipeline goes back.
 */
import { encodeCommand, encodeSimple } from '../../codecs/redis/index.ts'
import { type Pipeline, type PrivatePool, sendToNobody } from '../../src/backends/redis/index.ts'
import type { ProxyError } from '../../src/errors.ts'
import { Handled, Pin, TRANSIENT_PINS } from './command-handler.ts'
import { discarded, dress, TRANSACTION_LOST } from './errors.ts'
import type { Queued } from './queued.ts'
import type { Session } from './session.ts'

/** Pins whose requests may take as long as they like. */
const PATIENT_PINS = Pin.BLOCK | Pin.STREAM | Pin.UPLOAD
/** A command whose arity is wrong: Redis then aborts the transaction at EXEC. */
const MALFORMED = encodeCommand(['GET'])
const OK = encodeSimple('OK')
/** Pins that one command takes away. */
const UNDONE_BY_COMMAND = Pin.MULTI | Pin.WATCH

export class PrivateSeat {
  /** Why the session needs a private pipeline; bits of Pin. */
  pins = 0
  /** The private pipeline, while the session has one. */
  pipeline: Pipeline | null = null
  /** The transaction that is being queued. */
  queued: Queued | null = null
  /** What EXEC is told of a transaction whose pipeline was lost, or that got none, until it is over. */
  aborted: Buffer | null = null
  /** Subscribed on the private pipeline itself: then all its subscriptions are there. */
  subscribes = false
  /** What a pipeline is being waited for. */
  wanted = 0
  readonly #session: Session
  /** Where the pipeline belongs: a reload may have put another pool in its place. */
  #pool: PrivatePool | null = null
  #cancelAcquire: (() => void) | null = null

  constructor(session: Session) {
    this.#session = session
  }

  get inMulti(): boolean {
    return this.queued !== null
  }

  /** True when the pipeline can go back as soon as everything is answered. */
  get leaving(): boolean {
    return this.pipeline !== null && (this.pins & ~TRANSIENT_PINS) === 0
  }

  /**
   * Returns what a handler is to return: FORWARD when there is a private pipeline, WAIT until then (the handler is called
   * again with the same request), DONE when none can be had and the client has been told. With the database null, any
   * will do.
   */
  pin(reason: number, database: number | null = this.#session.database): Handled {
    const handled = this.#pin(reason, database)
    this.watchReplies()
    return handled
  }

  #pin(reason: number, database: number | null): Handled {
    const session = this.#session
    if (this.pipeline !== null) {
      this.pins |= reason
      if (reason & PATIENT_PINS) this.pipeline.patient = true
      return Handled.FORWARD
    }
    if (session.outstanding > 0) return Handled.WAIT
    let failed: ProxyError | null = null
    let returned = false
    const { pool } = session.host
    const cancel = pool.acquire(session.protocol, database, {
      onPrivate: pipeline => {
        this.#cancelAcquire = null
        this.wanted = 0
        this.take(pool, pipeline, reason)
        if (returned) session.resumeReading()
      },
      onNoPrivate: error => {
        this.#cancelAcquire = null
        this.wanted = 0
        failed = error
        if (!returned) return
        // A reload has put another backend in the place of this one: the handler asks again there.
        if (pool !== session.host.pool) session.resumeReading()
        else session.input.answerFirst(this.#refusal(reason, error))
      },
    })
    returned = true
    if (this.pipeline !== null) return Handled.FORWARD
    if (failed !== null) {
      session.local(this.#refusal(reason, failed))
      return Handled.DONE
    }
    this.#cancelAcquire = cancel
    this.wanted = reason
    session.hold()
    return Handled.WAIT
  }

  /** A transaction for which there is no pipeline begins all the same, and fails as a whole: nothing of it may run by itself. */
  #refusal(reason: number, error: ProxyError): Buffer {
    if (reason !== Pin.MULTI) return dress(error)
    this.aborted = discarded(error)
    return OK
  }

  /** Takes a pipeline as soon as nothing is outstanding, without a request of the client's. */
  pinLater(reason: number, done: () => void): void {
    const session = this.#session
    if (session.phase === 'closed' || this.pipeline !== null) return void process.nextTick(done)
    if (session.outstanding > 0) {
      session.host.clock.after(1, () => this.pinLater(reason, done))
      return
    }
    const { pool } = session.host
    pool.acquire(session.protocol, session.database, {
      onPrivate: pipeline => {
        if (session.phase === 'closed' || this.pipeline !== null) pool.release(pipeline)
        else this.take(pool, pipeline, reason)
        process.nextTick(done)
      },
      onNoPrivate: () => process.nextTick(done),
    })
  }

  take(pool: PrivatePool, pipeline: Pipeline, reason: number): void {
    this.#pool = pool
    this.pipeline = pipeline
    this.pins = reason
    pipeline.subscriber = this.#session
    pipeline.patient = (reason & PATIENT_PINS) !== 0
    pool.onLost(pipeline, error => this.#onLost(error))
  }

  /** Has the server refuse the transaction that is being queued: a part of it was not let through. */
  poison(): void {
    if (this.pipeline !== null) sendToNobody(this.pipeline, MALFORMED)
  }

  unpin(reasons: number): void {
    this.pins &= ~reasons
    this.watchReplies()
  }

  /** Has the session look here when everything is answered, if there will be something to do. */
  watchReplies(): void {
    const session = this.#session
    if (session.draining || this.leaving || (this.pins & TRANSIENT_PINS) !== 0) session.attention = true
  }

  /** Everything is answered: what was pinned for that long no longer is. */
  settle(): void {
    this.pins &= ~TRANSIENT_PINS
    if (this.pipeline !== null && this.pins === 0) this.leave()
    else if (this.pipeline !== null) this.pipeline.patient = (this.pins & PATIENT_PINS) !== 0
  }

  /** Gives the pipeline back if its state is known or can be undone by a command, else ends it. */
  leave(): void {
    this.#cancelAcquire?.()
    this.#cancelAcquire = null
    const { pipeline, pins } = this
    const { outstanding } = this.#session
    const pool = this.#pool!
    this.pipeline = null
    this.pins = 0
    this.wanted = 0
    this.subscribes = false
    this.queued = null
    this.#session.facts.redirect = -1
    if (pipeline === null) return
    if ((pins & ~UNDONE_BY_COMMAND) !== 0 || outstanding > 0) return pool.discard(pipeline)
    if (pins !== 0) sendToNobody(pipeline, encodeCommand([pins & Pin.MULTI ? 'DISCARD' : 'UNWATCH']))
    pool.release(pipeline)
  }

  #onLost(error: ProxyError): void {
    const { pins } = this
    this.pipeline = null
    this.pins = 0
    this.queued = null
    // Whatever the transaction has queued is gone; its EXEC must fail, and nothing of it may run elsewhere.
    if (pins & (Pin.MULTI | Pin.WATCH)) this.aborted = TRANSACTION_LOST
    const session = this.#session
    session.pipeline = null
    if (session.phase === 'closed') return
    // What its connection has been made into (another user's, a debugger's) no other one is, so the client must know.
    if (pins & Pin.STATE) return session.finish()
    if (!session.input.uploading && (pins & Pin.STREAM) === 0) return
    session.refuse(error)
    session.finish()
  }
}
