/**
 * The connection to the backend that serves a client now: taken from the pool when a command needs one, brought into the
 * client's state, and given back when nothing ties it to the client.
 */
import { COM_QUERY, type ServerError, ServerErrors } from '../../codecs/mysql/index.ts'
import {
  type Client,
  type Holder,
  type Identity,
  type MysqlBackend,
  type Purpose,
  queryPacket,
  ServerRefusal,
  type SessionState,
  setMultiStatements,
  type Upstream,
} from '../../src/backends/mysql/index.ts'
import type { ProxyError } from '../../src/errors.ts'
import { Pin } from './pin.ts'
import { mayReadElsewhere, onReplica } from './replica-reads.ts'
import type { Session } from './session.ts'

interface KnownGroup {
  readonly backend: MysqlBackend | null
  readonly identity: Identity | null
  readonly purpose: Purpose
  readonly hasSchema: boolean
  readonly name: string
}

export class Lease implements Client, Holder {
  upstream: Upstream | null = null
  /** What a connection is wanted for. */
  purpose: Purpose = 'write'
  readonly #session: Session
  #last: Upstream | null = null
  /** The last answer to `group`, and what it was made of: the pool asks before every statement. */
  #group: KnownGroup = { backend: null, identity: null, purpose: 'write', hasSchema: false, name: '' }
  #cancelWait: (() => void) | null = null
  #waitsAt: MysqlBackend | null = null
  #whenAttached: ((upstream: Upstream) => void) | null = null

  constructor(session: Session) {
    this.#session = session
  }

  /** True when there is a connection that is right for this client; else the callback gets it, or the client an error. */
  attach(then: (upstream: Upstream) => void): boolean {
    if (this.upstream?.facts.purpose === 'read' && !this.#mayStay()) return false
    return this.upstream ? this.#align(this.upstream, then) : this.#acquire(then)
  }

  #acquire(then: (upstream: Upstream) => void): boolean {
    const session = this.#session
    const { pool, splitsReads } = session.backend
    this.purpose = splitsReads && mayReadElsewhere(session) ? 'read' : 'write'
    const upstream = pool.take(this)
    if (upstream) return this.#begin(upstream, then)
    session.phase = 'waiting'
    this.#whenAttached = then
    this.#waitsAt = session.backend
    this.#cancelWait = pool.wait(this)
    return false
  }

  /** Has this one for good. */
  hold(upstream: Upstream): void {
    this.upstream = upstream
    upstream.holder = this
  }

  #begin(upstream: Upstream, then: (upstream: Upstream) => void): boolean {
    this.hold(upstream)
    const { facts } = upstream
    if (facts.purpose === 'write' || !this.#session.lastWrite.mayLack(facts.member)) return this.#align(upstream, then)
    this.#catchUp(upstream, then)
    return false
  }

  /** Brings the connection into the client's state. */
  #align(upstream: Upstream, then: (upstream: Upstream) => void): boolean {
    const session = this.#session
    // What nobody else has had is as the client has left it.
    if (session.relay !== null) return true
    if (upstream.multiStatements !== session.multiStatements) setMultiStatements(upstream, session.multiStatements)
    session.insertId.bring(upstream, session.facts)
    if (upstream.state.key === session.state.key) return true
    session.phase = 'waiting'
    let isDone = false
    let isLater = false
    session.backend.align(upstream, session.state, error => {
      isDone = true
      if (session.phase !== 'waiting') return
      if (error) this.#onMisaligned(upstream, error, then)
      else if (isLater) then(upstream)
    })
    isLater = true
    return isDone && this.upstream === upstream
  }

  /** If the connection is gone, nothing of the client's is: it was not sent yet. */
  #onMisaligned(upstream: Upstream, error: ProxyError, then: (upstream: Upstream) => void): void {
    const session = this.#session
    if (!upstream.closed || !session.mayRepeat) return this.#refuse(upstream, error)
    this.upstream = null
    session.noteRepeat()
    if (this.#acquire(then)) then(this.upstream!)
  }

  #refuse(upstream: Upstream, error: ProxyError): void {
    const { state } = this
    // A database that is gone, or forbidden by now: the client is told once, and can choose another one.
    if (error instanceof ServerRefusal && upstream.state.schema !== state.schema) state.schema = null
    this.#session.refuse(error)
  }

  /** Whether the command at hand is one for the replica that the client has; if not, it is given back, or the command refused. */
  #mayStay(): boolean {
    const session = this.#session
    const decision = onReplica(session)
    if (decision === 'stay') return true
    if (decision === 'refuse') {
      session.refuse(NOT_ON_REPLICA)
      return false
    }
    if ((session.pins & Pin.TRANSACTION) !== 0) this.recycle()
    else this.release()
    session.pins = 0
    return true
  }

  /** The replica may not have yet what the client wrote last: it waits for that, or the primary serves. */
  #catchUp(replica: Upstream, then: (upstream: Upstream) => void): void {
    const session = this.#session
    const { backend, lastWrite } = session
    session.phase = 'waiting'
    lastWrite.await(replica, backend.options.replicaWait, arrived => {
      if (session.phase !== 'waiting' || this.upstream !== replica) return
      if (arrived) {
        if (this.#align(replica, then)) then(replica)
        return
      }
      // What was written to a primary that failed before anybody else had it will never arrive.
      if (lastWrite.member && !backend.isPrimary(lastWrite.member)) lastWrite.reset()
      lastWrite.noteBlind(backend.now() + backend.options.checkInterval)
      this.release()
      if (this.#acquire(then)) then(this.upstream!)
    })
  }

  /** The connection that serves this client now, or would do so again, as far as can be told. */
  get likely(): Upstream | null {
    return this.upstream ?? (this.#last?.idle ? this.#last : null)
  }

  /** What the client has sent last did not run there. */
  passOver(): void {
    const { likely } = this
    if (likely?.lastUser !== this) return
    likely.lastUser = null
    likely.rowsUser = null
  }

  // --- What the pool asks ------------------------------------------------------------------------------------------

  get identity(): Identity {
    return this.#session.identity
  }

  get state(): SessionState {
    return this.#session.state
  }

  get group(): string {
    const { backend, identity, state } = this.#session
    const hasSchema = state.schema !== null
    const known = this.#group
    if (
      known.backend === backend &&
      known.identity === identity &&
      known.purpose === this.purpose &&
      known.hasSchema === hasSchema
    )
      return known.name
    const name = backend.groupOf(identity, state, this.purpose)
    this.#group = { backend, identity, purpose: this.purpose, hasSchema, name }
    return name
  }

  get key(): string {
    return this.state.key
  }

  get preferred(): Upstream | null {
    return this.#last
  }

  onUpstream(upstream: Upstream): void {
    this.#cancelWait = null
    const then = this.#whenAttached!
    this.#whenAttached = null
    if (this.#begin(upstream, then)) then(upstream)
  }

  onNoUpstream(error: ProxyError): void {
    this.#cancelWait = null
    const then = this.#whenAttached!
    this.#whenAttached = null
    // The backend was replaced while the client waited: the one that the listener has now serves it.
    const isReplaced = error.code === 'upstream-closed' && this.#waitsAt !== this.#session.backend
    if (!isReplaced) return this.#session.refuse(error)
    if (this.#acquire(then)) then(this.upstream!)
  }

  /** Saves the warnings that the connection is kept for, and gives it back. */
  yieldConnection(): boolean {
    const session = this.#session
    const { upstream } = this
    const { pins, phase } = session
    if (!upstream || phase !== 'ready' || pins !== Pin.DIAGNOSTICS || session.downstream.input.waiting > 0) return false
    this.passOver()
    session.exchange.send(upstream, COM_QUERY, queryPacket('SHOW WARNINGS', upstream.facts.capabilities), {
      record: true,
      silent: true,
      isAside: true,
      done: (_, response) => {
        session.diagnostics.save(response)
        session.pins = 0
        session.answered()
      },
    })
    return true
  }

  onUpstreamClosed(error: ProxyError): void {
    this.upstream = null
    this.#session.onUpstreamClosed(error)
  }

  // --- Its end -----------------------------------------------------------------------------------------------------

  /** Gives it back, ready to serve anybody. */
  release(): void {
    const upstream = this.#end()
    if (!upstream) return
    this.#remember(upstream)
    upstream.home.release(upstream)
  }

  /** The client would like to have it again; null when it will not come back. */
  #remember(upstream: Upstream | null): void {
    if (this.#last === upstream) return
    if (this.#last) this.#last.regulars--
    if (upstream) upstream.regulars++
    this.#last = upstream
  }

  /** Gives it back in whatever state it is. */
  recycle(): void {
    const upstream = this.#end()
    upstream?.home.recycle(upstream)
  }

  /** Gives it back in the middle of a response: what runs is ended. */
  abandon(): void {
    const upstream = this.#end()
    upstream?.home.abandon(upstream)
  }

  /** It has closed, or has to. */
  drop(): void {
    this.#end()?.destroy()
  }

  /** The client has gone: waits for none any more. */
  leave(): void {
    this.#cancelWait?.()
    this.#cancelWait = null
    this.#remember(null)
  }

  #end(): Upstream | null {
    const { upstream } = this
    this.upstream = null
    return upstream
  }
}

const NOT_ON_REPLICA: ServerError = {
  ...ServerErrors.readOnly,
  message:
    'This session reads from a replica: end what ties it there (COMMIT, COM_RESET_CONNECTION) before anything else',
}
