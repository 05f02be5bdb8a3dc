/**
 * The bytes of a text to its tokens, by the rules of the lexers of MySQL and MariaDB. The loop takes blanks, words and
 * single marks, which are most of a text. What may be cut by the end of a piece, or is rare, is left to token-lexer.ts,
 * for the engine makes the better code of the loop the smaller it is.
 */

import { sortOf } from './bytes.ts'
import {
  BYTE_CLOSE,
  BYTE_COMMA,
  BYTE_DOT,
  BYTE_HIGH,
  BYTE_NONE,
  BYTE_OPEN,
  BYTE_OPERATOR,
  BYTE_QUOTE,
  BYTE_SPACE,
  DIGIT_0,
  DIGIT_9,
  DOLLAR,
  HASH_FIRST,
  HASH_FIRST_PRIME,
  HASH_SECOND,
  HASH_SECOND_PRIME,
  IN_SPACE,
  LAST_SIGN,
  SPACE,
} from './codes.ts'
import type { StatementReader } from './reader.ts'
import type { ScanMode } from './scan-mode.ts'
import { TokenLexer } from './token-lexer.ts'
import { findWord } from './vocabulary.ts'

export class Lexer {
  /** Bytes that came. */
  length = 0
  readonly #reader: StatementReader
  readonly #tokens: TokenLexer

  constructor(reader: StatementReader) {
    this.#reader = reader
    this.#tokens = new TokenLexer(reader)
  }

  /** A text is to come. */
  begin(mode: ScanMode): void {
    this.length = 0
    this.#tokens.beginText(mode)
  }

  /** The next piece of the text. */
  write(bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader
    const tokens = this.#tokens
    const { form } = reader
    const out = form.bytes
    // As 32-bit integers, lest the engine keeps them as tagged values throughout the loop.
    const base = (this.length - start) | 0
    const last = end | 0
    let i = start | 0
    if (tokens.within !== IN_SPACE) i = tokens.goOn(bytes, i, last, base)
    while (i < last) {
      let sort = sortOf(bytes[i]!)
      if (sort > DIGIT_9) {
        if (reader.inRows) reader.beginWordInRows()
        let length = form.length | 0
        form.tokenAt = length
        if (form.last > LAST_SIGN) out[length++] = SPACE
        let first: number = HASH_FIRST
        let second: number = HASH_SECOND
        do {
          first = Math.imul(first ^ sort, HASH_FIRST_PRIME)
          second = Math.imul(second ^ sort, HASH_SECOND_PRIME)
          out[length] = sort
          length = (length + 1) | 0
          i = (i + 1) | 0
          sort = i < last ? sortOf(bytes[i]!) : BYTE_NONE
        } while (sort >= DOLLAR)
        form.length = length
        if (sort === BYTE_NONE || sort === BYTE_HIGH || sort === BYTE_QUOTE) {
          tokens.goOnWord(first, second)
          i = tokens.goOn(bytes, i, last, base)
          continue
        }
        reader.word(findWord(first, second), i + base)
        if (sort === BYTE_SPACE) {
          i++
        } else if (sort === BYTE_DOT) {
          i++
          reader.dot(i + base)
        }
        continue
      }
      if (sort >= DIGIT_0) {
        const at = i
        do {
          i = (i + 1) | 0
          sort = i < last ? sortOf(bytes[i]!) : BYTE_NONE
        } while (sort >= DIGIT_0 && sort <= DIGIT_9)
        if (sort < BYTE_HIGH && sort !== BYTE_DOT && !reader.wantsInteger) {
          reader.literal(i + base)
        } else {
          tokens.beginNumber()
          i = tokens.goOn(bytes, at, last, base)
        }
        continue
      }
      switch (sort) {
        case BYTE_SPACE:
          i++
          break
        case BYTE_COMMA:
          i++
          reader.comma(i + base)
          if (i < last && bytes[i] === SPACE) i++
          break
        case BYTE_OPEN:
          i++
          reader.open(i + base)
          break
        case BYTE_CLOSE:
          i++
          reader.close(i + base)
          break
        case BYTE_OPERATOR:
          i++
          reader.operator(bytes[i - 1]!, i + base)
          break
        default:
          tokens.begin(sort, bytes[i]!, i + base)
          i = tokens.goOn(bytes, sort === BYTE_HIGH || sort === DOLLAR ? i : i + 1, last, base)
      }
    }
    this.length = base + end
  }

  /** The text is over. Returns whether the token that is open could end here. */
  end(): boolean {
    return this.#tokens.endText(this.length)
  }
}
