/**
 * A word from where the loop of the lexer cannot go on: the piece of the text ends in it, it has characters beyond ASCII,
 * or it touches a quote. It is written to the normal form and hashed as there.
 */
import { isTrailByte, wordByte } from './bytes.ts'
import {
  DOUBLE_QUOTE,
  HASH_FIRST,
  HASH_FIRST_PRIME,
  HASH_SECOND,
  HASH_SECOND_PRIME,
  SINGLE_QUOTE,
  UNDERSCORE,
} from './codes.ts'
import type { StatementReader } from './reader.ts'
import { findWord, lettersOfLiterals } from './vocabulary.ts'

export class WordLexer {
  /** Bytes of words to lower case, all others and lead bytes to 0. */
  wordBytes: Uint8Array = wordByte
  /** More bytes may belong to it. */
  isOpen = false
  readonly #reader: StatementReader
  /** Hashes of what came so far. */
  #first = 0
  #second = 0
  /** It touches the closing quote before it. */
  #touchesQuote = false
  /** The byte before was a lead byte. */
  #isTrail = false

  constructor(reader: StatementReader) {
    this.#reader = reader
  }

  /** Its first byte is next. */
  begin(touchesQuote: boolean): void {
    if (this.#reader.inRows) this.#reader.beginWordInRows()
    this.#reader.form.begin()
    this.goOn(HASH_FIRST, HASH_SECOND)
    this.#touchesQuote = touchesQuote
  }

  /** Takes over from the loop, with the hashes of what is in the normal form already. */
  goOn(first: number, second: number): void {
    this.isOpen = true
    this.#first = first
    this.#second = second
    this.#touchesQuote = false
    this.#isTrail = false
  }

  /** Takes what belongs to it of the bytes from `at` to `last`; returns where that ends. `base` + `at`: in the text. */
  write(bytes: Uint8Array, at: number, last: number, base: number): number {
    const { form } = this.#reader
    const { wordBytes } = this
    let i = at
    while (i < last) {
      const byte = bytes[i]!
      if (this.#isTrail) {
        this.#isTrail = false
        if (isTrailByte(byte)) i++
        continue
      }
      const folded = wordBytes[byte]!
      if (folded !== 0) {
        this.#first = Math.imul(this.#first ^ folded, HASH_FIRST_PRIME)
        this.#second = Math.imul(this.#second ^ folded, HASH_SECOND_PRIME)
        form.bytes[form.length++] = folded
      } else if (byte >= 0x80) {
        // A lead byte: with what follows it is part of a word that means nothing.
        this.#first = 0
        this.#isTrail = true
      } else {
        this.end(byte, i + base)
        return i
      }
      i++
    }
    return i
  }

  /** It is over; `next` is the byte behind it, 0 at the end of the text. */
  end(next: number, end: number): void {
    const reader = this.#reader
    const number = findWord(this.#first, this.#second)
    this.isOpen = false
    if (this.#touchesQuote && number === 0) reader.markBroken()
    if (next === SINGLE_QUOTE || next === DOUBLE_QUOTE) {
      if (number === 0 && !reader.form.beginsWith(UNDERSCORE)) reader.markBroken()
      if (next === SINGLE_QUOTE && lettersOfLiterals[number] === 1) {
        reader.letterOfLiteral()
        return
      }
    }
    reader.word(number, end)
  }
}
