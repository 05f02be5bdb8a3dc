/**
 * Why a client keeps its connection to the backend: one row per reason, with what ends it and what the application can do
 * to be without. Nothing else may pin.
 */
export interface PinFacts {
  readonly name: string
  /** How to do without, in a sentence for the one who reads GET /mysql/pins. */
  readonly advice: string
}

/** Bits, as several may hold at the same time. */
export const Pin = {
  TRANSACTION: 1 << 0,
  TABLE_LOCK: 1 << 1,
  NEXT_TRANSACTION: 1 << 2,
  USER_LOCK: 1 << 3,
  USER_VARIABLE: 1 << 4,
  TEMPORARY_TABLE: 1 << 5,
  TEXT_PREPARE: 1 << 6,
  HANDLER: 1 << 7,
  GLOBAL_READ_LOCK: 1 << 8,
  FOUND_ROWS: 1 << 9,
  ROLE: 1 << 10,
  SESSION_TRACK: 1 << 11,
  CURSOR: 1 << 12,
  LONG_DATA: 1 << 13,
  DIAGNOSTICS: 1 << 14,
  UNEXPLAINED: 1 << 15,
  REPLICATION: 1 << 16,
  SESSION_MODE: 1 << 17,
  XA: 1 << 18,
  CONNECTION_ID: 1 << 19,
  RELAY: 1 << 20,
} as const

/** What goes by itself when the statement or transaction is over; everything else leaves the connection dirty. */
export const FLEETING =
  Pin.TRANSACTION | Pin.TABLE_LOCK | Pin.NEXT_TRANSACTION | Pin.CURSOR | Pin.LONG_DATA | Pin.DIAGNOSTICS | Pin.XA

/** What another connection serves as well. */
export const MOVABLE = Pin.SESSION_MODE | Pin.DIAGNOSTICS

export const PINS: ReadonlyMap<number, PinFacts> = new Map([
  [Pin.TRANSACTION, { name: 'transaction', advice: 'Commit or roll back; keep transactions short.' }],
  [Pin.TABLE_LOCK, { name: 'table-lock', advice: 'UNLOCK TABLES; use a transaction where one will do.' }],
  [Pin.NEXT_TRANSACTION, { name: 'next-transaction', advice: 'SET SESSION TRANSACTION instead of SET TRANSACTION.' }],
  [Pin.USER_LOCK, { name: 'user-lock', advice: 'RELEASE_ALL_LOCKS() when done.' }],
  [Pin.USER_VARIABLE, { name: 'user-variable', advice: 'Pass values as parameters instead of @variables.' }],
  [Pin.TEMPORARY_TABLE, { name: 'temporary-table', advice: 'Use a derived table; or reset the session when done.' }],
  [Pin.TEXT_PREPARE, { name: 'text-prepare', advice: "Use the driver's prepared statements instead of PREPARE." }],
  [Pin.HANDLER, { name: 'handler', advice: 'SELECT instead.' }],
  [Pin.GLOBAL_READ_LOCK, { name: 'global-read-lock', advice: 'UNLOCK TABLES.' }],
  [Pin.FOUND_ROWS, { name: 'found-rows', advice: 'SELECT COUNT(*) instead of SQL_CALC_FOUND_ROWS.' }],
  [Pin.ROLE, { name: 'role', advice: 'SET DEFAULT ROLE for the account instead of SET ROLE.' }],
  [Pin.SESSION_TRACK, { name: 'session-track', advice: 'Leave the session_track_... variables as they are.' }],
  [Pin.CURSOR, { name: 'cursor', advice: 'Read the cursor to its end, or close the statement.' }],
  [Pin.LONG_DATA, { name: 'long-data', advice: 'Execute the statement whose parameter was sent in pieces.' }],
  [Pin.DIAGNOSTICS, { name: 'diagnostics', advice: 'Read the warnings, or send the next statement.' }],
  [
    Pin.UNEXPLAINED,
    { name: 'unexplained-state', advice: 'COM_RESET_CONNECTION when the state is not needed any more.' },
  ],
  [Pin.REPLICATION, { name: 'replication', advice: 'None: a replica needs a connection of its own.' }],
  [Pin.RELAY, { name: 'relay', advice: '`users` instead of `authentication: relay`.' }],
  [Pin.SESSION_MODE, { name: 'session-mode', advice: 'pooling: transaction.' }],
  [
    Pin.CONNECTION_ID,
    { name: 'connection-id', advice: 'SELECT CONNECTION_ID() in a statement of its own, or the number of the login.' },
  ],
  [Pin.XA, { name: 'xa', advice: 'XA COMMIT or XA ROLLBACK.' }],
])

/** The names of those that hold. */
export function pinNames(pins: number): string[] {
  const names: string[] = []
  for (const [bit, { name }] of PINS) if (pins & bit) names.push(name)
  return names
}
