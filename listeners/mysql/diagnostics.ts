/**
 * What a client may ask about its last statement: rows, warnings. The server answers as long as nothing else has run on the
 * connection that ran it; then what is kept here does (last-statement.ts).
 */
import {
  type Capabilities,
  COM_STMT_PREPARE,
  decodeTextResults,
  type ErrorPacket,
  type Integer64,
  type ResponseTracker,
  StatementKind,
} from '../../codecs/mysql/index.ts'
import type { Upstream } from '../../src/backends/mysql/index.ts'

/** As SHOW WARNINGS has them: level, code, message. */
export type Condition = readonly (string | null)[]

export class Diagnostics {
  /** FOUND_ROWS() */
  foundRows: Integer64 = 0
  /** ROW_COUNT() */
  rowCount: Integer64 = -1
  #warnings = 0
  #error: ErrorPacket | null = null
  /** The answer to SHOW WARNINGS; null while the server is to be asked. */
  #saved: Buffer | null = null

  /** Notes what a command of this client has left on the connection, and of whom the server knows now. */
  note(upstream: Upstream, client: object, command: number, kind: number, tracker: ResponseTracker): void {
    const { error } = tracker
    // Does nothing that its text says, but may warn of it.
    if (command === COM_STMT_PREPARE && !error && tracker.warnings === 0) return
    const hasRows = tracker.columns > 0
    if (upstream.lastUser !== client) upstream.rowsUser = null
    upstream.lastUser = client
    this.rowCount = hasRows || error ? -1 : tracker.affectedRows
    if (hasRows && !error) {
      upstream.rowsUser = client
      this.foundRows = tracker.rows - tracker.rowsBefore
    }
    // These read what they leave as it is.
    if (!error && (kind === StatementKind.SHOW_WARNINGS || kind === StatementKind.GET_DIAGNOSTICS)) return
    this.#saved = null
    this.#error = error
    this.#warnings = Math.max(tracker.warnings, error ? 1 : 0)
  }

  /** A question that was answered here has been a statement as well. */
  noteAnswer(rows: number): void {
    this.foundRows = rows
    this.rowCount = -1
  }

  /** Keeps the answer to SHOW WARNINGS, as the connection is given up. */
  save(answer: Buffer | null): void {
    this.#saved = answer
  }

  get warningCount(): number {
    return this.#warnings
  }

  get errorCount(): number {
    return this.#error ? 1 : 0
  }

  /** What SHOW WARNINGS would tell; the error at least, where the rest went with its connection. */
  conditions(capabilities: Capabilities): readonly Condition[] {
    if (this.#saved) return decodeTextResults(this.#saved, capabilities)[0]!.rows
    const error = this.#error
    return error ? [['Error', String(error.code), error.message]] : []
  }

  reset(): void {
    this.foundRows = 0
    this.rowCount = -1
    this.#warnings = 0
    this.#error = null
    this.#saved = null
  }
}
