/** What a client may ask about its last statement when the connection that ran it serves another one: rows, warnings. */
import type { Integer64, ResponseTracker } from '../../codecs/mysql/index.ts'

export class Diagnostics {
  /** FOUND_ROWS() */
  foundRows = 0
  /** ROW_COUNT() */
  rowCount: Integer64 = -1
  /** The answer to SHOW WARNINGS, saved when the connection was given up; null when the server is to be asked. */
  warnings: Buffer | null = null

  /** A statement has ended. */
  note(tracker: ResponseTracker): void {
    this.warnings = null
    const hasRows = tracker.columns > 0
    if (hasRows) this.foundRows = tracker.rows
    this.rowCount = hasRows || tracker.error ? -1 : tracker.affectedRows
  }
}

/** Whether a statement asks for nothing but all warnings. */
export const asksForWarnings = (text: string): boolean => /^\s*show\s+warnings\s*;?\s*$/i.test(text)
