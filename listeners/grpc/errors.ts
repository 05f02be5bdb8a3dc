/** Errors in gRPC's form: a status, with google.rpc.ErrorInfo in `grpc-status-details-bin` (AIP-193). */
import { ApiError, type ApiErrorCode } from '../../src/apis/index.ts'
import { ProxyError } from '../../src/errors.ts'
import type { StatusError } from './rpc.ts'
import { messageCodec } from './schema.ts'
import { status } from './status.ts'

const DOMAIN = 'portolan.dev'

const STATUS: Readonly<Record<ApiErrorCode, number>> = {
  'invalid-argument': status.INVALID_ARGUMENT,
  'not-found': status.NOT_FOUND,
  'feature-missing': status.FAILED_PRECONDITION,
  conflict: status.ABORTED,
  denied: status.PERMISSION_DENIED,
  exhausted: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  unknown: status.UNKNOWN,
  internal: status.INTERNAL,
}

/** What a caller is told of an error; undefined for a bug, of which it is told nothing but that. */
export function statusOf(error: unknown): StatusError | undefined {
  if (error instanceof ApiError) {
    const { feature, component, alternatives } = error.details
    const info = {
      ...(feature && { feature }),
      ...(component && { component }),
      ...(alternatives && { components: alternatives.components.join(','), types: alternatives.types.join(',') }),
    }
    return statusError(STATUS[error.code], error.message, reasonOf(error.code), info)
  }
  if (error instanceof CallFailure) return error.status
  if (error instanceof ProxyError) {
    const code = error.retryable ? status.UNAVAILABLE : status.UNKNOWN
    return statusError(code, error.message, reasonOf(error.code))
  }
  return undefined
}

/** Ends a call with this status. */
export class CallFailure extends Error {
  readonly status: StatusError

  constructor(failure: StatusError) {
    super(failure.details)
    this.status = failure
  }
}

export const INTERNAL: StatusError = { code: status.INTERNAL, details: 'an internal error, a bug; the log has more' }

export function statusError(
  code: number,
  details: string,
  reason: string,
  info: Readonly<Record<string, string>> = {},
  domain = DOMAIN,
): StatusError {
  const value = messageCodec('google.rpc.ErrorInfo').encode({ reason, domain, metadata: info })
  const detail = { type_url: 'type.googleapis.com/google.rpc.ErrorInfo', value }
  const described = messageCodec('google.rpc.Status').encode({ code, message: details, details: [detail] })
  return { code, details, metadata: [['grpc-status-details-bin', described]] }
}

/** `feature-missing` as reasons are written: FEATURE_MISSING. */
function reasonOf(code: string): string {
  return code.toUpperCase().replaceAll('-', '_')
}
