/**
 * The head of a response, RFC 9112 section 4, and which body follows it, section 6.3:
 *
 *     HTTP/1.1 200 OK\r\n
 *     Content-Length: 1024\r\n
 *     \r\n
 */
import { ProtocolError } from '../codec.ts'
import { CR, LF, SPACE, VALUE } from './characters.ts'
import { type BodyKind, type Headers, readFields } from './fields.ts'
import { findHeadEnd } from './find-end.ts'
import { HEAD_LIMITS, type HeadLimits } from './limits.ts'

export interface ResponseHead {
  readonly status: number
  readonly reason: string
  readonly minor: 0 | 1
  readonly headers: Headers
  readonly body: BodyKind
  /** Of the body that follows, in bytes; 0 unless it is of the kind `length`. */
  readonly length: number
  /** What Content-Length says, also where no body follows: for HEAD, what GET would send. Undefined without it. */
  readonly contentLength: number | undefined
  readonly keepAlive: boolean
  readonly connectionNames: readonly string[]
  /** The position behind it. */
  readonly end: number
}

/** `HTTP/1.1 200` */
const STATUS_END = 12

/**
 * Reads the head that begins at `start`; undefined while it is not there whole. `seen` is as for requests. The method
 * is that of the request: answers to HEAD have no body. Throws ProtocolError.
 */
export function readResponseHead(
  bytes: Buffer,
  start: number,
  end: number,
  method: string,
  seen = start,
  limits: HeadLimits = HEAD_LIMITS,
): ResponseHead | undefined {
  const headEnd = findHeadEnd(bytes, start, end, seen, limits)
  if (headEnd < 0) return undefined
  const text = bytes.toString('latin1', start, headEnd)

  const minor = text.startsWith('HTTP/1.1 ') ? 1 : text.startsWith('HTTP/1.0 ') ? 0 : undefined
  if (minor === undefined) throw new ProtocolError('version', 'the answer does not begin with HTTP/1.1 or HTTP/1.0')
  const status = readStatus(bytes, start + 9)
  let i = start + STATUS_END
  // Many servers leave out the space in front of an empty reason.
  if (bytes[i] === SPACE) i++
  else if (bytes[i] !== CR) throw statusError()
  const reasonStart = i
  while (VALUE[bytes[i]!] === 1) i++
  if (bytes[i] !== CR || bytes[i + 1] !== LF) throw statusError()

  const { headers, contentLength, chunked, close, keepAlive, connectionNames } = readFields(
    bytes,
    text,
    start,
    i + 2,
    headEnd,
    limits,
  )
  if (chunked && minor === 0) throw new ProtocolError('transfer-encoding', 'Transfer-Encoding in HTTP/1.0')
  // Section 6.1 and RFC 9110 section 8.6 forbid it, and some would look for the body.
  if (status < 200 && (chunked || contentLength > 0)) {
    throw new ProtocolError('interim-body', `a body behind the interim status ${status}`)
  }
  const bodiless = method === 'HEAD' || status < 200 || status === 204 || status === 304
  const body = bodiless ? 'none' : chunked ? 'chunked' : contentLength >= 0 ? 'length' : 'until-close'
  return {
    status,
    reason: text.slice(reasonStart - start, i - start),
    minor,
    headers,
    body,
    length: body === 'length' ? contentLength : 0,
    contentLength: contentLength < 0 ? undefined : contentLength,
    keepAlive: body !== 'until-close' && !close && (minor === 1 || keepAlive),
    connectionNames,
    end: headEnd,
  }
}

function readStatus(bytes: Buffer, at: number): number {
  let status = 0
  for (let i = at; i < at + 3; i++) {
    const digit = bytes[i]! - 0x30
    if (!(digit >= 0 && digit <= 9)) throw statusError()
    status = status * 10 + digit
  }
  if (status < 100) throw statusError()
  return status
}

function statusError(): ProtocolError {
  return new ProtocolError('status-line', 'the first line of the answer is not of the specified form')
}
