/** Errors in S3's own words: what the SDKs retry by, and what they do not. */
import { ProtocolError } from '../../codecs/codec.ts'
import { S3Error, type S3ErrorCode } from '../../codecs/s3/index.ts'
import { ProxyError } from '../../src/errors.ts'

/** By the ProxyError's code; others say that the backend failed in the middle of a request. */
const CODES: Readonly<Record<string, S3ErrorCode>> = {
  'upstream-busy': 'SlowDown',
  'upstream-timeout': 'ServiceUnavailable',
}

/** What the application is told of any failure; undefined for a bug, which is nobody's business. */
export function s3ErrorOf(error: unknown): S3Error | undefined {
  if (error instanceof S3Error) return error
  if (error instanceof ProxyError) {
    // What did not run may be sent again, and the SDKs do so for both codes.
    const code = CODES[error.code] ?? (error.retryable ? 'ServiceUnavailable' : 'InternalError')
    return new S3Error(code, error.message)
  }
  if (error instanceof ProtocolError)
    return new S3Error(error.kind === 'MalformedXML' ? 'MalformedXML' : 'BadRequest', error.message)
  return undefined
}
