/**
 * From the first byte of a number to its end, by the rules of MySQL's lexer: `1e5` and `1.5e-3` are numbers, `0x1f`, `1a`
 * and `1e` words that begin with a digit, `1.into` a number and a word.
 */
import { wordByte } from './bytes.ts'
import {
  MINUS,
  NUMBER_DIGITS,
  NUMBER_EXPONENT,
  NUMBER_FRACTION,
  NUMBER_FRACTION_EXPONENT,
  NUMBER_INTEGER,
  NUMBER_SIGN,
  NUMBER_WORD,
  PLUS,
  POINT,
} from './codes.ts'

/** From here on no more digits are added. */
const MAX_INTEGER = 1e14

export class NumberLexer {
  /** More bytes may belong to it. */
  isOpen = false
  /** The value when only digits came, -1 otherwise; wrong beyond 15 digits. */
  integer = -1
  /** The last byte that was taken is this sign and not part of the number; else 0. */
  sign = 0
  #within: number = NUMBER_INTEGER

  /** A digit is next; behind a point if `isFraction`. */
  begin(isFraction: boolean): void {
    this.isOpen = true
    this.integer = isFraction ? -1 : 0
    this.sign = 0
    this.#within = isFraction ? NUMBER_FRACTION : NUMBER_INTEGER
  }

  /** Takes what belongs to it of the bytes from `at` to `last`; returns where that ends. */
  write(bytes: Uint8Array, at: number, last: number): number {
    let i = at
    while (i < last) {
      const byte = bytes[i]!
      const isDigit = byte >= 48 && byte <= 57
      switch (this.#within) {
        case NUMBER_INTEGER:
          if (isDigit) {
            i = this.#takeDigits(bytes, i, last)
            continue
          }
          if (byte === POINT) this.#within = NUMBER_FRACTION
          else if ((byte | 32) === 101) this.#within = NUMBER_EXPONENT
          else if (wordByte[byte] !== 0) this.#within = NUMBER_WORD
          else return this.#end(i)
          this.integer = -1
          i++
          continue
        case NUMBER_FRACTION:
          if (!isDigit) {
            if ((byte | 32) !== 101) return this.#end(i)
            this.#within = NUMBER_FRACTION_EXPONENT
          }
          i++
          continue
        case NUMBER_EXPONENT:
        case NUMBER_FRACTION_EXPONENT:
          if (byte === PLUS || byte === MINUS) {
            this.#within = NUMBER_SIGN
            this.sign = byte
            i++
          } else {
            this.#within = isDigit ? NUMBER_DIGITS : NUMBER_WORD
          }
          continue
        case NUMBER_SIGN:
          if (!isDigit) return this.#end(i)
          this.#within = NUMBER_DIGITS
          this.sign = 0
          continue
        case NUMBER_DIGITS:
          if (!isDigit) return this.#end(i)
          i++
          continue
        default:
          if (wordByte[byte] === 0) return this.#end(i)
          i++
      }
    }
    return i
  }

  #takeDigits(bytes: Uint8Array, at: number, last: number): number {
    let { integer } = this
    let i = at
    for (let digit = 0; i < last && (digit = bytes[i]! - 48) >= 0 && digit <= 9; i++) {
      if (integer < MAX_INTEGER) integer = integer * 10 + digit
    }
    this.integer = integer
    return i
  }

  #end(at: number): number {
    this.isOpen = false
    return at
  }
}
