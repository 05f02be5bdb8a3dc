/**
 * What a user of the listener may not do although the backend's account may: write, or choose other databases. A first
 * line only: what the account itself may not do, the server refuses.
 */
import {
  type ServerError,
  ServerErrors,
  StatementFlag,
  StatementKind,
  type StatementScanner,
} from '../../codecs/mysql/index.ts'
import type { User } from './users.ts'

const Kind = StatementKind
/** What reads, or concerns the session only. All else is refused to a user who may only read. */
const READING: ReadonlySet<number> = new Set([
  ...[Kind.EMPTY, Kind.SELECT, Kind.WITH, Kind.TABLE, Kind.VALUES, Kind.DO, Kind.EXPLAIN],
  ...[Kind.SHOW, Kind.SHOW_SCHEMA, Kind.SHOW_WARNINGS, Kind.GET_DIAGNOSTICS, Kind.SET, Kind.USE],
  ...[Kind.BEGIN, Kind.START_TRANSACTION, Kind.COMMIT, Kind.ROLLBACK],
  ...[Kind.ROLLBACK_TO_SAVEPOINT, Kind.SAVEPOINT, Kind.RELEASE_SAVEPOINT],
  ...[Kind.HANDLER_OPEN, Kind.HANDLER_READ, Kind.HANDLER_CLOSE, Kind.UNLOCK_TABLES, Kind.KILL, Kind.KILL_QUERY],
])

const USE = /\buse\s+(?:`((?:[^`]|``)+)`|([^\s;`]+))/i

/** The error that a statement of this user gets instead of being sent; undefined when it may go. */
export function forbidden(user: User | null, scanner: StatementScanner, text: () => string): ServerError | undefined {
  if (user === null) return undefined
  if (user.readOnly && !onlyReads(scanner)) {
    return { ...ServerErrors.readOnly, message: `User '${user.name}' may only read` }
  }
  if (user.databases === null || scanner.kind !== Kind.USE) return undefined
  const [, quoted, bare] = USE.exec(text()) ?? []
  return databaseForbidden(user, quoted?.replaceAll('``', '`') ?? bare ?? '')
}

/** The error for choosing that database. */
export function databaseForbidden(user: User | null, database: string): ServerError | undefined {
  if (!user?.databases || user.databases.has(database)) return undefined
  const message = `Access denied for user '${user.name}'@'%' to database '${database}'`
  return { ...ServerErrors.databaseAccessDenied, message }
}

function onlyReads({ statements, kinds, flags }: StatementScanner): boolean {
  if (statements > kinds.length || (flags & StatementFlag.INTO_FILE) !== 0) return false
  for (let i = 0; i < statements; i++) if (!READING.has(kinds[i]!)) return false
  return true
}
