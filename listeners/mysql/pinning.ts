/**
 * What ties a client to its connection after a response: what the server tells of the session (transaction, locked
 * tables, changed state) and what only the statement shows (named locks, user variables, cursors). What is not understood
 * ties as well.
 */
import {
  COM_STMT_EXECUTE,
  COM_STMT_FETCH,
  type ResponseTracker,
  SERVER_STATUS_AUTOCOMMIT,
  SERVER_STATUS_CURSOR_EXISTS,
  SERVER_STATUS_IN_TRANS,
  SERVER_STATUS_LAST_ROW_SENT,
  SetForm,
  StatementFlag,
  StatementKind,
} from '../../codecs/mysql/index.ts'
import type { Upstream } from '../../src/backends/mysql/index.ts'
import type { Digest } from './digest-table.ts'
import { Pin } from './pin.ts'

/** Of a statement; all 0 and null for a command without one. */
export interface StatementFacts {
  readonly kind: number
  readonly flags: number
  readonly sets: number
  /** Any replica could answer it. */
  readonly readsOnly: boolean
  readonly digest: Digest | null
}

/** Of a command without a statement. */
export const NOTHING: StatementFacts = { kind: 0, flags: 0, sets: 0, readsOnly: false, digest: null }

/** What a flag of a statement means for its connection. */
const PIN_OF_FLAG: readonly (readonly [flag: number, pin: number])[] = [
  [StatementFlag.NAMED_LOCK, Pin.USER_LOCK],
  [StatementFlag.USER_VARIABLE_WRITE, Pin.USER_VARIABLE],
  [StatementFlag.CALC_FOUND_ROWS, Pin.FOUND_ROWS],
  [StatementFlag.TEXT_PREPARE, Pin.TEXT_PREPARE],
  [StatementFlag.HANDLER, Pin.HANDLER],
  [StatementFlag.SESSION_TRACK, Pin.SESSION_TRACK],
]
const PINNING_FLAGS = PIN_OF_FLAG.reduce((all, [flag]) => all | flag, 0)
/** What the server reports as a change without a name. */
const EXPLAINING_FLAGS =
  StatementFlag.USER_VARIABLE_WRITE |
  StatementFlag.TEMPORARY_TABLE |
  StatementFlag.TEXT_PREPARE |
  StatementFlag.SESSION_TRACK

/** Pins that the server's answer to the next statement tells about anew. */
const TOLD = Pin.TRANSACTION | Pin.TABLE_LOCK | Pin.NEXT_TRANSACTION | Pin.DIAGNOSTICS | Pin.XA

/** The pins after a response, from those before it. */
export function pinsAfter(
  before: number,
  command: number,
  { kind, flags, sets }: StatementFacts,
  tracker: ResponseTracker,
  { session, tracks }: Upstream,
): number {
  let pins = before
  if (tracker.error) {
    // An error tells nothing of the session: what held goes on to hold, and statements in front of the one that failed,
    // or one without autocommit, may have begun a transaction.
    pins |= Pin.DIAGNOSTICS
    const isFirst = (flags & StatementFlag.MULTI) === 0 || tracker.results === 1
    if (!isFirst || (tracker.status & SERVER_STATUS_AUTOCOMMIT) === 0) pins |= Pin.TRANSACTION
  } else {
    pins &= ~TOLD
    if ((tracker.status & SERVER_STATUS_IN_TRANS) !== 0) pins |= Pin.TRANSACTION
    if (tracker.warnings > 0) pins |= Pin.DIAGNOSTICS
    if (kind === StatementKind.SHOW_WARNINGS || kind === StatementKind.GET_DIAGNOSTICS) pins |= before & Pin.DIAGNOSTICS
    if (session.tablesLocked) pins |= Pin.TABLE_LOCK
    else if (session.inTransaction) pins |= Pin.TRANSACTION
    // Within a transaction the server tells of what kind it is.
    if (session.transactionChosen && (pins & Pin.TRANSACTION) === 0) pins |= Pin.NEXT_TRANSACTION
    if (command === COM_STMT_EXECUTE && (tracker.status & SERVER_STATUS_CURSOR_EXISTS) !== 0) pins |= Pin.CURSOR
    if (command === COM_STMT_FETCH && (tracker.status & SERVER_STATUS_LAST_ROW_SENT) !== 0) pins &= ~Pin.CURSOR
    if ((flags & StatementFlag.NAMED_UNLOCK_ALL) !== 0 && (flags & StatementFlag.NAMED_LOCK) === 0)
      pins &= ~Pin.USER_LOCK
    if (kind === StatementKind.UNLOCK_TABLES) pins &= ~Pin.GLOBAL_READ_LOCK
  }
  if ((flags & PINNING_FLAGS) !== 0) {
    for (const [flag, pin] of PIN_OF_FLAG) if ((flags & flag) !== 0) pins |= pin
  }
  if ((flags & StatementFlag.TABLE_LOCK) !== 0 && kind !== StatementKind.LOCK_TABLES) pins |= Pin.GLOBAL_READ_LOCK
  // A KILL tells the number of another one.
  if ((flags & StatementFlag.CONNECTION_ID) !== 0 && kind !== StatementKind.KILL && kind !== StatementKind.KILL_QUERY)
    pins |= Pin.CONNECTION_ID
  if (kind === StatementKind.CREATE_TEMPORARY) pins |= Pin.TEMPORARY_TABLE
  if (kind === StatementKind.XA && (tracker.status & SERVER_STATUS_IN_TRANS) !== 0) pins |= Pin.XA
  if ((sets & SetForm.ROLE) !== 0) pins |= Pin.ROLE
  // The server says that something has changed and not what, nor does the statement explain it; or it says nothing at all.
  const explained = (flags & EXPLAINING_FLAGS) !== 0 || (sets & SetForm.ROLE) !== 0
  if ((!tracks && (pins & Pin.RELAY) === 0) || (session.changedUnnamed && !explained)) pins |= Pin.UNEXPLAINED
  return pins
}
