/**
 * The header section of a head, and what it says of the body and the connection. RFC 9112 sections 5 to 7; of two ways
 * to read a message both are refused, as what stands before or behind might take the other (section 11.2).
 */
import { ProtocolError } from '../codec.ts'
import { COLON, CR, HOST, LF, SPACE, TAB, TOKEN, VALUE } from './characters.ts'
import { knownName } from './known-names.ts'
import type { HeadLimits } from './limits.ts'

/** Headers in the order in which they came; the same index in all three. Latin1: one character for each byte. */
export interface Headers {
  /** In lower case. */
  readonly names: readonly string[]
  /** As they came. */
  readonly rawNames: readonly string[]
  /** Without the white space around. */
  readonly values: readonly string[]
}

/** How the end of a body is found. */
export type BodyKind = 'none' | 'length' | 'chunked' | 'until-close'

/** What the headers of one head say. */
export interface Fields {
  readonly headers: Headers
  /** -1 without the header. */
  readonly contentLength: number
  readonly chunked: boolean
  /** `Connection: close`, and `keep-alive`, which matters to HTTP/1.0 only. */
  readonly close: boolean
  readonly keepAlive: boolean
  /** Headers that `Connection` names, in lower case: they end here. */
  readonly connectionNames: readonly string[]
  readonly expectContinue: boolean
  /** Undefined without the header. */
  readonly host: string | undefined
}

const NONE: readonly string[] = []

/** 9,999,999,999,999,999 is no safe integer, 15 digits always are; a terabyte has 13. */
const CONTENT_LENGTH = /^\d{1,15}$/

/**
 * Reads what lies from `at` to the empty line, whose end is `end`. `text` is the same as latin1, of which the first
 * character stands for the byte at `base`.
 */
export function readFields(
  bytes: Buffer,
  text: string,
  base: number,
  at: number,
  end: number,
  limits: HeadLimits,
): Fields {
  const names: string[] = []
  const rawNames: string[] = []
  const values: string[] = []
  let contentLength = -1
  let chunked = false
  let close = false
  let keepAlive = false
  let connectionNames = NONE
  let expectContinue = false
  let host: string | undefined

  const last = end - 2
  for (let i = at; i < last; ) {
    const nameStart = i
    while (TOKEN[bytes[i]!] === 1) i++
    if (i === nameStart || bytes[i] !== COLON) throw nameError(bytes, nameStart, i)
    const known = knownName(bytes, nameStart, i)
    const rawName = known ? known.written : text.slice(nameStart - base, i - base)
    const colon = i++
    while (bytes[i] === SPACE || bytes[i] === TAB) i++
    const valueStart = i
    while (VALUE[bytes[i]!] === 1) i++
    if (bytes[i] !== CR || bytes[i + 1] !== LF) throw valueError(rawName, bytes[i]!)
    let valueEnd = i
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SPACE || bytes[valueEnd - 1] === TAB)) valueEnd--
    const lineEnd = i
    i += 2

    const name = known ? known.lower : rawName.toLowerCase()
    const value = text.slice(valueStart - base, valueEnd - base)
    if (names.push(name) > limits.maxHeaders) {
      throw new ProtocolError('too-many-headers', `more than ${limits.maxHeaders} headers`)
    }
    rawNames.push(rawName)
    values.push(value)

    switch (name) {
      case 'content-length':
        if (contentLength >= 0) throw new ProtocolError('content-length', 'more than one Content-Length')
        if (!CONTENT_LENGTH.test(value) || hasTab(bytes, colon, lineEnd)) {
          throw new ProtocolError('content-length', 'Content-Length is no number')
        }
        contentLength = Number(value)
        break
      case 'transfer-encoding':
        if (chunked || value.toLowerCase() !== 'chunked' || hasTab(bytes, colon, lineEnd)) {
          throw new ProtocolError('transfer-encoding', 'the only Transfer-Encoding that is understood is chunked, once')
        }
        chunked = true
        break
      case 'connection':
      // Never specified; but Node's parser takes its `close` for that of Connection.
      case 'proxy-connection':
        for (const option of optionsOf(value)) {
          if (option === 'close') close = true
          else if (option === 'keep-alive') keepAlive ||= name === 'connection' && !hasTab(bytes, colon, lineEnd)
          else connectionNames = [...connectionNames, option]
        }
        break
      case 'expect':
        // RFC 9110 section 10.1.1 allows to refuse other expectations; S3 services overlook them, and so do we.
        if (value.toLowerCase() === '100-continue') expectContinue = true
        break
      case 'host':
        if (host !== undefined) throw new ProtocolError('host', 'more than one Host')
        for (let h = valueStart; h < valueEnd; h++) if (HOST[bytes[h]!] !== 1) throw hostError()
        host = value
        break
    }
  }
  if (chunked && contentLength >= 0) {
    throw new ProtocolError('framing-conflict', 'both Content-Length and Transfer-Encoding')
  }
  const headers = { names, rawNames, values }
  return { headers, contentLength, chunked, close, keepAlive, connectionNames, expectContinue, host }
}

/** The value of the first header of that name, given in lower case. */
export function headerOf(headers: Headers, name: string): string | undefined {
  const i = headers.names.indexOf(name)
  return i < 0 ? undefined : headers.values[i]
}

function optionsOf(value: string): readonly string[] {
  const lower = value.toLowerCase()
  if (!lower.includes(',')) return lower === '' ? NONE : [lower]
  return lower.split(/[ \t]*,[ \t]*/).filter(option => option !== '')
}

/** A tab around a value is white space, but not for everybody: Node's parser takes it for a part of the value. */
function hasTab(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === TAB) return true
  return false
}

export function hostError(): ProtocolError {
  return new ProtocolError('host', 'Host is no name or address with an optional port')
}

function nameError(bytes: Buffer, start: number, at: number): ProtocolError {
  const first = bytes[start]
  const wrong = bytes[at]
  if (at === start && (first === SPACE || first === TAB)) {
    return new ProtocolError('header-fold', 'a line of a header begins with white space')
  }
  if (wrong === CR || wrong === LF) {
    return bytes[at] === CR && bytes[at + 1] === LF
      ? new ProtocolError('header-name', 'a line of the head has no colon')
      : lineBreakError()
  }
  return new ProtocolError('header-name', 'a name of a header contains what no name may')
}

function valueError(name: string, wrong: number): ProtocolError {
  if (wrong === CR || wrong === LF) return lineBreakError()
  return new ProtocolError('header-value', `the value of ${name.slice(0, 64)} contains a control character`)
}

/** A CR or LF that stands alone. */
export function lineBreakError(): ProtocolError {
  return new ProtocolError('line-break', 'lines of a head end with CR and LF, and neither stands anywhere else')
}
