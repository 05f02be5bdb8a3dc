/**
 * Finds where replies end, RESP2 and RESP3, without building values and without recursion: `left` counts the elements
 * that are still to come of the reply at hand. https://redis.io/docs/latest/develop/reference/protocol-spec/
 *
 *     *2\r\n        left 1 -> 2          +OK\r\n :1\r\n $-1\r\n   left - 1
 *     $3\r\nabc\r\n left 2 -> 1          |1\r\n (attribute)        left + 2, the reply itself follows
 */
import { ProtocolError } from '../codec.ts'

const CR = 13
const LF = 10
const DOLLAR = 36
const ASTERISK = 42

/** How an element goes on behind its type byte. */
const LINE = 1
const BULK = 2
const ARRAY = 3
const MAP = 4
const ATTRIBUTE = 5

const KINDS = new Uint8Array(256)
for (const type of '+-:_#,(') KINDS[type.charCodeAt(0)] = LINE
for (const type of '$=!') KINDS[type.charCodeAt(0)] = BULK
for (const type of '*~>') KINDS[type.charCodeAt(0)] = ARRAY
KINDS['%'.charCodeAt(0)] = MAP
KINDS['|'.charCodeAt(0)] = ATTRIBUTE

/** Of a length: a number holds it exactly, and sums of many. */
const MAX_DIGITS = 15

export class ReplyScanner {
  /** Elements still to come of the reply at hand; 0 between replies. */
  left = 0
  /** Bytes of the bulk at hand that are still to come, its CRLF included; only after `suspend`. */
  skip = 0
  /** After an incomplete scan: where the element begins that is not there whole. */
  at = 0
  #bodyBytes = -1

  /**
   * Returns where the reply at start ends, or -1 when it is not there whole; then either call again with more bytes
   * from the same start (after `restart`), or `suspend` and let go of what is there.
   * Throws ProtocolError when the bytes are no reply.
   */
  scan(bytes: Uint8Array, start: number, end: number): number {
    let position = start
    let left = this.left || 1
    if (this.skip > 0) {
      const step = Math.min(this.skip, end - position)
      this.skip -= step
      position += step
      if (this.skip < 2 && step > 0) checkBulkEnd(bytes, position, step, this.skip)
      if (this.skip > 0) {
        this.left = left
        this.at = position
        this.#bodyBytes = -1
        return -1
      }
      left--
    }
    while (left > 0) {
      this.at = position
      this.#bodyBytes = -1
      if (position >= end) break
      const kind = KINDS[bytes[position]!]!
      if (kind === LINE) {
        // Up to CRLF: what a module answers may hold one of them alone.
        let i = position + 1
        while (i < end && (bytes[i] !== LF || bytes[i - 1] !== CR)) i++
        if (i >= end) break
        position = i + 1
        left--
        continue
      }
      if (kind === 0) throw new ProtocolError('reply-type', `unknown reply type 0x${bytes[position]!.toString(16)}`)
      let i = position + 1
      let negative = false
      if (bytes[i] === 45 && i < end) {
        negative = true
        i++
      }
      const first = i
      let value = 0
      let digit = 0
      while (i < end && (digit = bytes[i]! - 48) >= 0 && digit <= 9) {
        value = value * 10 + digit
        i++
      }
      if (i + 1 >= end) {
        if (i - first > MAX_DIGITS || (i < end && bytes[i] !== CR)) throw badLength()
        break
      }
      if (bytes[i] !== CR || bytes[i + 1] !== LF || i === first || i - first > MAX_DIGITS) throw badLength()
      const body = i + 2
      if (negative) {
        // A null, of which there are two.
        if (value !== 1 || i - first > 1 || (bytes[position] !== DOLLAR && bytes[position] !== ASTERISK))
          throw badLength()
        position = body
        left--
      } else if (kind === BULK) {
        if (body + value + 2 > end) {
          if (body + value < end && bytes[body + value] !== CR) throw badBulkEnd()
          this.#bodyBytes = body + value + 2 - end
          break
        }
        if (bytes[body + value] !== CR || bytes[body + value + 1] !== LF) throw badBulkEnd()
        position = body + value + 2
        left--
      } else {
        position = body
        if (kind === ARRAY) left += value - 1
        else if (kind === MAP) left += 2 * value - 1
        else left += 2 * value
      }
    }
    if (left > 0) {
      this.left = left
      return -1
    }
    this.left = 0
    return position
  }

  /** Forgets an incomplete scan, to begin again at the same start. */
  restart(): void {
    this.left = 0
    this.skip = 0
  }

  /**
   * Keeps an incomplete scan, so that the bytes before the returned offset may leave; the next scan begins there.
   * A bulk may leave in pieces, everything else must be there whole.
   */
  suspend(end: number): number {
    if (this.#bodyBytes < 0) return this.at
    this.skip = this.#bodyBytes
    return end
  }

  /** True while a reply is suspended: its first bytes have left. */
  get suspended(): boolean {
    return this.left > 0 || this.skip > 0
  }
}

function badLength(): ProtocolError {
  return new ProtocolError('reply-length', 'a length in the reply is not a number')
}

function badBulkEnd(): ProtocolError {
  return new ProtocolError('reply-bulk', 'a bulk of the reply is not ended by CRLF')
}

/** Looks at as much of the CRLF of a bulk that leaves in pieces as lies in the last `step` bytes before position. */
function checkBulkEnd(bytes: Uint8Array, position: number, step: number, missing: number): void {
  if (missing === 0 && bytes[position - 1] !== LF) throw badBulkEnd()
  const cr = position - 2 + missing
  if (cr >= position - step && bytes[cr] !== CR) throw badBulkEnd()
}
