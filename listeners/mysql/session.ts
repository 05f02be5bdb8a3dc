/**
 * One client that has logged in: its phase, the order of its commands, and the connection to the backend that serves it
 * now. A command is read, looked at and passed on as it is; what comes back streams through. At its end the connection
 * returns to the pool unless something ties it to this client (pin.ts).
 */
import type { Socket } from 'node:net'
import { ProtocolError } from '../../codecs/codec.ts'
import {
  CLIENT_QUERY_ATTRIBUTES,
  COM_QUERY,
  commandFacts,
  encodeErr,
  encodeOk,
  encodePacket,
  type Integer64,
  type OkFields,
  PACKET_HEADER_BYTES,
  type ResponseTracker,
  SERVER_STATUS_AUTOCOMMIT,
  type ServerError,
  ServerErrors,
  StatementFlag,
  StatementKind,
  StatementScanner,
} from '../../codecs/mysql/index.ts'
import {
  type Holder,
  type Identity,
  type InsertUser,
  type MysqlBackend,
  type Recipient,
  SessionState,
  type Upstream,
} from '../../src/backends/mysql/index.ts'
import { ProxyError } from '../../src/errors.ts'
import { type Intake, type IntakeSink, Pump } from '../../src/net/index.ts'
import { Outcome } from '../../src/observability/operation-stats.ts'
import { ClientInput } from './client-input.ts'
import { ClientStatements } from './client-statements.ts'
import { Handled, type Request } from './command-handler.ts'
import { HANDLERS } from './commands/index.ts'
import { errorOf } from './errors.ts'
import { Pin } from './pin.ts'
import type { OpenPin } from './pin-log.ts'
import { NOTHING, pinsAfter, type StatementFacts } from './pinning.ts'
import { databaseForbidden } from './rights.ts'
import type { SessionHost } from './session-host.ts'
import type { User } from './users.ts'

/**
 * ready      reads commands
 * waiting    for a connection, for one to be made right for this client, or for a statement to be prepared on it
 * uploading  passes on the rest of a large command
 * busy       waits for the end of the response
 * infile     passes on the file of a LOAD DATA LOCAL
 * proving    is asked who the client is now (COM_CHANGE_USER)
 */
export type Phase = 'ready' | 'waiting' | 'uploading' | 'busy' | 'infile' | 'proving' | 'closed'

/** Who the client is, and how it has proved that. */
export interface Who {
  readonly identity: Identity
  readonly user: User | null
  /** What it was challenged with: COM_CHANGE_USER answers it again. */
  readonly scramble: Buffer
}

/** How a request that is not simply the client's is sent, and what is done with the response. */
export interface SendOptions {
  /** Of COM_STMT_PREPARE: what the client knows the statement as. */
  readonly statementId?: number
  /** The response is kept for `done`, up to a bound. */
  readonly record?: boolean
  /** The response is not for the client. */
  readonly silent?: boolean
  done(tracker: ResponseTracker, response: Buffer | null): void
}

/** Commands read ahead of the one that is being answered. */
const MAX_AHEAD_BYTES = 256 * 1024
const MAX_RECORD_BYTES = 64 * 1024

export class Session implements Recipient, IntakeSink, InsertUser, Holder {
  readonly id: number
  readonly host: SessionHost
  readonly socket: Socket
  readonly state = new SessionState()
  readonly statements = new ClientStatements()
  readonly connectedAt: number
  identity: Identity
  user: User | null
  readonly scramble: Buffer
  phase: Phase = 'ready'
  /** The connection that serves this client now. */
  upstream: Upstream | null = null
  /** Bits of Pin. */
  pins = 0
  bookedPins = 0
  readonly openPins: OpenPin[] = []
  /** FOUND_ROWS() and ROW_COUNT() of the last statement. */
  lastRows = 0
  lastAffected: Integer64 = -1
  /** Server status flags, as the client saw them last. */
  status = SERVER_STATUS_AUTOCOMMIT
  activeAt: number
  /** Of the command at hand, for metrics and log. */
  readonly request: Request = { command: 0, packet: EMPTY, partial: false }
  facts: StatementFacts = NOTHING
  responseBytes = 0
  startedAt = 0
  readonly #intake: Intake | undefined
  readonly #pump: Pump
  readonly #input: ClientInput
  #paused = false
  #reading = false
  #draining = false
  #last: Upstream | null = null
  #cancelWait: (() => void) | null = null
  #whenAttached: ((upstream: Upstream) => void) | null = null
  #whenRefused: ((error: ProxyError) => void) | null = null
  #onProof: (payload: Buffer) => void = () => {}
  /** LAST_INSERT_ID(), as it was on a connection that serves others now, and what inserts since then have told. */
  #insertId = '0'
  #toldInsertId: string | null = null
  #insertUpstream: Upstream | null = null
  /** Of a command that is answered here. */
  #outcome: number = Outcome.OK
  /** Bytes of the response have gone to the client. */
  #begun = false
  #options: SendOptions | null = null
  #recorded: Buffer[] = []
  #recordedBytes = 0
  #pieces: StatementScanner | null = null
  #takenBytes = -1
  #takenAt = 0
  /** The answer to SHOW WARNINGS, saved when the connection was given up; null when the server is to be asked. */
  #savedWarnings: Buffer | null = null

  constructor(host: SessionHost, socket: Socket, intake: Intake | undefined, who: Who, id: number) {
    this.host = host
    this.id = id
    this.identity = who.identity
    this.user = who.user
    this.scramble = who.scramble
    this.socket = socket
    this.#intake = intake
    this.#input = new ClientInput(host.options.maxPacket)
    this.#pump = new Pump({ target: socket, onDrained: () => this.upstream?.resume() })
    this.activeAt = this.connectedAt = host.clock.now()
    this.phase = 'waiting'
    if (host.options.pooling === 'session') this.pins = Pin.SESSION_MODE
  }

  get closed(): boolean {
    return this.phase === 'closed'
  }

  get backend(): MysqlBackend {
    return this.host.backend
  }

  /** Finds a connection in the client's database for the first time, so that a wrong one fails the login. */
  enter(done: () => void, failed?: (error: ProxyError) => void): void {
    this.#whenRefused =
      failed === undefined
        ? null
        : error => {
            this.phase = 'closed'
            failed(error)
          }
    const settle = () => {
      this.#whenRefused = null
      done()
    }
    if (this.attach(settle)) settle()
  }

  /** The login is over: commands may come. */
  begin(): void {
    const { socket } = this
    if (this.#intake) this.#intake.attach(this)
    else {
      socket.on('data', (chunk: Buffer) => {
        if (!this.push(chunk, true)) socket.pause()
      })
    }
    socket.resume()
    this.answered()
  }

  // --- From the client ---------------------------------------------------------------------------------------------

  push(bytes: Buffer, owned: boolean): boolean {
    if (this.phase === 'closed') return true
    this.activeAt = this.host.clock.now()
    this.host.received(bytes.length)
    this.#input.add(owned ? bytes : Buffer.from(bytes))
    this.#read()
    if (this.#input.waiting > MAX_AHEAD_BYTES) this.#paused = true
    return !this.#paused
  }

  /**
   * The client has gone: what it runs is ended. Its FIN may also mean that it only sends no more, but clients of MySQL
   * close both ways at once, and a statement that nobody waits for must not run on.
   */
  onEnd(): void {
    if (this.phase === 'ready') this.close()
    else this.destroy()
  }

  /** Looks at what was read for as long as the phase allows. */
  #read(): void {
    // A command answered at once leads here again.
    if (this.#reading) return
    this.#reading = true
    const input = this.#input
    try {
      while (READING.has(this.phase)) {
        if (this.phase === 'ready' && !input.inPieces) input.expect(0)
        if (!input.next()) break
        if (this.phase === 'ready') this.#onCommand(input.packet, input.partial)
        else if (this.phase === 'proving') this.#onProof(input.packet.subarray(PACKET_HEADER_BYTES))
        else this.#onPiece(input.packet, input.partial)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#onProtocolError(error)
    } finally {
      this.#reading = false
    }
  }

  #onProtocolError(error: ProtocolError): void {
    this.host.protocolError(error.kind)
    this.fail(PROTOCOL_ERRORS[error.kind] ?? ServerErrors.malformedPacket)
    this.close()
  }

  #onCommand(packet: Buffer, partial: boolean): void {
    const { request } = this
    request.command = packet.length > PACKET_HEADER_BYTES ? packet[PACKET_HEADER_BYTES]! : 0xff
    request.packet = packet
    request.partial = partial
    this.facts = NOTHING
    this.responseBytes = 0
    this.#outcome = Outcome.OK
    this.startedAt = this.host.clock.now()
    const handler = HANDLERS[request.command]
    const handled = handler ? handler(this, request) : this.#refuseUnknown()
    if (handled === Handled.FORWARD) this.#forward()
    else if (handled === Handled.DONE) {
      this.host.observer.answeredHere(this, this.#outcome)
      // The rest of what was answered already would be taken for commands.
      if (partial) this.close()
    }
  }

  #refuseUnknown(): Handled {
    this.fail(ServerErrors.unknownCommand)
    return Handled.DONE
  }

  /** What the statement at hand is about. */
  note(facts: StatementFacts): void {
    this.facts = facts
  }

  /** The statement comes in pieces: it is looked at as it passes. */
  scanPieces(packet: Buffer, start: number): void {
    this.#pieces = new StatementScanner()
    this.#pieces.begin(this.host.scanMode(this))
    this.#pieces.write(packet, start, packet.length)
  }

  /** Asks the client a question of the login; its answer is the promise's, which waits for ever when the client leaves. */
  prove(question: Buffer): Promise<Buffer> {
    this.answer(question)
    this.phase = 'proving'
    this.#input.expect((question[3]! + 1) & 0xff)
    return new Promise(resolve => {
      this.#onProof = payload => {
        this.phase = 'waiting'
        resolve(payload)
      }
      this.#goOn()
    })
  }

  // --- To the backend ----------------------------------------------------------------------------------------------

  #forward(): void {
    const { packet } = this.request
    if (this.attach(upstream => this.pass(upstream, packet))) this.pass(this.upstream!, packet)
  }

  /** Sends the command at hand; its response is the client's. */
  pass(upstream: Upstream, packet: Buffer): void {
    const { command, partial } = this.request
    const isAnswered = commandFacts(command).response !== 'none'
    this.#begun = false
    if (isAnswered) upstream.expect(command, this)
    else this.host.observer.answeredHere(this, Outcome.OK)
    this.phase = partial ? 'uploading' : isAnswered ? 'busy' : 'ready'
    if (!upstream.write(packet, true) && partial) this.#pauseFor(upstream)
    if (this.phase !== 'busy') this.#goOn()
  }

  /** Sends a request whose response is looked at by the one who asks. */
  send(upstream: Upstream, command: number, packet: Buffer, options: SendOptions): void {
    this.#options = options
    this.#begun = false
    this.phase = 'busy'
    upstream.expect(command, this, options.statementId ?? 0)
    upstream.write(packet, true)
  }

  #onPiece(piece: Buffer, partial: boolean): void {
    const upstream = this.upstream!
    if (!upstream.write(piece, true)) this.#pauseFor(upstream)
    if (this.phase === 'infile') {
      // An empty packet ends the file.
      if (piece.length === PACKET_HEADER_BYTES) this.phase = 'busy'
      return
    }
    this.#pieces?.write(piece, 0, piece.length)
    if (!partial) this.phase = commandFacts(this.request.command).response === 'none' ? 'ready' : 'busy'
  }

  #pauseFor(upstream: Upstream): void {
    this.#paused = true
    this.socket.pause()
    upstream.onceDrained(() => this.#resumeInput())
  }

  /** True when there is a connection that is right for this client; else the callback gets it, or the client an error. */
  attach(then: (upstream: Upstream) => void): boolean {
    let { upstream } = this
    if (!upstream) {
      const { pool } = this.backend
      upstream = pool.take(this)
      if (!upstream) {
        this.phase = 'waiting'
        this.#whenAttached = then
        this.#cancelWait = pool.wait(this)
        return false
      }
      this.#hold(upstream)
    }
    this.#takeInsertId(upstream)
    if (upstream.state.key === this.state.key) return true
    this.phase = 'waiting'
    let isDone = false
    let isLater = false
    this.backend.align(upstream, this.state, error => {
      isDone = true
      if (this.phase !== 'waiting') return
      if (error) this.refuse(error)
      else if (isLater) then(upstream)
    })
    isLater = true
    return isDone && this.upstream === upstream
  }

  /** LAST_INSERT_ID() of the client before is saved, as far as the server has it; that of this one is restored if asked for. */
  #takeInsertId(upstream: Upstream): void {
    const before = upstream.insertUser
    if (before && before !== this) {
      const { insertId } = upstream
      upstream.query('SELECT LAST_INSERT_ID()', rows => {
        const now = rows[0]?.[0] ?? insertId
        // Unless it was set to this client's right behind.
        if (upstream.insertUser === null) upstream.insertId = now
        before.saveInsertId(now, insertId, upstream)
      })
      upstream.insertUser = null
    }
    const { kind, flags } = this.facts
    const mayRead = (flags & StatementFlag.LAST_INSERT_ID_READ) !== 0 || kind === StatementKind.CALL
    if (!mayRead || (upstream.insertUser === this && upstream === this.#insertUpstream)) return
    this.#insertId = this.#toldInsertId ?? this.#insertId
    this.#toldInsertId = null
    upstream.insertId = this.#insertId
    upstream.query(`SET last_insert_id=${upstream.insertId}`, () => {})
    upstream.insertUser = this
    this.#insertUpstream = upstream
  }

  saveInsertId(now: string, before: string, upstream: Upstream): void {
    // Late: the client has inserted elsewhere since.
    if (upstream !== this.#insertUpstream) return
    // What was inserted under a number of the client's own is told as inserted, but does not change the function's value.
    // Another client may by chance have had the same number before.
    if (now !== before || now === this.#toldInsertId) this.#insertId = now
    this.#toldInsertId = null
  }

  #hold(upstream: Upstream): void {
    this.upstream = upstream
    upstream.holder = this
  }

  /** Whether the connection that served this client last would do so again, and has served nobody else. */
  get hasLastConnection(): boolean {
    const upstream = this.upstream ?? this.#last
    return upstream !== null && upstream.lastUser === this && (upstream === this.upstream || upstream.idle)
  }

  // What the pool asks.

  get group(): string {
    return this.backend.groupOf(this.identity, this.state)
  }

  get key(): string {
    return this.state.key
  }

  get preferred(): Upstream | null {
    return this.#last
  }

  onUpstream(upstream: Upstream): void {
    this.#cancelWait = null
    this.#hold(upstream)
    const then = this.#whenAttached!
    this.#whenAttached = null
    if (this.attach(then)) then(upstream)
  }

  onNoUpstream(error: ProxyError): void {
    this.#cancelWait = null
    this.#whenAttached = null
    this.refuse(error)
  }

  /** The command at hand cannot be served; it did not run. */
  refuse(error: ProxyError | ServerError): void {
    const { upstream } = this
    const isOurs = error instanceof ProxyError
    if (isOurs && upstream) {
      this.upstream = null
      upstream.home.recycle(upstream)
    }
    if (isOurs && this.#whenRefused) return this.#whenRefused(error)
    this.host.observer.failed(this, error)
    this.fail(isOurs ? errorOf(error) : error)
    if (this.request.partial) return this.close()
    if (isOurs && !this.#isMovable) return this.close()
    this.answered()
  }

  // --- From the backend --------------------------------------------------------------------------------------------

  get stripTrackers(): boolean {
    return this.host.hidesTrackers(this)
  }

  get allowLocalInfile(): boolean {
    return this.host.allowsLocalInfile(this)
  }

  onResponse(bytes: Buffer, owned: boolean): boolean {
    const options = this.#options
    if (options?.record && this.#recordedBytes < MAX_RECORD_BYTES) {
      this.#recorded.push(Buffer.from(bytes))
      this.#recordedBytes += bytes.length
    }
    if (options?.silent) return true
    this.#begun = true
    this.responseBytes += bytes.length
    this.host.sent(bytes.length)
    return this.#pump.push(bytes, owned)
  }

  onResponseEnd(tracker: ResponseTracker): void {
    const upstream = this.upstream!
    const options = this.#options
    if (options) {
      this.#options = null
      const recorded =
        this.#recordedBytes > 0 && this.#recordedBytes < MAX_RECORD_BYTES ? Buffer.concat(this.#recorded) : null
      this.#recorded = []
      this.#recordedBytes = 0
      options.done(tracker, recorded)
      if (options.silent) return
    }
    if (this.#pieces) {
      this.#pieces.end()
      this.note(this.host.observer.facts(this.#pieces))
      this.#pieces = null
    }
    this.#savedWarnings = null
    if (!tracker.error) this.status = tracker.status
    const hasRows = tracker.columns > 0
    if (hasRows) this.lastRows = tracker.rows
    this.lastAffected = hasRows || tracker.error ? -1 : tracker.affectedRows
    upstream.lastUser = this
    this.state.copy(upstream.state)
    if (tracker.insertId !== 0 || (this.facts.flags & StatementFlag.LAST_INSERT_ID_WRITE) !== 0) {
      upstream.insertUser = this
      this.#insertUpstream = upstream
      this.#toldInsertId = String(tracker.insertId)
    }
    this.pins = pinsAfter(this.pins, this.request.command, this.facts, tracker, upstream)
    this.host.answered(this, tracker)
    const { schema } = this.state
    // However it was chosen: the commands that do so by name are refused before.
    if (schema !== null && databaseForbidden(this.user, schema)) return this.close()
    if (this.phase === 'uploading') {
      // The server has answered before it had all, and will close.
      upstream.destroy()
      this.upstream = null
      return this.close()
    }
    this.answered()
  }

  onLocalInfile(tracker: ResponseTracker): void {
    this.phase = 'infile'
    this.#input.expect((tracker.sequence + 1) & 0xff)
    this.#goOn()
  }

  /** The command at hand is over: the next one may come. */
  answered(): void {
    this.settle()
    this.phase = 'ready'
    if (this.#draining && this.#isMovable) return this.close()
    this.#goOn()
    if (this.pins === Pin.DIAGNOSTICS && this.backend.pool.waiting > 0) this.yieldConnection()
  }

  yieldConnection(): boolean {
    const { upstream } = this
    if (!upstream || this.phase !== 'ready' || this.pins !== Pin.DIAGNOSTICS || this.#input.waiting > 0) return false
    const hasAttributes = (upstream.facts.capabilities.low & CLIENT_QUERY_ATTRIBUTES) !== 0
    const payload = Buffer.concat([Buffer.from(hasAttributes ? [COM_QUERY, 0, 1] : [COM_QUERY]), SHOW_WARNINGS])
    this.send(upstream, COM_QUERY, encodePacket(0, payload), {
      record: true,
      silent: true,
      done: (_, response) => {
        this.#savedWarnings = response
        this.pins = 0
        this.answered()
      },
    })
    return true
  }

  /** Answers SHOW WARNINGS about a statement whose connection serves another client now. */
  showSavedWarnings(text: string): boolean {
    if (!this.#savedWarnings || !/^\s*show\s+warnings\s*;?\s*$/i.test(text)) return false
    this.answerHere(this.#savedWarnings)
    return true
  }

  /** Gives the connection back when nothing ties it to this client. */
  settle(): void {
    this.notePins()
    const { upstream } = this
    if (!upstream) return
    if (this.pins !== 0 && !(upstream.home !== this.backend && this.#isMovable)) return
    this.#last = upstream
    this.upstream = null
    upstream.home.release(upstream)
  }

  /** Has the books follow `pins`. */
  notePins(): void {
    if (this.pins !== this.bookedPins) this.host.observer.pinned(this)
  }

  /** Nothing is on the connection that could not be made again on another one. */
  get #isMovable(): boolean {
    return (this.pins & ~MOVABLE) === 0
  }

  /** The listener has another backend: what can be moved goes there with its next command. */
  onBackendChanged(): void {
    if (this.phase === 'ready' && this.#isMovable) this.settle()
  }

  onUpstreamClosed(error: ProxyError): void {
    this.upstream = null
    if (this.phase === 'waiting') this.refuse(error)
    else if (!this.#isMovable) this.close()
    else this.pins &= ~Pin.DIAGNOSTICS
  }

  onLost(error: ProxyError, tracker: ResponseTracker): void {
    const wasPinned = !this.#isMovable
    const { phase } = this
    this.upstream = null
    this.#options = null
    if (phase === 'closed') return
    this.host.observer.failed(this, error)
    // In the middle of a packet no further one can be sent.
    if (this.#begun && !tracker.betweenPackets) return this.destroy()
    const message = `${ServerErrors.serverLost.message}: ${error.message}`
    this.fail(ServerErrors.serverLost, message, this.#begun ? (tracker.sequence + 1) & 0xff : 1)
    if (wasPinned || phase === 'uploading' || phase === 'infile') this.close()
    else this.answered()
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
    this.#pump.push(bytes, true)
  }

  // --- Its end -----------------------------------------------------------------------------------------------------

  #goOn(): void {
    this.#read()
    if (this.#paused && this.#input.waiting <= MAX_AHEAD_BYTES) this.#resumeInput()
  }

  #resumeInput(): void {
    if (!this.#paused || this.phase === 'closed') return
    this.#paused = false
    this.#intake?.drained()
    this.socket.resume()
  }

  /** Nothing is left of what the client has done, but its database. */
  forget(): void {
    const { upstream } = this
    this.upstream = null
    if (upstream) upstream.home.recycle(upstream)
    this.state.reset()
    this.statements.clear()
    this.#insertId = '0'
    this.#toldInsertId = null
    this.#insertUpstream = null
    this.pins = this.host.options.pooling === 'session' ? Pin.SESSION_MODE : 0
    this.notePins()
    this.status = SERVER_STATUS_AUTOCOMMIT
  }

  /** Finishes the command at hand and the transaction, then closes. */
  drain(): void {
    this.#draining = true
    if (this.phase === 'ready' && this.#isMovable) this.close()
  }

  /** Whether bytes have waited for the client for so long without it taking any; to be asked now and then. */
  isStalled(now: number, ms: number): boolean {
    const { bytesWritten, writableLength } = this.socket
    const taken = bytesWritten - writableLength
    if (writableLength === 0 || taken !== this.#takenBytes) {
      this.#takenBytes = taken
      this.#takenAt = now
    }
    return now - this.#takenAt >= ms
  }

  /** The client has been silent for too long. */
  expire(): void {
    this.fail(ServerErrors.idleTimeout, undefined, 0)
    this.close()
  }

  /** Another client, or an operator, wants this one gone. */
  killed(): void {
    if (this.phase === 'ready') this.fail(ServerErrors.connectionKilled, undefined, 0)
    this.close()
  }

  /** What was answered still reaches the client. */
  close(): void {
    this.#leave()
    this.socket.end()
    this.socket.resume()
  }

  destroy(): void {
    this.#leave()
    this.socket.destroy()
  }

  #leave(): void {
    if (this.phase === 'closed') return
    const { phase, upstream } = this
    this.phase = 'closed'
    this.#cancelWait?.()
    this.upstream = null
    this.#input.clear()
    if (upstream) {
      if (phase === 'ready') upstream.home.recycle(upstream)
      else upstream.home.abandon(upstream)
    }
    this.host.onClosed(this)
  }
}

const PROTOCOL_ERRORS: Readonly<Record<string, ServerError>> = {
  'packet-too-large': ServerErrors.packetTooLarge,
  'packet-sequence': ServerErrors.packetsOutOfOrder,
}

/** What another connection serves as well. */
const MOVABLE = Pin.SESSION_MODE | Pin.DIAGNOSTICS
const SHOW_WARNINGS = Buffer.from('SHOW WARNINGS')
const READING: ReadonlySet<Phase> = new Set(['ready', 'uploading', 'infile', 'proving'])
const EMPTY = Buffer.alloc(0)
