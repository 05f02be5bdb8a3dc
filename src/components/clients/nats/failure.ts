/** What an error of the NATS client means for a call: whether it may have happened, and what the caller is told. */
import { ApiError } from '../../../apis/index.ts'

/** JetStream's error for a write whose expectation does not hold. */
const WRONG_LAST_SEQUENCE = 10071

/** That there is no such consumer, stream or message. */
const MISSING: ReadonlySet<unknown> = new Set([10014, 10037, 10059])

/** That a stream takes no more, for want of messages or bytes that it may have. */
const STORE_FAILED = 10077

/** Said by name, as the client's classes are only there once it is loaded. */
const DENIED = new Set(['AuthorizationError', 'PermissionViolationError', 'UserAuthenticationExpiredError'])

/** Said before anything was done. */
const NOT_BEGUN = new Set(['NoRespondersError', 'JetStreamNotEnabled', 'ConnectionError', 'DrainingConnectionError'])

/** Another write came first; nothing has changed. */
export function isOvertaken(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === WRONG_LAST_SEQUENCE
}

export function isMissing(error: unknown): boolean {
  return MISSING.has((error as { code?: unknown } | undefined)?.code)
}

export function isFull(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === STORE_FAILED
}

/** What the caller is told; `repeatable`: it does no harm when the request was executed. */
export function apiError(error: unknown, repeatable: boolean): ApiError {
  if (error instanceof ApiError) return error
  const { name, message, cause, status } = error as Error & { status?: number }
  const names = [name, (cause as Error | undefined)?.name ?? '']
  const has = (known: ReadonlySet<string>) => names.some(each => known.has(each))
  if (has(DENIED)) return new ApiError('denied', message, { cause: error })
  if (has(NOT_BEGUN) || status === 503)
    return new ApiError('unavailable', `NATS cannot be reached: ${message}`, { cause: error })
  if (name === 'InvalidArgumentError') return new ApiError('invalid-argument', message, { cause: error })
  if (name === 'JetStreamApiError' || name === 'JetStreamStatusError')
    return new ApiError('internal', message, { cause: error })
  if (repeatable) return new ApiError('unavailable', `NATS did not answer: ${message}`, { cause: error })
  return new ApiError('unknown', `the answer of NATS was lost: ${message}`, { cause: error })
}
