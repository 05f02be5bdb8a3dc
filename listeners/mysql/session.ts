/**
 * One client that has logged in: its phase, the order of its commands, and its end. A command is looked at and passed on
 * as it is (exchange.ts), to a connection that is right for the client (lease.ts); what comes back streams through. At its
 * end the connection returns to the pool unless something ties it to this client (pin.ts).
 */
import { ProtocolError } from '../../codecs/codec.ts'
import {
  CLIENT_MULTI_STATEMENTS,
  encodeErr,
  encodeOk,
  isMariaDb,
  type OkFields,
  PACKET_HEADER_BYTES,
  type ResponseTracker,
  type ScanMode,
  SERVER_STATUS_AUTOCOMMIT,
  type ServerError,
  ServerErrors,
} from '../../codecs/mysql/index.ts'
import {
  type Identity,
  LastWrite,
  learnCollation,
  type MysqlBackend,
  type Released,
  ServerRefusal,
  SessionState,
  type Upstream,
} from '../../src/backends/mysql/index.ts'
import { ProxyError } from '../../src/errors.ts'
import { Outcome } from '../../src/observability/operation-stats.ts'
import { ClientStatements } from './client-statements.ts'
import { Handled, type Request } from './command-handler.ts'
import { CommandReader } from './command-reader.ts'
import { HANDLERS } from './commands/index.ts'
import { Diagnostics } from './diagnostics.ts'
import { Downstream, type DownstreamSink } from './downstream.ts'
import { errorOf } from './errors.ts'
import { Exchange } from './exchange.ts'
import { InsertId } from './insert-id.ts'
import { asksAboutLast } from './last-statement.ts'
import { Lease } from './lease.ts'
import type { Challenge } from './login.ts'
import type { Origin } from './origin.ts'
import type { Phase } from './phase.ts'
import { MOVABLE, Pin } from './pin.ts'
import type { OpenPin } from './pin-log.ts'
import { NOTHING, pinsAfter, type StatementFacts } from './pinning.ts'
import { RelayedSession } from './relayed-session.ts'
import { noteWrite } from './replica-reads.ts'
import { databaseForbidden } from './rights.ts'
import { SessionScanMode } from './scan-mode.ts'
import type { SessionHost } from './session-host.ts'
import { asksForVariables } from './unreported.ts'
import type { User } from './users.ts'

/** Who the client is, and how it has proved that. */
export interface Who {
  readonly identity: Identity
  readonly user: User | null
  readonly origin: Origin
  readonly challenge: Challenge
}

export class Session implements DownstreamSink {
  readonly id: number
  readonly host: SessionHost
  readonly downstream: Downstream
  readonly commands = new CommandReader(this)
  readonly lease = new Lease(this)
  readonly exchange = new Exchange(this)
  readonly state = new SessionState()
  readonly statements = new ClientStatements()
  readonly insertId = new InsertId()
  readonly diagnostics = new Diagnostics()
  readonly lastWrite = new LastWrite()
  /** Of a client that has logged in at the server itself; null for others. */
  relay: RelayedSession | null = null
  readonly connectedAt: number
  identity: Identity
  user: User | null
  readonly origin: Origin
  readonly challenge: Challenge
  phase: Phase = 'waiting'
  /** Bits of Pin. */
  pins = 0
  bookedPins = 0
  readonly openPins: OpenPin[] = []
  /** The client may send several statements in one text: told at its login, and by COM_SET_OPTION. */
  multiStatements: boolean
  /** Server status flags, as the client saw them last. */
  status = SERVER_STATUS_AUTOCOMMIT
  /** When bytes came, or a command ended. */
  activeAt: number
  /** Attempts to become another user that have failed. */
  refusedChanges = 0
  /** Of the command at hand, for metrics and log. */
  readonly request: Request = { command: 0, packet: EMPTY, partial: false, statementId: 0, repeats: 0 }
  facts: StatementFacts = NOTHING
  responseBytes = 0
  startedAt = 0
  readonly #scanMode = new SessionScanMode()
  #draining = false
  #whenRefused: ((error: ProxyError) => void) | null = null
  /** Of a command that is answered here. */
  #outcome: number = Outcome.OK

  constructor(host: SessionHost, connection: Released, who: Who, id: number) {
    this.host = host
    this.id = id
    this.identity = who.identity
    this.user = who.user
    this.origin = who.origin
    this.challenge = who.challenge
    this.multiStatements = (who.identity.capabilities.low & CLIENT_MULTI_STATEMENTS) !== 0
    this.downstream = new Downstream(this, connection, host.options.maxPacket)
    this.activeAt = this.connectedAt = host.clock.now()
    if (host.options.pooling === 'session') this.pins = Pin.SESSION_MODE
  }

  get closed(): boolean {
    return this.phase === 'closed'
  }

  get backend(): MysqlBackend {
    return this.host.backend
  }

  /** The connection that serves this client now. */
  get upstream(): Upstream | null {
    return this.lease.upstream
  }

  get scanMode(): ScanMode {
    return this.#scanMode.of(this.state, this.identity, this.status, this.backend.greeting)
  }

  /** Nothing is on the connection that could not be made again on another one. */
  get isMovable(): boolean {
    return (this.pins & ~MOVABLE) === 0
  }

  /** Nothing is lost with the connection that another one would not have. */
  get #mayEnd(): boolean {
    return (this.pins & ~(MOVABLE | Pin.RELAY)) === 0
  }

  /** The client has logged in at the server itself: the connection is its own, and stays. */
  attachForGood(upstream: Upstream, isEqual: boolean): void {
    this.lease.hold(upstream)
    this.relay = new RelayedSession(this, upstream, isEqual)
    this.pins = Pin.RELAY
  }

  /** Finds a connection in the client's database for the first time, so that a wrong one fails the login. */
  enter(done: () => void, failed: (error: ProxyError) => void): void {
    this.#whenRefused = failed
    const settle = () => {
      this.#whenRefused = null
      done()
    }
    if (this.lease.attach(settle)) settle()
  }

  /** The login is over: commands may come. */
  begin(): void {
    this.downstream.open()
    this.answered()
  }

  // --- Commands ----------------------------------------------------------------------------------------------------

  onInput(bytes: number): void {
    this.activeAt = this.host.clock.now()
    this.host.received(bytes)
    this.commands.read()
  }

  onDrained(): void {
    this.activeAt = this.host.clock.now()
    this.upstream?.resume()
    if (this.phase === 'ready') this.goOn()
  }

  /** Looks at what was read, and reads on. */
  goOn(): void {
    this.commands.read()
    this.downstream.goOn()
  }

  /** Frames that are not what they say; anything else is told by the stream's end. */
  onStreamError(error: Error): void {
    if (error instanceof ProtocolError) this.host.protocolError(error.kind)
  }

  /** The next command, or the first piece of it, with its header. */
  onCommand(packet: Buffer, partial: boolean): void {
    const { request } = this
    request.command = packet.length > PACKET_HEADER_BYTES ? packet[PACKET_HEADER_BYTES]! : 0xff
    request.packet = packet
    request.partial = partial
    request.statementId = 0
    request.repeats = 0
    this.responseBytes = 0
    this.#outcome = Outcome.OK
    this.startedAt = this.activeAt
    this.#dispatch()
  }

  #dispatch(): void {
    const { request } = this
    this.facts = NOTHING
    const handler = HANDLERS[request.command]
    const handled = handler ? handler(this, request) : this.#refuseUnknown()
    if (handled === Handled.FORWARD) this.#forward()
    else if (handled === Handled.DONE) {
      this.host.observer.answeredHere(this, this.#outcome)
      if (request.partial && !this.closed) this.phase = 'discarding'
    }
  }

  /** Whether the command at hand, if it has not run, can run on another connection as well. */
  get mayRepeat(): boolean {
    const { request, facts } = this
    const isPlain = !asksAboutLast(facts) && !request.partial
    return isPlain && this.isMovable && request.repeats < MAX_REPEATS
  }

  /** The command at hand has not run, and will on another connection. */
  noteRepeat(): void {
    this.request.repeats++
    this.pins &= ~Pin.DIAGNOSTICS
    this.backend.noteRepeat()
  }

  /** The command at hand has not run: it begins anew. */
  repeat(): void {
    this.noteRepeat()
    this.phase = 'ready'
    this.#dispatch()
    this.goOn()
  }

  #refuseUnknown(): Handled {
    this.fail(ServerErrors.unknownCommand)
    return Handled.DONE
  }

  #forward(): void {
    if (this.lease.attach(this.#pass)) this.#pass(this.lease.upstream!)
  }

  readonly #pass = (upstream: Upstream): void => this.exchange.pass(upstream, this.request.packet)

  /** What the statement at hand is about. */
  note(facts: StatementFacts): void {
    this.facts = facts
  }

  // --- How they end ------------------------------------------------------------------------------------------------

  /** The backend has answered. */
  onAnswered(upstream: Upstream, tracker: ResponseTracker): void {
    if (!tracker.error) this.status = tracker.status
    this.diagnostics.note(upstream, this.lease, this.request.command, this.facts.kind, tracker)
    this.state.copy(upstream.state)
    this.insertId.note(upstream, tracker, this.facts)
    if (this.backend.splitsReads && upstream.facts.purpose === 'write')
      noteWrite(this.lastWrite, upstream, tracker, this)
    this.pins = pinsAfter(this.pins, this.request.command, this.facts, tracker, upstream)
    this.host.answered(this, tracker)
    const { schema } = this.state
    // However it was chosen: the commands that do so by name are refused before.
    if (schema !== null && databaseForbidden(this.user, schema)) return this.close()
    if (this.phase === 'uploading') {
      // The server has answered before it had all, and will close.
      this.lease.drop()
      return this.close()
    }
    if (!asksForVariables(this, upstream, tracker)) this.answered()
  }

  /** The command at hand is over: the next one may come. */
  answered(): void {
    this.settle()
    const { upstream } = this
    if (upstream && this.pins === 0) return this.#learnCollation(upstream)
    this.phase = 'ready'
    if (this.#draining && this.#mayEnd) return this.close()
    this.goOn()
    if (this.pins === Pin.DIAGNOSTICS && this.backend.pool.waiting > 0) this.lease.yieldConnection()
  }

  /** Gives the connection back when nothing ties it to this client. */
  settle(): void {
    this.notePins()
    const { upstream } = this
    if (!upstream) return
    // It is kept until all is known that is to be made again elsewhere.
    if (upstream.session.collationUnknown && !upstream.closed) return
    if (this.pins === 0 || (upstream.home !== this.backend && this.isMovable)) this.lease.release()
  }

  #learnCollation(upstream: Upstream): void {
    this.phase = 'waiting'
    learnCollation(upstream, () => {
      if (this.phase === 'closed') return
      if (upstream.closed) this.lease.upstream = null
      else this.state.copy(upstream.state)
      this.answered()
    })
  }

  /** Has the books follow `pins`. */
  notePins(): void {
    if (this.pins !== this.bookedPins) this.host.observer.pinned(this)
  }

  /** The listener has another backend: what can be moved goes there with its next command. */
  onBackendChanged(): void {
    this.identity = { ...this.identity, generation: this.backend.generation }
    if (this.phase !== 'ready' || !this.isMovable) return
    // What it is kept for is saved first, and then it goes.
    if (!this.lease.yieldConnection()) this.answered()
  }

  /** The command at hand cannot be served; it did not run. */
  refuse(error: ProxyError | ServerError): void {
    const isOurs = error instanceof ProxyError
    if (isOurs) this.lease.recycle()
    const whenRefused = this.#whenRefused
    if (isOurs && whenRefused) {
      this.#whenRefused = null
      return whenRefused(error)
    }
    this.host.observer.failed(this, error)
    this.fail(isOurs ? errorOf(error) : error)
    if (isOurs && !this.isMovable) return this.close()
    if (!this.request.partial) return this.answered()
    this.phase = 'discarding'
    this.goOn()
  }

  /** The connection has gone while it answered nothing. */
  onUpstreamClosed(error: ProxyError): void {
    if (this.phase === 'waiting') this.refuse(error)
    else if (!this.isMovable) this.#closeWith(error)
    else this.pins &= ~Pin.DIAGNOSTICS
  }

  /** What the server has said, nobody having asked, is for the client that the connection was tied to. */
  #closeWith(error: ProxyError): void {
    if (this.phase === 'ready' && error instanceof ServerRefusal) this.fail(errorOf(error), undefined, 0)
    this.close()
  }

  // --- Answers of our own ------------------------------------------------------------------------------------------

  ok(fields: Partial<OkFields> = {}): void {
    this.answer(encodeOk(1, { status: this.status, ...fields }))
  }

  fail(error: ServerError, message: string = error.message, sequence = 1): void {
    this.#outcome = Outcome.ERROR
    this.answer(encodeErr(sequence, error, message))
  }

  /** The answer to the command at hand, of our own. */
  answerHere(bytes: Buffer, outcome: number = Outcome.OK): void {
    this.host.observer.answeredHere(this, outcome)
    this.answer(bytes)
  }

  /** Whole packets of our own. */
  answer(bytes: Buffer): void {
    this.host.sent(bytes.length)
    this.downstream.write(bytes, true)
  }

  // --- Its end -----------------------------------------------------------------------------------------------------

  /** Nothing is left of what the client has done, but its database. */
  forget(): void {
    this.lease.recycle()
    this.identity = { ...this.identity, generation: this.backend.generation }
    this.state.reset()
    this.statements.clear()
    this.insertId.reset()
    this.lastWrite.reset()
    this.diagnostics.reset()
    this.pins = this.host.options.pooling === 'session' ? Pin.SESSION_MODE : 0
    this.notePins()
    this.status = SERVER_STATUS_AUTOCOMMIT
  }

  /** Finishes the command at hand and the transaction, then closes. */
  drain(): void {
    this.#draining = true
    if (this.phase === 'ready' && this.#mayEnd) this.close()
  }

  /** The client has been silent for too long: MySQL says so, MariaDB does not. */
  expire(): void {
    if (!isMariaDb(this.backend.greeting)) this.fail(ServerErrors.idleTimeout, undefined, 0)
    this.close()
  }

  /** Another client, or an operator, wants this one gone. */
  killed(): void {
    if (this.phase === 'ready') this.fail(ServerErrors.connectionKilled, undefined, 0)
    this.close()
  }

  /**
   * The client has gone: what it runs is ended. Its FIN may also mean that it only sends no more, but clients of MySQL
   * close both ways at once, and a statement that nobody waits for must not run on.
   */
  onEnd(): void {
    if (this.phase === 'ready') this.close()
    else this.destroy()
  }

  /** What was answered still reaches the client. */
  close(): void {
    this.#leave()
    this.downstream.close()
  }

  destroy(): void {
    this.#leave()
    this.downstream.destroy()
  }

  #leave(): void {
    if (this.phase === 'closed') return
    const wasReady = this.phase === 'ready'
    this.phase = 'closed'
    if (wasReady) this.lease.recycle()
    else this.lease.abandon()
    this.lease.leave()
    this.host.onClosed(this)
  }
}

/** A bound for what goes wrong again and again; each time needs a connection that could be opened. */
const MAX_REPEATS = 10
const EMPTY = Buffer.alloc(0)
