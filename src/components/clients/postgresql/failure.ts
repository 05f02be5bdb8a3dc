/** What goes wrong at a PostgreSQL server, in the words of the APIs. */
import { ApiError, type ApiErrorCode } from '../../../apis/index.ts'

/** By SQLSTATE, or by its class, which is its first two characters; what is not here is `internal`. */
const MEANINGS: Readonly<Record<string, ApiErrorCode>> = {
  '28': 'denied',
  '42501': 'denied',
  // No database of that name, or none that this role may connect to.
  '3D000': 'denied',
  // The server cannot for now, and has undone the statement: no connection left, shutdown, start, deadlock, a lock that
  // was waited for, interrupted, a server that only reads.
  '53300': 'unavailable',
  '57': 'unavailable',
  '40': 'unavailable',
  '55P03': 'unavailable',
  '25006': 'unavailable',
  // Whether the commit was done.
  '08007': 'unknown',
  '40003': 'unknown',
  '53': 'exhausted',
  '54': 'exhausted',
  '22003': 'exhausted',
  // A zero byte in a text.
  '22021': 'invalid-argument',
}

/** Of what provably did nothing because others did the same at the same time. */
const COLLISIONS: ReadonlySet<string | undefined> = new Set(['40001', '40P01', '23505', '42P07', '42P06'])
/** No such table, no such schema. */
const MISSING: ReadonlySet<string | undefined> = new Set(['42P01', '3F000'])

/** SQLSTATE of an error; undefined where it is not the server's. */
export function sqlState(error: unknown): string | undefined {
  const { code, severity } = ((error as Error).cause ?? error) as { code?: string; severity?: string }
  return severity === undefined ? undefined : code
}

export const isCollision = (error: unknown): boolean => COLLISIONS.has(sqlState(error))

export const isMissing = (error: unknown): boolean => MISSING.has(sqlState(error))

/** `isSent`: the server may have got the statement. */
export function failure(error: unknown, isSent: boolean): ApiError {
  if (error instanceof ApiError) return error
  const state = sqlState(error)
  const known = state !== undefined ? (MEANINGS[state] ?? MEANINGS[state.slice(0, 2)] ?? 'internal') : undefined
  const code = known ?? (isSent ? 'unknown' : 'unavailable')
  return new ApiError(code, `postgresql: ${(error as Error).message}`, { cause: error })
}
