/**
 * The normal form of a statement, for metrics and logs, written while it is scanned: lower case; literals, also NULL,
 * TRUE and FALSE where a value stands, are `?`, signs before them dropped; blanks and comments are folded; a list of
 * literals is `(...)`, and so is a list of such lists; of the rows of an INSERT the first one stands for all. Nothing
 * between quotes but a name in backticks ever gets in, and when a quote is missing or misplaced the text is the
 * statement's kind. Names of tables are in lower case too: two that differ in case only share a digest.
 *
 *     SELECT * FROM `Users` WHERE id IN (1,2) -- x   ->   select * from `users` where id in (...)
 */

import {
  HASH_FIRST,
  HASH_FIRST_PRIME,
  HASH_SECOND,
  HASH_SECOND_PRIME,
  LAST_AT,
  LAST_CLOSE,
  LAST_COMMA,
  LAST_DOT,
  LAST_LITERAL,
  LAST_NOTHING,
  LAST_OPEN,
  LAST_OPERATOR,
  LAST_SEMICOLON,
  LAST_SIGN,
  LAST_WORD,
  SPACE,
} from './codes.ts'

/** Bytes that a digest has at most; what differs only behind them is alike. */
export const MAX_DIGEST_BYTES = 1024

/** Room for the digest and most words behind its end: stores beyond a typed array's end are dropped by definition. */
const ROOM = 2048

export class NormalForm {
  readonly bytes = Buffer.alloc(ROOM)
  readonly #words = new Int32Array(this.bytes.buffer, 0, ROOM / 4)
  /** May exceed what fits: the end of what was written had there been room. */
  length = 0
  last: number = LAST_NOTHING

  /** Where the last word or sign began; what stood before the sign. */
  tokenAt = 0
  #beforeSign: number = LAST_NOTHING
  /** Where the list of literals began that was not spoiled yet, behind its parenthesis; -1 without one. */
  listAt = -1
  /** Where the last folded list ended; the same when a comma is behind it, and when a list is open behind that. */
  #foldEnd = -1
  #foldBefore = -1
  #foldsInto = -1
  /** Where the rows behind the first one began; -1 when none are left out. */
  #rowsAt = -1
  #high = 0
  #low = 0

  reset(): void {
    this.length = 0
    this.last = LAST_NOTHING
    this.listAt = -1
    this.#foldEnd = -1
    this.#foldsInto = -1
    this.#rowsAt = -1
  }

  /** A word or quoted name begins; its bytes go to `bytes` from `length` on, by the caller, who does the same itself. */
  begin(): void {
    this.tokenAt = this.length
    if (this.last > LAST_SIGN) this.bytes[this.length++] = SPACE
  }

  /** The word that was begun ends: LAST_WORD or LAST_CLAUSE. */
  word(sort: number): void {
    this.listAt = -1
    this.last = sort
  }

  /** Whether the word that was begun has this as its first byte. */
  beginsWith(byte: number): boolean {
    return this.bytes[this.last > LAST_SIGN ? this.tokenAt + 1 : this.tokenAt] === byte
  }

  /** The word that was begun is none: nothing is left of it. */
  takeBack(): void {
    this.length = this.tokenAt
  }

  literal(): void {
    if (this.last === LAST_LITERAL) return
    if (this.last === LAST_SIGN) {
      this.length = this.tokenAt
      this.last = this.#beforeSign
    }
    if (this.last > LAST_SIGN) this.bytes[this.length++] = SPACE
    this.bytes[this.length++] = 63
    this.last = LAST_LITERAL
  }

  /** `adjacent`: nothing stood between it and the operator before. */
  operator(byte: number, adjacent: boolean): void {
    if (this.last > LAST_SIGN && !(adjacent && this.last === LAST_OPERATOR)) this.bytes[this.length++] = SPACE
    this.listAt = -1
    this.bytes[this.length++] = byte < 32 || byte === 127 ? 63 : byte
    this.last = LAST_OPERATOR
  }

  sign(byte: number): void {
    const { last } = this
    if (last === LAST_WORD || last === LAST_LITERAL || last === LAST_CLOSE || last === LAST_DOT || last === LAST_AT) {
      this.operator(byte, false)
      return
    }
    if (last !== LAST_SIGN) {
      this.tokenAt = this.length
      this.#beforeSign = last
    }
    if (last > LAST_SIGN) this.bytes[this.length++] = SPACE
    this.bytes[this.length++] = byte
    this.last = LAST_SIGN
  }

  at(isSystem: boolean): void {
    if (this.last > LAST_SIGN && this.last !== LAST_LITERAL) this.bytes[this.length++] = SPACE
    this.listAt = -1
    this.bytes[this.length++] = 64
    if (isSystem) this.bytes[this.length++] = 64
    this.last = LAST_AT
  }

  dot(): void {
    this.listAt = -1
    this.bytes[this.length++] = 46
    this.last = LAST_DOT
  }

  comma(): void {
    this.#foldBefore = this.#foldEnd === this.length ? this.#foldEnd : -1
    this.bytes[this.length++] = 44
    this.last = LAST_COMMA
  }

  open(): void {
    const { last } = this
    this.#foldsInto = last === LAST_COMMA ? this.#foldBefore : -1
    if (last > LAST_SIGN && last !== LAST_WORD) this.bytes[this.length++] = SPACE
    this.bytes[this.length++] = 40
    this.listAt = this.length
    this.last = LAST_OPEN
  }

  close(): void {
    if (this.listAt >= 0 && this.last === LAST_LITERAL) {
      this.length = this.listAt
      this.bytes[this.length++] = 46
      this.bytes[this.length++] = 46
      this.bytes[this.length++] = 46
      this.bytes[this.length++] = 41
      if (this.#foldsInto >= 0) this.length = this.#foldsInto
      this.#foldEnd = this.length
    } else {
      this.bytes[this.length++] = 41
    }
    this.listAt = -1
    this.#foldsInto = -1
    this.last = LAST_CLOSE
  }

  semicolon(): void {
    if (this.last === LAST_SEMICOLON || this.last === LAST_NOTHING) return
    this.endRows()
    this.listAt = -1
    this.bytes[this.length++] = 59
    this.last = LAST_SEMICOLON
  }

  /** What comes up to `endRows` is left out. */
  leaveOutRows(): void {
    if (this.#rowsAt < 0) this.#rowsAt = this.length
  }

  endRows(): void {
    if (this.#rowsAt < 0) return
    this.length = this.#rowsAt
    this.#rowsAt = -1
    this.last = LAST_CLOSE
    this.#foldEnd = -1
  }

  /** The text is over. */
  end(): void {
    this.endRows()
    if (this.last === LAST_SEMICOLON) this.length--
    if (this.length <= MAX_DIGEST_BYTES) return
    this.length = MAX_DIGEST_BYTES
    // No half character at the end.
    while (this.length > 0 && (this.bytes[this.length]! & 0xc0) === 0x80) this.length--
  }

  /** Quotes are misplaced: nothing that was written can be trusted to be no literal. */
  replace(word: string): void {
    this.length = this.bytes.write(`${word} ?`, 'latin1')
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
    let high: number = HASH_FIRST
    let low: number = HASH_SECOND ^ length
    const words = this.#words
    for (let i = 0, count = (length + 3) >>> 2; i < count; i++) {
      const word = words[i]!
      high = Math.imul(high ^ word, HASH_FIRST_PRIME)
      low = Math.imul(low ^ word, HASH_SECOND_PRIME)
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
