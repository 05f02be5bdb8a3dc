/** Sets of kinds and flags that the reader asks about: 1 in an array under the number of a kind, bits of flags. */
import { StatementFlag as Flag, StatementKind as Kind } from './statement.ts'

const ofKinds = (...kinds: number[]) =>
  Uint8Array.from({ length: Object.keys(Kind).length }, (_, kind) => Number(kinds.includes(kind)))
/** Statements that only read unless a flag says more. */
export const reads = ofKinds(Kind.SELECT, Kind.WITH, Kind.TABLE, Kind.VALUES, Kind.DO, Kind.EXPLAIN, Kind.SHOW_SCHEMA)
/** What a WITH may turn out to be. */
export const endsWith = ofKinds(
  Kind.SELECT,
  Kind.TABLE,
  Kind.VALUES,
  Kind.INSERT,
  Kind.REPLACE,
  Kind.UPDATE,
  Kind.DELETE,
)
/** Statements with rows. */
export const inserts = ofKinds(Kind.INSERT, Kind.REPLACE)
/** Statements whose semicolons may be their own. */
export const compounds = ofKinds(Kind.ROUTINE, Kind.COMPOUND)
/** Statements in which the server may write to any user variable. */
export const writesVariables = ofKinds(Kind.CALL, Kind.LOAD_DATA, Kind.GET_DIAGNOSTICS)

/** What keeps a reading statement from a replica. */
export const NOT_ON_REPLICA =
  Flag.USER_VARIABLE_READ |
  Flag.USER_VARIABLE_WRITE |
  Flag.SYSTEM_VARIABLE_READ |
  Flag.NAMED_LOCK |
  Flag.NAMED_UNLOCK |
  Flag.NAMED_UNLOCK_ALL |
  Flag.CALC_FOUND_ROWS |
  Flag.FOUND_ROWS |
  Flag.ROW_COUNT |
  Flag.LAST_INSERT_ID_READ |
  Flag.LAST_INSERT_ID_WRITE |
  Flag.CONNECTION_ID |
  Flag.WARNINGS_READ |
  Flag.LOCKING_READ |
  Flag.INTO_FILE |
  Flag.SERVER_LOCAL |
  Flag.UNKNOWN_FUNCTION |
  Flag.VERSIONED_COMMENT |
  Flag.BROKEN
/** What a stored program's text tells even though it is only stored. */
export const OF_TEXT = Flag.BROKEN | Flag.VERSIONED_COMMENT | Flag.PASSWORD | Flag.MULTI
