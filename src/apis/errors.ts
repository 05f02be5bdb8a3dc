/** What can go wrong with a call of an API. It travels plain; listeners/grpc/errors.ts dresses it as a gRPC status. */
import { ProxyError } from '../errors.ts'
import type { FeatureId } from './api.ts'

/**
 * - `invalid-argument`: the request is wrong in itself
 * - `not-found`: what it names does not exist
 * - `feature-missing`: the component cannot do that
 * - `conflict`: a condition of the request does not hold, such as an expected version
 * - `denied`: the store does not let us
 * - `exhausted`: a limit is reached
 * - `unavailable`: the store cannot be reached; the request may be sent again
 * - `unknown`: the answer never came, so nobody knows whether it happened
 * - `internal`: the store answered with an error of its own
 */
export type ApiErrorCode =
  | 'invalid-argument'
  | 'not-found'
  | 'feature-missing'
  | 'conflict'
  | 'denied'
  | 'exhausted'
  | 'unavailable'
  | 'unknown'
  | 'internal'

export interface ApiErrorOptions {
  readonly cause?: unknown
  readonly retryable?: boolean
  /** With `feature-missing`: which one, who lacks it, and who has it. */
  readonly feature?: FeatureId
  readonly component?: string
  readonly alternatives?: { readonly components: readonly string[]; readonly types: readonly string[] }
}

export class ApiError extends ProxyError {
  declare readonly code: ApiErrorCode
  readonly details: ApiErrorOptions

  /** `retryable` defaults to true for `unavailable` and to false for the rest. */
  constructor(code: ApiErrorCode, message: string, options: ApiErrorOptions = {}) {
    super(code, message, {
      source: OWN.has(code) ? 'downstream' : 'upstream',
      retryable: options.retryable ?? code === 'unavailable',
      ...(options.cause === undefined ? {} : { cause: options.cause }),
    })
    this.details = options
  }
}

/** What the application did wrong, without any store. */
const OWN: ReadonlySet<ApiErrorCode> = new Set(['invalid-argument', 'feature-missing'])
