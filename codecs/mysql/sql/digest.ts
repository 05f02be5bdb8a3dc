/**
 * The normal form of a statement, for metrics and logs, written while it is scanned: lower case; literals, also NULL,
 * TRUE and FALSE where a value stands, are `?`, signs before them dropped; blanks and comments are folded; a list of
 * literals is `(...)`, and so is a list of such lists; of the rows of an INSERT the first one stands for all. Nothing
 * between quotes but a name in backticks ever gets in, and when a quote is missing or misplaced the text ends before
 * the first one. Names of tables are in lower case too: two that differ in case only share a digest.
 *
 *     SELECT * FROM `Users` WHERE id IN (1,2) -- x   ->   select * from `users` where id in (...)
 */

import { Hash } from './vocabulary.ts'

/** Bytes that a digest has at most; what differs only behind them is alike. */
export const MAX_DIGEST_BYTES = 1024

/** What was written last. Up to SIGN nothing comes between it and a word. */
export const Last = {
  NOTHING: 0,
  OPEN: 1,
  DOT: 2,
  AT: 3,
  SIGN: 4,
  CLAUSE: 5,
  WORD: 6,
  LITERAL: 7,
  CLOSE: 8,
  COMMA: 9,
  OPERATOR: 10,
  SEMICOLON: 11,
} as const

const SPACE = 32

/** Room for the digest and most words behind its end: stores beyond a typed array's end are dropped by definition. */
const ROOM = 2048

export class NormalForm {
  readonly bytes = Buffer.alloc(ROOM)
  readonly #words = new Int32Array(this.bytes.buffer, 0, ROOM / 4)
  /** May exceed what fits: the end of what was written had there been room. */
  length = 0
  last: number = Last.NOTHING

  /** Where the last word or literal began, what stood before, and where the list began that it spoiled. */
  #tokenAt = 0
  #before: number = Last.NOTHING
  #spoiled = -1
  /** Where the list of literals began that was not spoiled yet, behind its parenthesis; -1 without one. */
  #listAt = -1
  /** Where the last folded list ended, and whether one of its kind may be open behind a comma. */
  #foldEnd = -1
  #foldsInto = -1
  /** Where the rows behind the first one began; -1 when none are left out. */
  #rowsAt = -1
  /** Where the first quote stood; -1 before. */
  #quoteAt = -1
  #high = 0
  #low = 0

  reset(): void {
    this.length = 0
    this.last = Last.NOTHING
    this.#listAt = -1
    this.#foldEnd = -1
    this.#foldsInto = -1
    this.#rowsAt = -1
    this.#quoteAt = -1
  }

  /** A word or quoted name begins; its bytes go to `bytes` from `length` on, by the caller. */
  begin(): void {
    this.#tokenAt = this.length
    this.#before = this.last
    this.#spoiled = this.#listAt
    this.#listAt = -1
    if (this.last > Last.SIGN) this.bytes[this.length++] = SPACE
  }

  /** The word that was begun is one literal, whatever was written of it. */
  takeBack(): void {
    this.length = this.#tokenAt
    this.last = this.#before
    this.#listAt = this.#spoiled
  }

  /** What stood before the word that was begun. */
  get before(): number {
    return this.#before
  }

  literal(): void {
    if (this.last === Last.LITERAL) return
    if (this.last === Last.SIGN) {
      this.length = this.#tokenAt
      this.last = this.#before
    }
    if (this.last > Last.SIGN) this.bytes[this.length++] = SPACE
    this.bytes[this.length++] = 63
    this.last = Last.LITERAL
  }

  /** A literal in quotes, or a name that the mode makes one. */
  quoted(): void {
    if (this.#quoteAt < 0) this.#quoteAt = this.length
    this.literal()
  }

  /** `adjacent`: nothing stood between it and the operator before. */
  operator(byte: number, adjacent: boolean): void {
    if (this.last > Last.SIGN && !(adjacent && this.last === Last.OPERATOR)) this.bytes[this.length++] = SPACE
    this.#listAt = -1
    this.bytes[this.length++] = byte < 32 || byte === 127 ? 63 : byte
    this.last = Last.OPERATOR
  }

  sign(byte: number): void {
    const { last } = this
    if (last === Last.WORD || last === Last.LITERAL || last === Last.CLOSE || last === Last.DOT || last === Last.AT) {
      this.operator(byte, false)
      return
    }
    if (last !== Last.SIGN) {
      this.#tokenAt = this.length
      this.#before = last
    }
    if (last > Last.SIGN) this.bytes[this.length++] = SPACE
    this.bytes[this.length++] = byte
    this.last = Last.SIGN
  }

  at(isSystem: boolean): void {
    if (this.last > Last.SIGN && this.last !== Last.LITERAL) this.bytes[this.length++] = SPACE
    this.#listAt = -1
    this.bytes[this.length++] = 64
    if (isSystem) this.bytes[this.length++] = 64
    this.last = Last.AT
  }

  dot(): void {
    this.#listAt = -1
    this.bytes[this.length++] = 46
    this.last = Last.DOT
  }

  comma(): void {
    this.#foldsInto = this.#foldEnd === this.length ? this.#foldEnd : -1
    this.bytes[this.length++] = 44
    this.last = Last.COMMA
  }

  open(): void {
    const { last } = this
    if (last !== Last.COMMA) this.#foldsInto = -1
    if (last > Last.SIGN && last !== Last.WORD) this.bytes[this.length++] = SPACE
    this.bytes[this.length++] = 40
    this.#listAt = this.length
    this.last = Last.OPEN
  }

  close(): void {
    if (this.#listAt >= 0 && this.last === Last.LITERAL) {
      this.length = this.#listAt
      this.bytes[this.length++] = 46
      this.bytes[this.length++] = 46
      this.bytes[this.length++] = 46
      this.bytes[this.length++] = 41
      if (this.#foldsInto >= 0) this.length = this.#foldsInto
      this.#foldEnd = this.length
    } else {
      this.bytes[this.length++] = 41
    }
    this.#listAt = -1
    this.#foldsInto = -1
    this.last = Last.CLOSE
  }

  semicolon(): void {
    if (this.last === Last.SEMICOLON || this.last === Last.NOTHING) return
    this.endRows()
    this.#listAt = -1
    this.bytes[this.length++] = 59
    this.last = Last.SEMICOLON
  }

  /** What comes up to `endRows` is left out. */
  leaveOutRows(): void {
    if (this.#rowsAt < 0) this.#rowsAt = this.length
  }

  endRows(): void {
    if (this.#rowsAt < 0) return
    this.length = this.#rowsAt
    this.#rowsAt = -1
    this.last = Last.CLOSE
    this.#foldEnd = -1
  }

  /** The statement is over. `broken`: quotes are misplaced, so that nothing behind the first one can be trusted. */
  end(broken: boolean): void {
    this.endRows()
    if (this.last === Last.SEMICOLON) this.length--
    if (broken && this.#quoteAt >= 0) {
      this.length = Math.min(this.length, this.#quoteAt)
      this.last = Last.WORD
      this.literal()
    }
    if (this.length <= MAX_DIGEST_BYTES) return
    this.length = MAX_DIGEST_BYTES
    // No half character at the end.
    while (this.length > 0 && (this.bytes[this.length]! & 0xc0) === 0x80) this.length--
  }

  toString(): string {
    return this.bytes.toString('utf8', 0, this.length)
  }

  hex(): string {
    this.#hash()
    return hex32(this.#high) + hex32(this.#low)
  }

  key(): number {
    this.#hash()
    return (this.#high >>> 11) * 2 ** 32 + (this.#low >>> 0)
  }

  /** FNV-1a over the text's 32-bit words, in two lanes with different primes, each mixed at the end. */
  #hash(): void {
    const { bytes, length } = this
    for (let i = length; (i & 3) !== 0; i++) bytes[i] = 0
    let high: number = Hash.FIRST
    let low: number = Hash.SECOND ^ length
    const words = this.#words
    for (let i = 0, count = (length + 3) >>> 2; i < count; i++) {
      const word = words[i]!
      high = Math.imul(high ^ word, Hash.FIRST_PRIME)
      low = Math.imul(low ^ word, Hash.SECOND_PRIME)
      high ^= high >>> 15
      low ^= low >>> 13
    }
    this.#high = mix(high)
    this.#low = mix(low)
  }
}

/** Spreads every bit over all (the finalizer of MurmurHash3). */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

const hex32 = (number: number) => (number >>> 0).toString(16).padStart(8, '0')
