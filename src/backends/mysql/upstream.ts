/**
 * One connection to a server, logged in. Requests are answered in order; each names who gets its response, so that
 * statements of ours (own-statements.ts) may go in front of a client's. Session state is followed here, as the server
 * reports it.
 */
import {
  CLIENT_COMPRESS,
  CLIENT_MULTI_STATEMENTS,
  CLIENT_QUERY_ATTRIBUTES,
  CLIENT_ZSTD_COMPRESSION_ALGORITHM,
  COM_QUIT,
  decodeErr,
  ERR_HEADER,
  encodePacket,
  PACKET_HEADER_BYTES,
  ResponseTracker,
  SERVER_STATUS_AUTOCOMMIT,
} from '../../../codecs/mysql/index.ts'
import { ProxyError } from '../../errors.ts'
import { type ByteStream, type Intake, type IntakeSink, Pump, sharedWatch } from '../../net/index.ts'
import type { IdleList } from './idle-list.ts'
import { ServerRefusal } from './server-refusal.ts'
import { ServerStatements } from './server-statements.ts'
import { SessionState } from './session-state.ts'
import { TrackedSession } from './tracked-session.ts'
import type { Holder, Home, InsertUser, Recipient, UpstreamFacts } from './upstream-parties.ts'

interface Expected {
  readonly command: number
  readonly recipient: Recipient
  /** What the client knows a statement as that is being prepared; 0 for none. */
  readonly statementId: number
}

export class Upstream implements IntakeSink {
  readonly state = new SessionState()
  readonly statements: ServerStatements
  readonly session: TrackedSession
  readonly facts: UpstreamFacts
  readonly home: Home
  /** Clients send query attributes that the server does not understand. */
  readonly stripsAttributes: boolean
  /** In the pool, not in use. */
  idle = false
  idleSince = 0
  idleIn: IdleList | null = null
  newerIdle: Upstream | null = null
  olderIdle: Upstream | null = null
  /** Clients that had it last: they would like to have it again. */
  regulars = 0
  holder: Holder | null = null
  /** Orders to end what it runs that may still arrive: it is not lent to anybody meanwhile. */
  kills = 0
  /** One may have come too late: the reset is to meet it, not a statement of another client. */
  suspect = false
  /** Who was served last, with nothing of ours behind: compared, never used. */
  lastUser: object | null = null
  /** Whose rows FOUND_ROWS() is about: likewise. */
  rowsUser: object | null = null
  /** Takes several statements in one text. */
  multiStatements: boolean
  /** Whose LAST_INSERT_ID() the server has. */
  insertUser: InsertUser | null = null
  /** LAST_INSERT_ID() as it was when that one came. */
  insertId = '0'
  /** Made once: the pool asks after every statement. */
  readonly #groups: { readonly bare: string; readonly inSchema: string }
  readonly #stream: ByteStream
  readonly #intake: Intake | undefined
  readonly #pump: Pump
  readonly #tracker: ResponseTracker
  /** Who gets the response at hand; null when nothing is being answered. */
  #recipient: Recipient | null = null
  /** The responses behind it. */
  readonly #expected: Expected[] = []
  /** Sequence ids are not those of packets then. */
  readonly #compresses: boolean
  #closed = false
  #onDrained: (() => void) | null = null

  constructor(stream: ByteStream, intake: Intake | undefined, facts: UpstreamFacts, home: Home) {
    this.facts = facts
    this.#groups = { bare: `${facts.group}-`, inSchema: `${facts.group}+` }
    this.home = home
    this.#stream = stream
    this.#intake = intake
    this.statements = new ServerStatements(facts.maxStatements)
    this.state.schema = facts.schema
    this.stripsAttributes = (facts.clientCapabilities.low & ~facts.capabilities.low & CLIENT_QUERY_ATTRIBUTES) !== 0
    this.#compresses = (facts.capabilities.low & (CLIENT_COMPRESS | CLIENT_ZSTD_COMPRESSION_ALGORITHM)) !== 0
    this.multiStatements = (facts.capabilities.low & CLIENT_MULTI_STATEMENTS) !== 0
    this.session = new TrackedSession(this.state, facts.baseline)
    this.#tracker = new ResponseTracker(facts.capabilities, this.session, facts.clientCapabilities)
    // As after every login; an error tells no status.
    this.#tracker.status = SERVER_STATUS_AUTOCOMMIT
    this.#pump = new Pump({ target: stream, onDrained: () => this.#drained() })
    stream.on('error', cause => this.#lost(cause))
    // Known a turn of the event loop before 'close'.
    stream.on('end', () => this.#lost(undefined))
    stream.on('close', () => this.#lost(undefined))
    if (intake) intake.attach(this)
    else {
      stream.on('data', (chunk: Buffer) => {
        if (!this.push(chunk, true)) stream.pause()
      })
    }
    stream.resume()
  }

  /** Connections of one group are alike; one with a schema cannot be made one without. */
  get group(): string {
    return this.state.schema === null ? this.#groups.bare : this.#groups.inSchema
  }

  isExpired(now: number): boolean {
    return this.#closed || now > this.facts.expiresAt
  }

  get closed(): boolean {
    return this.#closed
  }

  /** The server tells of changes of the session: else its state is not known. */
  get tracks(): boolean {
    return this.facts.setup !== ''
  }

  /** Nothing is being answered. */
  get quiet(): boolean {
    return this.#recipient === null
  }

  /** The response to the request that is sent next. */
  expect(command: number, recipient: Recipient, statementId = 0): void {
    if (this.#recipient !== null) this.#expected.push({ command, recipient, statementId })
    else {
      sharedWatch.begin()
      this.#begin(command, recipient, statementId)
    }
  }

  /** Passes on bytes of a request. False: the server does not keep up; wait for onceDrained(), memory not owned too. */
  write(bytes: Buffer, owned: boolean): boolean {
    return this.#pump.push(bytes, owned)
  }

  onceDrained(callback: () => void): void {
    if (this.#pump.full) this.#onDrained = callback
    else callback()
  }

  /** Goes on reading after a recipient has said false. */
  resume(): void {
    if (this.#closed) return
    this.#intake?.drained()
    this.#stream.resume()
  }

  pause(): void {
    this.#stream.pause()
  }

  /** The server has made the connection a fresh one. */
  forget(): void {
    this.state.reset()
    this.session.reset()
    this.statements.clear()
    this.lastUser = null
    this.rowsUser = null
    this.suspect = false
    this.insertUser = null
    this.insertId = '0'
  }

  // --- What the server sends -------------------------------------------------------------------------------------

  push(bytes: Buffer, owned: boolean): boolean {
    const tracker = this.#tracker
    let goOn = true
    // A client that does not keep up has its whole response: the connection may serve others.
    let isLeft = false
    let start = 0
    while (start < bytes.length) {
      const recipient = this.#recipient
      if (recipient === null) {
        // Such as "disconnected because of inactivity": nobody asked.
        this.destroy(goodbye(bytes, start))
        return goOn && !isLeft
      }
      if (tracker.untouched && !this.#compresses && isGoodbye(bytes, start)) {
        this.destroy(goodbye(bytes, start))
        return goOn && !isLeft
      }
      let end: number
      try {
        end = tracker.write(bytes, start, bytes.length)
      } catch (error) {
        this.destroy(
          new ProxyError(
            'upstream-protocol',
            `the backend does not answer as MySQL does: ${(error as Error).message}`,
            { source: 'upstream', cause: error },
          ),
        )
        return goOn && !isLeft
      }
      const { passEnd, insert } = tracker
      if (passEnd > start) {
        const whole = start === 0 && passEnd === bytes.length
        if (!recipient.onResponse(whole ? bytes : bytes.subarray(start, passEnd), owned)) goOn = false
      }
      if (insert !== null && insert.length > 0 && !recipient.onResponse(insert, true)) goOn = false
      if (this.#closed) return goOn && !isLeft
      start = end
      if (tracker.ended) {
        isLeft ||= !goOn
        goOn = true
        this.#end(recipient)
      } else if (tracker.awaiting === 'infile') this.#infile(recipient)
      else if (tracker.awaiting === 'auth') recipient.onAuthQuestion?.(tracker)
    }
    if (!isLeft) return goOn
    this.#intake?.leave()
    if (!goOn) this.#stream.pause()
    return true
  }

  #begin(command: number, recipient: Recipient, statementId: number): void {
    const tracker = this.#tracker
    this.#recipient = recipient
    this.session.begin()
    tracker.stripTrackers = recipient.stripTrackers
    tracker.showAllTrackers = recipient.showAllTrackers
    tracker.allowLocalInfile = recipient.allowLocalInfile
    tracker.begin(command, statementId)
  }

  #end(recipient: Recipient): void {
    const next = this.#expected.length > 0 ? this.#expected.shift() : undefined
    this.#recipient = next?.recipient ?? null
    if (!next) sharedWatch.end()
    recipient.onResponseEnd(this.#tracker)
    if (next && !this.#closed) this.#begin(next.command, next.recipient, next.statementId)
  }

  #infile(recipient: Recipient): void {
    if (recipient.allowLocalInfile) recipient.onLocalInfile(this.#tracker)
    else {
      // Nobody asked for it: the server gets an empty file.
      this.write(encodePacket((this.#tracker.sequence + 1) & 0xff, EMPTY), true)
    }
  }

  /** Closes at once; with a goodbye, if nothing is wrong with it. Responses that are not complete are lost. */
  destroy(error?: ProxyError): void {
    if (this.#closed) return
    // Servers count and log connections that end without.
    if (!error && this.quiet) this.write(encodePacket(0, Buffer.from([COM_QUIT])), true)
    this.#closed = true
    this.#stream.destroy()
    this.#intake?.close()
    const lost =
      error ?? new ProxyError('upstream-lost', 'the connection to the backend was closed', { source: 'upstream' })
    const recipient = this.#recipient
    const expected = this.#expected.splice(0)
    this.#recipient = null
    this.home.onClosed(this, error !== undefined)
    const { holder } = this
    this.holder = null
    if (recipient === null) return holder?.onUpstreamClosed(lost)
    sharedWatch.end()
    for (const each of [recipient, ...expected.map(({ recipient }) => recipient)]) each.onLost(lost, this.#tracker)
  }

  #lost(cause: NodeJS.ErrnoException | undefined): void {
    // What could not be written did not arrive as a whole, and so was not executed.
    const retryable = cause?.syscall === 'write'
    this.destroy(
      new ProxyError('upstream-lost', 'the connection to the backend was lost', {
        source: 'upstream',
        retryable,
        cause,
      }),
    )
  }

  #drained(): void {
    const callback = this.#onDrained
    this.#onDrained = null
    callback?.()
  }
}

const EMPTY = Buffer.alloc(0)
/** Of an error: the header and its number. */
const MIN_ERROR_BYTES = 3

/** An error with the sequence id 0 answers nothing: the server said it before it had read the request. */
function isGoodbye(bytes: Buffer, start: number): boolean {
  return bytes[start + 3] === 0 && bytes[start + PACKET_HEADER_BYTES] === ERR_HEADER
}

/** What the server has said last, as an error: in its own words if they are there. */
function goodbye(bytes: Buffer, start: number): ProxyError {
  const payload = start + PACKET_HEADER_BYTES
  const end = payload + (bytes.length >= payload ? bytes.readUIntLE(start, 3) : 0)
  if (bytes[payload] !== ERR_HEADER || end - payload < MIN_ERROR_BYTES || end > bytes.length)
    return new ProxyError('upstream-lost', 'the server was going', { source: 'upstream', retryable: true })
  const { code, sqlState, message } = decodeErr(bytes, payload, end)
  return new ServerRefusal(code, sqlState, message)
}
