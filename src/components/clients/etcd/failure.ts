/** What an error of gRPC means for a call: whether it may have happened, and what the caller is told. */
import type { ServiceError } from '@grpc/grpc-js'
import { ApiError, type ApiErrorCode } from '../../../apis/index.ts'

/** The status codes of gRPC that say something here. */
const CANCELLED = 1
const UNKNOWN = 2
const INVALID_ARGUMENT = 3
const DEADLINE_EXCEEDED = 4
const NOT_FOUND = 5
const PERMISSION_DENIED = 7
const RESOURCE_EXHAUSTED = 8
const FAILED_PRECONDITION = 9
const ABORTED = 10
const OUT_OF_RANGE = 11
const INTERNAL = 13
const UNAVAILABLE = 14
const UNAUTHENTICATED = 16

const LOST_ON_THE_WAY = new Set([CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, ABORTED, INTERNAL, UNAVAILABLE])

/** Of those, the ones that are said before anything was done. */
const NOT_BEGUN = /^(No connection established|Name resolution failed|etcdserver: (no leader|not capable|unhealthy))/

const CODES: Readonly<Record<number, ApiErrorCode>> = {
  [INVALID_ARGUMENT]: 'invalid-argument',
  [NOT_FOUND]: 'not-found',
  [PERMISSION_DENIED]: 'denied',
  [RESOURCE_EXHAUSTED]: 'exhausted',
  [UNAUTHENTICATED]: 'denied',
}

/** etcd says these with a code that means something else. */
const DENIED = /authentication failed|user name is empty|password is empty|permission denied/

/** The endpoint did not answer as it should: another one may. */
export function isLost(error: ServiceError): boolean {
  return LOST_ON_THE_WAY.has(error.code)
}

/** Ended by us. */
export function isCancelled(error: ServiceError): boolean {
  return error.code === CANCELLED
}

/** Whether the server cannot have done what it was asked for. */
export function hasNotRun(error: ServiceError): boolean {
  return error.code !== DEADLINE_EXCEEDED && NOT_BEGUN.test(error.details)
}

/** The token is none any more, or one is needed now; said before anything is done. */
export function isTokenRefused(error: ServiceError): boolean {
  if (error.code === UNAUTHENTICATED) return true
  return error.code === INVALID_ARGUMENT && /revision of auth store is old|user name is empty/.test(error.details)
}

/** There are no users, so that nobody has to log in. */
export function isAuthOff(error: ServiceError): boolean {
  return error.code === FAILED_PRECONDITION && error.details.includes('authentication is not enabled')
}

/** What the caller of a method is told. */
export function apiError(error: ServiceError, repeatable: boolean): ApiError {
  const said = error.details || error.message
  if (!isLost(error)) {
    const code = DENIED.test(said) ? 'denied' : (CODES[error.code] ?? 'internal')
    return new ApiError(code, said, { cause: error })
  }
  if (repeatable || hasNotRun(error))
    return new ApiError('unavailable', `etcd cannot be reached: ${said}`, { cause: error })
  return new ApiError('unknown', `the answer of etcd was lost: ${said}`, { cause: error })
}

/** The revision that was asked for does not exist any more. */
export function isCompacted(error: unknown): boolean {
  return error instanceof ApiError && (error.cause as ServiceError | undefined)?.code === OUT_OF_RANGE
}
