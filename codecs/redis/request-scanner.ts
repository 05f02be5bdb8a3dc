/**
 * Finds where requests end, without building values. A request is an array of bulk strings, or an inline line:
 *
 *     *2\r\n $3\r\nGET\r\n $1\r\nk\r\n          PING\r\n
 *
 * https://redis.io/docs/latest/develop/reference/protocol-spec/; texts and leniency as measured on Redis 7.0, but for
 * the CRLF behind a bulk, which Redis does not look at and a proxy must (it would lose step with the backend).
 */
import { ProtocolError } from '../codec.ts'

/** What `scan` found at a position. */
export const Scan = {
  /** The request is not there whole: `at`, `left` and `missing` tell how far it goes. */
  MORE: 0,
  /** A whole request: it ends at `end`, its name lies between `nameStart` and `nameEnd`. */
  FRAME: 1,
  /** Nothing to execute (`*0`, `*-1`, an empty line), to be skipped up to `end`. */
  EMPTY: 2,
  /** A whole inline line that ends at `end`, its line break included. */
  INLINE: 3,
} as const

export interface RequestLimits {
  readonly maxArguments: number
  readonly maxBulkBytes: number
  readonly maxInlineBytes: number
}

/** Redis's own limits. */
export const REQUEST_LIMITS: RequestLimits = {
  maxArguments: 2 ** 31 - 1,
  maxBulkBytes: 512 * 1024 * 1024,
  maxInlineBytes: 64 * 1024,
}

/** Redis's own limits before authentication, since CVE-2021-32675. */
export const UNAUTHENTICATED_LIMITS: RequestLimits = {
  maxArguments: 10,
  maxBulkBytes: 16 * 1024,
  maxInlineBytes: 64 * 1024,
}

/** `*` or `$`, an optional sign, the digits of 2^63 and CRLF. */
const MAX_HEADER_BYTES = 23

const CR = 13
const LF = 10
const ZERO = 48
const ASTERISK = 42
const DOLLAR = 36
const MINUS = 45

/** Stateless but for its results, so that one serves all sessions of a listener. */
export class RequestScanner {
  end = 0
  argc = 0
  nameStart = 0
  nameEnd = 0
  /** After MORE: where the argument begins that is not whole; the start of the request while its header is not. */
  at = 0
  /** After MORE: the arguments not whole yet; 0 while the header is not. */
  left = 0
  /** After MORE: bytes wanted at least. */
  missing = 0

  #number = 0
  #limits = REQUEST_LIMITS

  /** Looks at the bytes from start to end. Throws ProtocolError with the text that Redis would answer. */
  scan(bytes: Uint8Array, start: number, end: number, limits: RequestLimits): number {
    this.#limits = limits
    if (bytes[start] !== ASTERISK) return this.#scanLine(bytes, start, end)
    const first = this.#readNumber(bytes, start, end, 'multibulk')
    if (first < 0) {
      this.at = start
      this.left = 0
      this.missing = 1
      return Scan.MORE
    }
    const argc = this.#number
    if (argc <= 0) {
      this.end = first
      return Scan.EMPTY
    }
    if (argc > limits.maxArguments) {
      throw new ProtocolError(
        'multibulk-length',
        `Protocol error: ${limits === UNAUTHENTICATED_LIMITS ? 'unauthenticated' : 'invalid'} multibulk length`,
      )
    }
    this.argc = argc
    this.nameStart = -1
    return this.resume(bytes, first, end, argc)
  }

  /**
   * Goes on at an argument's `$`, with as many arguments left; for requests that come in pieces. The limits must be
   * given unless nothing else was scanned in between.
   */
  resume(bytes: Uint8Array, at: number, end: number, left: number, limits = this.#limits): number {
    this.#limits = limits
    let position = at
    for (let i = left; i > 0; i--) {
      const bulk = position < end ? this.#readNumber(bytes, position, end, 'bulk') : -1
      if (bulk < 0) return this.#more(position, i, 1)
      const after = bulk + this.#number
      if (after + 2 > end) return this.#more(position, i, after + 2 - end)
      if (bytes[after] !== CR || bytes[after + 1] !== LF) {
        throw new ProtocolError('bulk-end', 'Protocol error: bulk string not ended by CRLF')
      }
      if (this.nameStart < 0) {
        this.nameStart = bulk
        this.nameEnd = after
      }
      position = after + 2
    }
    this.end = position
    return Scan.FRAME
  }

  /**
   * Reads the head of a request that is known to be whole up to its name, after `resume` has found its end.
   */
  readHead(bytes: Uint8Array, start: number, end: number, limits: RequestLimits): void {
    const frameEnd = this.end
    this.#limits = limits
    const first = this.#readNumber(bytes, start, end, 'multibulk')
    this.argc = this.#number
    this.nameStart = this.#readNumber(bytes, first, end, 'bulk')
    this.nameEnd = this.nameStart + this.#number
    this.end = frameEnd
  }

  #more(at: number, left: number, missing: number): number {
    this.at = at
    this.left = left
    this.missing = missing
    return Scan.MORE
  }

  /**
   * Reads `*N\r\n` or `$N\r\n` at start into #number and returns where it ends, or -1 when it is not there whole.
   * Strict as Redis's string2ll: no plus sign, no leading zero, no blank.
   */
  #readNumber(bytes: Uint8Array, start: number, end: number, kind: 'multibulk' | 'bulk'): number {
    if (kind === 'bulk' && bytes[start] !== DOLLAR) {
      throw unexpected(bytes[start]!)
    }
    let i = start + 1
    let value = 0
    let byte = 0
    while (i < end && (byte = bytes[i]! - ZERO) >= 0 && byte <= 9) {
      value = value * 10 + byte
      i++
    }
    const digits = i - start - 1
    if (i + 1 < end && digits > 0 && bytes[i] === CR && bytes[i + 1] === LF) {
      if ((digits === 1 || bytes[start + 1] !== ZERO) && digits < 16) {
        if (kind === 'bulk' ? value <= this.#limits.maxBulkBytes : value < 2 ** 31) {
          this.#number = value
          return i + 2
        }
        if (kind === 'bulk' && this.#limits === UNAUTHENTICATED_LIMITS && value <= REQUEST_LIMITS.maxBulkBytes)
          throw new ProtocolError('bulk-length', 'Protocol error: unauthenticated bulk length')
      }
      throw invalid(kind)
    }
    return this.#readOddNumber(bytes, start, i, end, kind)
  }

  /** What is not plain digits and CRLF: not there whole, a negative count, or wrong. */
  #readOddNumber(bytes: Uint8Array, start: number, stop: number, end: number, kind: 'multibulk' | 'bulk'): number {
    const cr = bytes.indexOf(CR, start + 1)
    if (cr < 0 || cr + 1 >= end) {
      if (end - start > MAX_HEADER_BYTES && (cr < 0 || cr - start > MAX_HEADER_BYTES)) throw invalid(kind)
      return -1
    }
    if (kind === 'multibulk' && stop === start + 1 && bytes[stop] === MINUS && bytes[cr + 1] === LF) {
      const text = String.fromCharCode(...bytes.subarray(stop, Math.min(cr, start + MAX_HEADER_BYTES)))
      if (/^-[1-9]\d{0,18}$/.test(text) && BigInt(text) >= -(2n ** 63n)) {
        this.#number = -1
        return cr + 2
      }
    }
    throw invalid(kind)
  }

  #scanLine(bytes: Uint8Array, start: number, end: number): number {
    let i = start
    while (i < end && bytes[i] !== LF) i++
    const whole = i < end
    if (i - start > this.#limits.maxInlineBytes) {
      throw new ProtocolError('inline-length', 'Protocol error: too big inline request')
    }
    if (!whole) {
      this.at = start
      this.left = 0
      this.missing = 1
      return Scan.MORE
    }
    this.end = i + 1
    for (let j = start; j < i; j++) {
      const byte = bytes[j]!
      if (byte !== CR && byte !== 32 && byte !== 9) return Scan.INLINE
    }
    return Scan.EMPTY
  }
}

function invalid(kind: 'multibulk' | 'bulk'): ProtocolError {
  return new ProtocolError(`${kind}-length`, `Protocol error: invalid ${kind} length`)
}

/** Redis turns line breaks in an error into blanks. The text is latin1: the byte stands in it as it came. */
function unexpected(byte: number): ProtocolError {
  const got = byte === CR || byte === LF ? ' ' : String.fromCharCode(byte)
  return new ProtocolError('expected-bulk', `Protocol error: expected '$', got '${got}'`)
}

/**
 * Where the arguments of a request lie: start and end of each, one after the other. Of a request that is not there
 * whole, those that are before `limit`.
 */
export function argumentSpans(bytes: Uint8Array, start: number, limit = Number.POSITIVE_INFINITY): number[] {
  const spans: number[] = []
  let position = start + 1
  let count = 0
  for (; bytes[position] !== CR; position++) count = count * 10 + bytes[position]! - ZERO
  position += 2
  for (let i = 0; i < count; i++) {
    let length = 0
    for (position++; position < limit && bytes[position] !== CR; position++)
      length = length * 10 + bytes[position]! - ZERO
    position += 2
    if (position + length > limit) break
    spans.push(position, position + length)
    position += length + 2
  }
  return spans
}
