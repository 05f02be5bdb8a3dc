/**
 * One connection to a server, logged in. Requests are answered in order; each names who gets its response, so that
 * statements of ours may go in front of a client's. Session state is followed here, as the server reports it.
 */
import type { Socket } from 'node:net'
import {
  type Capabilities,
  CLIENT_QUERY_ATTRIBUTES,
  COM_INIT_DB,
  COM_QUERY,
  COM_QUIT,
  COM_RESET_CONNECTION,
  decodeTextResults,
  encodePacket,
  ResponseTracker,
  SERVER_STATUS_AUTOCOMMIT,
} from '../../../codecs/mysql/index.ts'
import { ProxyError } from '../../errors.ts'
import { type Endpoint, type Intake, type IntakeSink, Pump } from '../../net/index.ts'
import { ServerStatements } from './server-statements.ts'
import { type Baseline, SessionState } from './session-state.ts'
import { TrackedSession } from './tracked-session.ts'

export type Rows = readonly (readonly (string | null)[])[]

/** Who gets a response. */
export interface Recipient {
  /** Takes OK packets without session trackers: the client has no CLIENT_SESSION_TRACK. */
  readonly stripTrackers: boolean
  /** Has asked for a file of the client's to be loaded. */
  readonly allowLocalInfile: boolean
  /**
   * Takes bytes of it, as they came. Memory that is not owned may be reused at once when the answer is true, and only after
   * resume() when it is false. False also means: read no more until then.
   */
  onResponse(bytes: Buffer, owned: boolean): boolean
  /** It is complete; what it was can be read from the tracker until this returns. */
  onResponseEnd(tracker: ResponseTracker): void
  /** The server asks for the file that the statement named. */
  onLocalInfile(tracker: ResponseTracker): void
  /** The connection has gone before the end. */
  onLost(error: ProxyError, tracker: ResponseTracker): void
}

interface Expected {
  readonly command: number
  readonly recipient: Recipient
  /** What the client knows a statement as that is being prepared; 0 for none. */
  readonly statementId: number
}

export interface UpstreamFacts {
  readonly group: string
  readonly endpoint: Endpoint
  readonly account: Account
  /** The server's own number for the connection. */
  readonly threadId: number
  readonly capabilities: Capabilities
  readonly baseline: Baseline
  /** What makes session tracking work, and character sets as after the login; sent behind each reset. Empty: none. */
  readonly setup: string
  /** Milliseconds on the clock's scale. */
  readonly expiresAt: number
  readonly maxStatements: number
  readonly schema: string | null
  /** Counts as one of the pool's. */
  readonly pooled: boolean
}

export interface Account {
  readonly username: string
  readonly password: string
}

/** Whose LAST_INSERT_ID() a server has. */
export interface InsertUser {
  /** Another client takes over: the value now, and what it was when this one came. */
  saveInsertId(now: string, before: string, upstream: Upstream): void
}

/** The backend that a connection belongs to: it returns there, whichever backend its client uses next. */
export interface Home {
  readonly now: () => number
  /** Takes back a connection that can serve anyone. */
  release(upstream: Upstream): void
  /** Takes back a connection in whatever state a client has left it. */
  recycle(upstream: Upstream): void
  /** Its client has gone in the middle of a response: what runs is ended. */
  abandon(upstream: Upstream): void
  kill(facts: UpstreamFacts, how: { readonly queryOnly: boolean }): Promise<void>
  onClosed(upstream: Upstream): void
}

/** Whom a connection is lent to. */
export interface Holder {
  /** Somebody waits: gives the connection back if it is only kept for what can be saved. True if it will come back soon. */
  yieldConnection(): boolean
  /** The connection has gone while it was not answering anything. */
  onUpstreamClosed(error: ProxyError): void
}

export class Upstream implements IntakeSink {
  readonly state = new SessionState()
  readonly statements: ServerStatements
  readonly session: TrackedSession
  readonly facts: UpstreamFacts
  readonly home: Home
  /** In the pool, not in use. */
  idle = false
  idleSince = 0
  holder: Holder | null = null
  /** Who was served last: compared, never used. */
  lastUser: object | null = null
  /** Whose LAST_INSERT_ID() the server has. */
  insertUser: InsertUser | null = null
  /** LAST_INSERT_ID() as it was when that one came. */
  insertId = '0'
  readonly #socket: Socket
  readonly #intake: Intake | undefined
  readonly #pump: Pump
  readonly #tracker: ResponseTracker
  readonly #expected: Expected[] = []
  #closed = false
  #onDrained: (() => void) | null = null

  constructor(socket: Socket, intake: Intake | undefined, facts: UpstreamFacts, home: Home) {
    this.facts = facts
    this.home = home
    this.#socket = socket
    this.#intake = intake
    this.statements = new ServerStatements(facts.maxStatements)
    this.state.schema = facts.schema
    this.session = new TrackedSession(this.state, facts.baseline)
    this.#tracker = new ResponseTracker(facts.capabilities, this.session)
    // As after every login; an error tells no status.
    this.#tracker.status = SERVER_STATUS_AUTOCOMMIT
    this.#pump = new Pump({ target: socket, onDrained: () => this.#drained() })
    socket.on('error', cause => this.#lost(cause))
    socket.on('close', () => this.#lost(undefined))
    if (intake) intake.attach(this)
    else {
      socket.on('data', (chunk: Buffer) => {
        if (!this.push(chunk, true)) socket.pause()
      })
    }
    socket.resume()
  }

  /** Connections of one group are alike; one with a schema cannot be made one without. */
  get group(): string {
    return `${this.facts.group}${this.state.schema === null ? '-' : '+'}`
  }

  get expired(): boolean {
    return this.#closed || this.home.now() > this.facts.expiresAt
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
    return this.#expected.length === 0
  }

  /** The response to the request that is sent next. */
  expect(command: number, recipient: Recipient, statementId = 0): void {
    this.#expected.push({ command, recipient, statementId })
    if (this.#expected.length === 1) this.#begin(this.#expected[0]!)
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
    this.#socket.resume()
  }

  pause(): void {
    this.#socket.pause()
  }

  // --- Statements of our own -------------------------------------------------------------------------------------

  /** Runs a statement whose result is of no interest; calls back with the server's words if it refuses. */
  run(command: number, argument: string, done: (error: ProxyError | null) => void): void {
    const payload = Buffer.concat([this.#prefix(command), Buffer.from(argument)])
    this.expect(command, new Swallow(done))
    this.write(encodePacket(0, payload), true)
  }

  /** Runs a statement of which the rows are wanted: none when it fails. */
  query(sql: string, done: (rows: Rows) => void): void {
    this.expect(COM_QUERY, new Collect(this.facts.capabilities, done))
    this.write(encodePacket(0, Buffer.concat([this.#prefix(COM_QUERY), Buffer.from(sql)])), true)
  }

  /** Chooses a database. */
  useSchema(schema: string, done: (error: ProxyError | null) => void): void {
    this.run(COM_INIT_DB, schema, error => {
      if (!error) this.state.schema = schema
      done(error)
    })
  }

  /** Makes the connection a fresh one again, for anybody. */
  reset(done: (error: ProxyError | null) => void): void {
    this.run(COM_RESET_CONNECTION, '', () => {})
    this.run(COM_QUERY, this.facts.setup, error => {
      this.state.reset()
      this.session.reset()
      this.statements.clear()
      this.lastUser = null
      this.insertUser = null
      this.insertId = '0'
      done(error)
    })
  }

  #prefix(command: number): Buffer {
    // No query attributes, one set of them.
    const attributes = command === COM_QUERY && (this.facts.capabilities.low & CLIENT_QUERY_ATTRIBUTES) !== 0
    return Buffer.from(attributes ? [command, 0, 1] : [command])
  }

  // --- What the server sends -------------------------------------------------------------------------------------

  push(bytes: Buffer, owned: boolean): boolean {
    const tracker = this.#tracker
    let goOn = true
    let start = 0
    while (start < bytes.length) {
      const expected = this.#expected[0]
      if (!expected) {
        // Such as "disconnected because of inactivity": nobody asked.
        this.destroy()
        return true
      }
      const { recipient } = expected
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
        return true
      }
      const { passEnd, insert } = tracker
      if (passEnd > start) {
        const whole = start === 0 && passEnd === bytes.length
        if (!recipient.onResponse(whole ? bytes : bytes.subarray(start, passEnd), owned)) goOn = false
      }
      if (insert !== null && insert.length > 0 && !recipient.onResponse(insert, true)) goOn = false
      if (this.#closed) return true
      start = end
      if (tracker.ended) this.#end(recipient)
      else if (tracker.awaiting === 'infile') this.#infile(recipient)
    }
    return goOn
  }

  #begin({ command, recipient, statementId }: Expected): void {
    const tracker = this.#tracker
    this.session.begin()
    tracker.stripTrackers = recipient.stripTrackers
    tracker.allowLocalInfile = recipient.allowLocalInfile
    tracker.begin(command, statementId)
  }

  #end(recipient: Recipient): void {
    this.#expected.shift()
    const next = this.#expected[0]
    recipient.onResponseEnd(this.#tracker)
    if (next && !this.#closed) this.#begin(next)
  }

  #infile(recipient: Recipient): void {
    if (recipient.allowLocalInfile) recipient.onLocalInfile(this.#tracker)
    else {
      // Nobody asked for it: the server gets an empty file.
      this.write(encodePacket((this.#tracker.sequence + 1) & 0xff, EMPTY), true)
    }
  }

  /** Says goodbye, and closes. */
  quit(): void {
    this.write(encodePacket(0, Buffer.from([COM_QUIT])), true)
    this.destroy()
  }

  /** Closes at once. Responses that are not complete are lost. */
  destroy(error?: ProxyError): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket.destroy()
    this.#intake?.close()
    const lost =
      error ?? new ProxyError('upstream-lost', 'the connection to the backend was closed', { source: 'upstream' })
    const expected = this.#expected.splice(0)
    this.home.onClosed(this)
    const { holder } = this
    this.holder = null
    for (const { recipient } of expected) recipient.onLost(lost, this.#tracker)
    if (expected.length === 0) holder?.onUpstreamClosed(lost)
  }

  #lost(cause: Error | undefined): void {
    this.destroy(
      new ProxyError('upstream-lost', 'the connection to the backend was lost', { source: 'upstream', cause }),
    )
  }

  #drained(): void {
    const callback = this.#onDrained
    this.#onDrained = null
    callback?.()
  }
}

const EMPTY = Buffer.alloc(0)

/** Takes no interest in a response but whether it is an error. */
class Swallow implements Recipient {
  readonly stripTrackers = false
  readonly allowLocalInfile = false
  readonly #done: (error: ProxyError | null) => void

  constructor(done: (error: ProxyError | null) => void) {
    this.#done = done
  }

  onResponse(): boolean {
    return true
  }

  onResponseEnd(tracker: ResponseTracker): void {
    const { error } = tracker
    this.#done(error ? new ProxyError('upstream-refused-state', error.message, { source: 'upstream' }) : null)
  }

  onLocalInfile(): void {}

  onLost(error: ProxyError): void {
    this.#done(error)
  }
}

/** Keeps a small response whole. */
class Collect implements Recipient {
  readonly stripTrackers = false
  readonly allowLocalInfile = false
  readonly #capabilities: Capabilities
  readonly #done: (rows: Rows) => void
  readonly #chunks: Buffer[] = []

  constructor(capabilities: Capabilities, done: (rows: Rows) => void) {
    this.#capabilities = capabilities
    this.#done = done
  }

  onResponse(bytes: Buffer): boolean {
    this.#chunks.push(Buffer.from(bytes))
    return true
  }

  onResponseEnd(): void {
    this.#done(decodeTextResults(Buffer.concat(this.#chunks), this.#capabilities)[0]?.rows ?? [])
  }

  onLocalInfile(): void {}

  onLost(): void {
    this.#done([])
  }
}
