/** Statements of ours on an upstream connection: between, or in front of, those of clients. */
import {
  type Capabilities,
  CLIENT_QUERY_ATTRIBUTES,
  COM_INIT_DB,
  COM_QUERY,
  COM_RESET_CONNECTION,
  COM_SET_OPTION,
  COM_STMT_CLOSE,
  decodeTextResults,
  encodePacket,
  type Integer64,
  MYSQL_OPTION_MULTI_STATEMENTS_OFF,
  MYSQL_OPTION_MULTI_STATEMENTS_ON,
  type ResponseTracker,
} from '../../../codecs/mysql/index.ts'
import { ProxyError } from '../../errors.ts'
import { ServerRefusal } from './server-refusal.ts'
import type { ServerStatement } from './server-statements.ts'
import type { Upstream } from './upstream.ts'
import type { Recipient } from './upstream-parties.ts'
import { VARIABLES_QUERY } from './variables.ts'

export type Rows = readonly (readonly (string | null)[])[]

type Done = (error: ProxyError | null) => void

/** Runs a statement whose result is of no interest; calls back with the server's words if it refuses. */
export function run(upstream: Upstream, sql: string, done: Done): void {
  send(upstream, COM_QUERY, queryPacket(sql, upstream.facts.capabilities), new Swallow(done))
}

/** Runs a statement of which the rows are wanted: none when it fails. */
export function query(upstream: Upstream, sql: string, done: (rows: Rows) => void): void {
  ask(upstream, sql, (_, answer) => done(answer?.rows ?? []))
}

/** What a statement has come to. */
export interface Answer {
  /** As the server's text. */
  readonly rows: Rows
  readonly affectedRows: Integer64
  /** What LAST_INSERT_ID() of an expression was set to. */
  readonly insertId: Integer64
}

/** Runs a statement whose result is wanted. */
export function ask(
  upstream: Upstream,
  sql: string,
  done: (error: ProxyError | null, answer: Answer | null) => void,
): void {
  const { capabilities, clientCapabilities } = upstream.facts
  send(upstream, COM_QUERY, queryPacket(sql, capabilities), new Collect(clientCapabilities, done))
}

/** In front of a statement of another one's: saves LAST_INSERT_ID() for the client that the server has it of. */
export function saveInsertId(upstream: Upstream): void {
  const { insertUser, insertId } = upstream
  if (!insertUser) return
  query(upstream, 'SELECT LAST_INSERT_ID()', rows => {
    const now = rows[0]?.[0]
    // The connection is lost: what the client's inserts have told holds.
    if (!now) return
    // Unless it was set to another client's right behind.
    if (upstream.insertUser === null) upstream.insertId = now
    insertUser.saveInsertId(now, insertId, upstream)
  })
  upstream.insertUser = null
}

/** Asks for the collation of the connection, which servers do not tell when SET NAMES changes it. */
export function learnCollation(upstream: Upstream, done: () => void): void {
  query(upstream, 'SELECT @@collation_connection', rows => {
    const collation = rows[0]?.[0]
    if (collation) upstream.state.set('collation_connection', collation, upstream.facts.baseline)
    upstream.session.onCollation()
    done()
  })
}

/** Chooses a database. */
export function useSchema(upstream: Upstream, schema: string, done: Done): void {
  const swallow = new Swallow(error => {
    if (!error) upstream.state.schema = schema
    done(error)
  })
  send(upstream, COM_INIT_DB, commandPacket(COM_INIT_DB, Buffer.from(schema)), swallow)
}

/** Has the server take several statements in one text, or not. */
export function setMultiStatements(upstream: Upstream, on: boolean): void {
  upstream.multiStatements = on
  const option = on ? MYSQL_OPTION_MULTI_STATEMENTS_ON : MYSQL_OPTION_MULTI_STATEMENTS_OFF
  const swallow = new Swallow(error => error && upstream.destroy(error))
  send(upstream, COM_SET_OPTION, commandPacket(COM_SET_OPTION, Buffer.of(option, 0)), swallow)
}

/** Asks for the variables that are followed, where the server has not told of a change; sql_select_limit may cut them off. */
export function readVariables(upstream: Upstream, done: (isComplete: boolean) => void): void {
  query(upstream, VARIABLES_QUERY, rows => {
    const { state, facts } = upstream
    for (const [name, value] of rows) state.set(name!.toLowerCase(), value ?? '', facts.baseline)
    done(rows.length === facts.baseline.size)
  })
}

/** Closes a statement that is kept no longer. */
export function closeAt(upstream: Upstream, { id }: ServerStatement): void {
  const argument = Buffer.alloc(4)
  argument.writeUInt32LE(id)
  upstream.write(commandPacket(COM_STMT_CLOSE, argument), true)
}

/** Makes the connection a fresh one again, for anybody. */
export function reset(upstream: Upstream, done: Done): void {
  let refusal: ProxyError | null = null
  const swallow = new Swallow(error => {
    refusal = error
  })
  send(upstream, COM_RESET_CONNECTION, commandPacket(COM_RESET_CONNECTION), swallow)
  run(upstream, upstream.facts.setup, error => {
    upstream.forget()
    done(refusal ?? error)
  })
}

/** The packet of a statement, as a connection with these capabilities takes it. */
export function queryPacket(sql: string, { low }: Capabilities): Buffer {
  // No query attributes, one set of them.
  const attributes = (low & CLIENT_QUERY_ATTRIBUTES) === 0 ? [] : [0, 1]
  return commandPacket(COM_QUERY, Buffer.from(attributes), Buffer.from(sql))
}

function commandPacket(command: number, ...parts: readonly Buffer[]): Buffer {
  return encodePacket(0, Buffer.concat([Buffer.of(command), ...parts]))
}

function send(upstream: Upstream, command: number, packet: Buffer, recipient: Recipient): void {
  upstream.lastUser = null
  upstream.rowsUser = null
  upstream.expect(command, recipient)
  upstream.write(packet, true)
}

/** Takes no interest in a response but whether it is an error. */
class Swallow implements Recipient {
  readonly stripTrackers = false
  readonly showAllTrackers = true
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
    this.#done(error ? new ServerRefusal(error.code, error.sqlState, error.message) : null)
  }

  onLocalInfile(): void {}

  onLost(error: ProxyError): void {
    this.#done(error)
  }
}

/** More of a response is not kept. */
const MAX_KEPT_BYTES = 64 * 1_048_576

/** Keeps a response whole. */
class Collect implements Recipient {
  readonly stripTrackers = false
  readonly showAllTrackers = true
  readonly allowLocalInfile = false
  readonly #capabilities: Capabilities
  readonly #done: (error: ProxyError | null, answer: Answer | null) => void
  #chunks: Buffer[] = []
  #size = 0

  constructor(capabilities: Capabilities, done: (error: ProxyError | null, answer: Answer | null) => void) {
    this.#capabilities = capabilities
    this.#done = done
  }

  onResponse(bytes: Buffer): boolean {
    this.#size += bytes.length
    if (this.#size <= MAX_KEPT_BYTES) this.#chunks.push(Buffer.from(bytes))
    else this.#chunks = []
    return true
  }

  onResponseEnd({ error, affectedRows, insertId }: ResponseTracker): void {
    if (error) return this.#done(new ServerRefusal(error.code, error.sqlState, error.message), null)
    if (this.#size > MAX_KEPT_BYTES) return this.#done(tooLong(), null)
    let rows: Rows
    try {
      rows = decodeTextResults(Buffer.concat(this.#chunks), this.#capabilities)[0]?.rows ?? []
    } catch (cause) {
      // A row of 16 MiB or more, which comes in several packets.
      return this.#done(tooLong(cause), null)
    }
    this.#done(null, { rows, affectedRows, insertId })
  }

  onLocalInfile(): void {}

  onLost(error: ProxyError): void {
    this.#done(error, null)
  }
}

const tooLong = (cause?: unknown): ProxyError =>
  new ProxyError('upstream-answer-too-long', "the server's answer is longer than we keep one", {
    source: 'portolan',
    cause,
  })
