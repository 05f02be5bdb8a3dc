/**
 * The head of a request, RFC 9112 sections 2 to 7:
 *
 *     GET /bucket/key?x-id=GetObject HTTP/1.1\r\n
 *     Host: localhost:9000\r\n
 *     \r\n
 *
 * Strict: what Node's own parser would read differently is refused (test/fuzz).
 */
import { ProtocolError } from '../codec.ts'
import { CR, HOST, LF, SPACE, TARGET, TOKEN } from './characters.ts'
import { type BodyKind, type Headers, hostError, lineBreakError, readFields } from './fields.ts'
import { findHeadEnd } from './find-end.ts'
import { HEAD_LIMITS, type HeadLimits } from './limits.ts'

export interface RequestHead {
  readonly method: string
  /** From its path on, exactly as it came, or `*`; ASCII. */
  readonly target: string
  /** Of HTTP/1.0 or HTTP/1.1. */
  readonly minor: 0 | 1
  readonly headers: Headers
  /** Undefined only where HTTP/1.0 leaves it out. */
  readonly host: string | undefined
  readonly body: Exclude<BodyKind, 'until-close'>
  /** Of the body, in bytes; 0 unless it is of the kind `length`. */
  readonly length: number
  /** Whether another request may follow on the connection. */
  readonly keepAlive: boolean
  /** The body comes only after 100 Continue. */
  readonly expectContinue: boolean
  /** Headers that `Connection` names, in lower case: they are not passed on. */
  readonly connectionNames: readonly string[]
  /** The position behind it. */
  readonly end: number
}

const MAX_METHOD_BYTES = 32

/**
 * Reads the head that begins at `start`; undefined while it is not there whole. `seen`: bytes before this position were
 * there when it was read last. Throws ProtocolError.
 */
export function readRequestHead(
  bytes: Buffer,
  start: number,
  end: number,
  seen = start,
  limits: HeadLimits = HEAD_LIMITS,
): RequestHead | undefined {
  // Section 2.2: some clients send an empty line behind a body, which belongs to nothing.
  let begin = start
  while (begin + 1 < end && bytes[begin] === CR && bytes[begin + 1] === LF) {
    begin += 2
    if (begin - start >= limits.maxHeadBytes) throw new ProtocolError('request-line', 'nothing but empty lines')
  }
  const headEnd = findHeadEnd(bytes, begin, end, seen, limits)
  if (headEnd < 0) return undefined
  const text = bytes.toString('latin1', begin, headEnd)

  let i = begin
  while (TOKEN[bytes[i]!] === 1) i++
  if (i === begin || i - begin > MAX_METHOD_BYTES || bytes[i] !== SPACE) throw lineError(bytes[i]!)
  const method = text.slice(0, i - begin)
  const targetStart = ++i
  while (TARGET[bytes[i]!] === 1) i++
  if (i === targetStart || bytes[i] !== SPACE) throw targetError(bytes[i]!)
  const rawTarget = text.slice(targetStart - begin, i - begin)
  const versionStart = ++i - begin
  const minor = text.startsWith('HTTP/1.1\r\n', versionStart)
    ? 1
    : text.startsWith('HTTP/1.0\r\n', versionStart)
      ? 0
      : undefined
  if (minor === undefined) throw versionError(text, versionStart)

  const fields = readFields(bytes, text, begin, i + 10, headEnd, limits)
  const { headers, contentLength, chunked, connectionNames } = fields
  const isPath = bytes[targetStart] === SLASH && method !== 'CONNECT'
  // Section 6.1: whoever speaks HTTP/1.0 does not know it, and may take the body for something else.
  if (chunked && minor === 0) throw new ProtocolError('transfer-encoding', 'Transfer-Encoding in HTTP/1.0')
  if (fields.host === undefined && minor === 1) throw new ProtocolError('host', 'no Host')
  return {
    method,
    target: isPath ? rawTarget : otherTarget(method, rawTarget, fields.host),
    minor,
    headers,
    host: fields.host,
    body: chunked ? 'chunked' : contentLength >= 0 ? 'length' : 'none',
    length: contentLength > 0 ? contentLength : 0,
    keepAlive: !fields.close && (minor === 1 || fields.keepAlive),
    // RFC 9110 section 10.1.1: an expectation of HTTP/1.0 is ignored.
    expectContinue: fields.expectContinue && minor === 1,
    connectionNames,
    end: headEnd,
  }
}

const SLASH = 0x2f
const ABSOLUTE = /^https?:\/\/([^/?]*)(\/.*)$/i

/** What does not begin with a path: section 3.2.2, 3.2.4. */
function otherTarget(method: string, target: string, host: string | undefined): string {
  if (target === '*') {
    if (method === 'OPTIONS') return target
    throw new ProtocolError('target', 'the target * is for OPTIONS only')
  }
  const [, authority, path] = ABSOLUTE.exec(target) ?? []
  if (authority === undefined || path === undefined || method === 'CONNECT') {
    throw new ProtocolError('target', 'the target is no path')
  }
  for (let i = 0; i < authority.length; i++) if (HOST[authority.charCodeAt(i)] !== 1) throw hostError()
  // The authority would count, and who stands before us may have looked at the other.
  if (authority.toLowerCase() !== host?.toLowerCase()) {
    throw new ProtocolError('host', 'Host is another one than that of the target')
  }
  return path
}

function lineError(wrong: number): ProtocolError {
  if (wrong === CR || wrong === LF) return new ProtocolError('request-line', 'the first line has no target')
  return new ProtocolError('method', 'the first line does not begin with a method')
}

function targetError(wrong: number): ProtocolError {
  if (wrong === LF) return lineBreakError()
  if (wrong === CR) return new ProtocolError('request-line', 'the first line has no version')
  return new ProtocolError('target', 'the target is empty or contains what no target may')
}

function versionError(text: string, at: number): ProtocolError {
  const rest = text.slice(at, text.indexOf('\r\n', at))
  return rest.includes(' ')
    ? new ProtocolError('request-line', 'the first line has too many parts')
    : new ProtocolError('version', 'only HTTP/1.1 and HTTP/1.0 are understood')
}
