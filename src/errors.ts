/**
 * What can go wrong with a request although both peers kept to the protocol. It travels plain; a listener's errors.ts
 * dresses it in its protocol's own words, and the session goes on.
 */
export type ErrorSource = 'downstream' | 'upstream' | 'portolan'

export interface ProxyErrorOptions {
  readonly source: ErrorSource
  /** True when the request provably did not execute, so that it may be sent again. */
  readonly retryable?: boolean
  readonly cause?: unknown
}

export class ProxyError extends Error {
  override readonly name = 'ProxyError'
  /** A fixed, low-cardinality word such as `upstream-timeout`; it may become a metric label. */
  readonly code: string
  readonly source: ErrorSource
  readonly retryable: boolean

  constructor(code: string, message: string, options: ProxyErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.source = options.source
    this.retryable = options.retryable ?? false
  }
}
