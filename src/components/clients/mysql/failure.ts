/** What goes wrong at a MySQL server, in the words of the APIs. */
import { ApiError, type ApiErrorCode } from '../../../apis/index.ts'
import { isReadOnlyRefusal, ServerRefusal } from '../../../backends/mysql/index.ts'
import type { ProxyError } from '../../../errors.ts'

/** By the server's number; what is not here is `internal`. */
const MEANINGS: Readonly<Record<number, ApiErrorCode>> = {
  // The account, and what it may not.
  1044: 'denied',
  1045: 'denied',
  1142: 'denied',
  1143: 'denied',
  1227: 'denied',
  1370: 'denied',
  1698: 'denied',
  // The server cannot for now, and has undone the statement: too many connections, shutdown, lock wait, deadlock (also as
  // "record has changed" and by the certification of a cluster), interrupted, a node that is no member, idle for too long.
  1020: 'unavailable',
  1040: 'unavailable',
  1047: 'unavailable',
  1053: 'unavailable',
  1203: 'unavailable',
  1205: 'unavailable',
  1213: 'unavailable',
  1226: 'unavailable',
  1317: 'unavailable',
  3100: 'unavailable',
  3101: 'unavailable',
  4031: 'unavailable',
  // In the middle of a commit.
  1180: 'unknown',
  1927: 'unknown',
  // Full, out of range, more than a packet or a column takes.
  1021: 'exhausted',
  1041: 'exhausted',
  1114: 'exhausted',
  1153: 'exhausted',
  1264: 'exhausted',
  1690: 'exhausted',
  1406: 'invalid-argument',
}

/** Of what provably did nothing because others did the same at the same time. */
const COLLISIONS: ReadonlySet<number | undefined> = new Set([1020, 1213, 3101])
const MISSING: ReadonlySet<number | undefined> = new Set([1049, 1146])

/** The server's number of an error; undefined where it is not the server's. */
export function serverCode(error: unknown): number | undefined {
  const { cause } = error as { cause?: unknown }
  return cause instanceof ServerRefusal ? cause.serverCode : undefined
}

export const isCollision = (error: unknown): boolean => COLLISIONS.has(serverCode(error))

/** There is no such table, or no such database. */
export const isMissing = (error: unknown): boolean => MISSING.has(serverCode(error))

/** The server as a whole refuses to write, and so has done nothing. */
export function isReadOnly(error: unknown): boolean {
  const { cause } = error as { cause?: unknown }
  return cause instanceof ServerRefusal && isReadOnlyRefusal({ code: cause.serverCode, message: cause.words })
}

export function failure(error: ProxyError): ApiError {
  if (error instanceof ApiError) return error
  return new ApiError(meaning(error), `mysql: ${error.message}`, { cause: error })
}

/** Of one that nothing was sent for. */
export function refusal(error: ProxyError): ApiError {
  const isDenied = error instanceof ServerRefusal && meaning(error) === 'denied'
  return new ApiError(isDenied ? 'denied' : 'unavailable', `mysql: ${error.message}`, { cause: error })
}

function meaning(error: ProxyError): ApiErrorCode {
  if (error instanceof ServerRefusal) {
    const { serverCode: code, words: message } = error
    return isReadOnlyRefusal({ code, message }) ? 'unavailable' : (MEANINGS[code] ?? 'internal')
  }
  if (error.code === 'statement-too-long' || error.code === 'upstream-answer-too-long') return 'exhausted'
  return error.retryable ? 'unavailable' : 'unknown'
}
