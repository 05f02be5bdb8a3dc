/**
 * The bytes of a text to its tokens, by the rules of the lexers of MySQL and MariaDB. The loop of `write` takes blanks,
 * words and single marks, which are most of a text; what else may be cut by the end of a piece, or is rare, has methods
 * and files of its own, for the engine makes the better code of the loop the smaller it is.
 */

import { isTrailByte, sortOf, wordByte } from './bytes.ts'
import {
  AT_SIGN,
  BACKTICK,
  BYTE_AT,
  BYTE_BACKTICK,
  BYTE_CLOSE,
  BYTE_COMMA,
  BYTE_DOT,
  BYTE_HASH,
  BYTE_HIGH,
  BYTE_MINUS,
  BYTE_NONE,
  BYTE_OPEN,
  BYTE_OPERATOR,
  BYTE_PLACEHOLDER,
  BYTE_PLUS,
  BYTE_QUOTE,
  BYTE_SEMICOLON,
  BYTE_SLASH,
  BYTE_SPACE,
  BYTE_STAR,
  DIGIT_0,
  DIGIT_9,
  DOLLAR,
  DOUBLE_QUOTE,
  HASH_FIRST,
  HASH_FIRST_PRIME,
  HASH_SECOND,
  HASH_SECOND_PRIME,
  IN_AT,
  IN_COMMENT,
  IN_LINE_COMMENT,
  IN_MINUS,
  IN_NAME,
  IN_NUMBER,
  IN_POINT,
  IN_SLASH,
  IN_SPACE,
  IN_STAR,
  IN_STRING,
  IN_TWO_MINUS,
  IN_WORD,
  IN_WORD_TRAIL,
  LAST_CLAUSE,
  LAST_LITERAL,
  LAST_SIGN,
  LINE_FEED,
  MINUS,
  PLUS,
  SINGLE_QUOTE,
  SLASH,
  SPACE,
  STAR,
  UNDERSCORE,
} from './codes.ts'
import { CommentLexer } from './comment-lexer.ts'
import { NameLexer } from './name-lexer.ts'
import { NumberLexer } from './number-lexer.ts'
import type { StatementReader } from './reader.ts'
import type { ScanMode } from './scan-mode.ts'
import { StringLexer } from './string-lexer.ts'
import { findWord, lettersOfLiterals } from './vocabulary.ts'

export class Lexer {
  /** Bytes that came. */
  length = 0

  readonly #reader: StatementReader
  readonly #strings = new StringLexer()
  readonly #names: NameLexer
  readonly #numbers = new NumberLexer()
  readonly #comments = new CommentLexer()
  #wordBytes: Uint8Array = wordByte
  #ansiQuotes = false

  #in: number = IN_SPACE
  /** Hashes of a word that was cut. */
  #first = 0
  #second = 0
  /** A word touches the closing quote before it. */
  #touchesQuote = false
  /** Within an executed comment. */
  #isExecuting = false

  constructor(reader: StatementReader) {
    this.#reader = reader
    this.#names = new NameLexer(reader.form)
  }

  /** A text is to come. */
  begin(mode: ScanMode): void {
    const { leadBytes } = mode
    this.#strings.leads = leadBytes?.isLead
    this.#names.leads = leadBytes?.isLead
    this.#wordBytes = leadBytes?.wordByte ?? wordByte
    this.#ansiQuotes = mode.ansiQuotes
    this.#strings.escapes = !mode.noBackslashEscapes
    this.#comments.isMariaDb = mode.isMariaDb
    this.#comments.serverVersion = mode.serverVersion
    this.length = 0
    this.#in = IN_SPACE
    this.#touchesQuote = false
    this.#isExecuting = false
  }

  /** The next piece of the text. */
  write(bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader
    const { form } = reader
    const out = form.bytes
    // As 32-bit integers, lest the engine keeps them as tagged values throughout the loop.
    const base = (this.length - start) | 0
    const last = end | 0
    let i = start | 0
    if (this.#in !== IN_SPACE) i = this.#goOn(bytes, i, last, base)
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
          this.#first = first
          this.#second = second
          this.#in = IN_WORD
          i = this.#goOn(bytes, i, last, base)
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
          this.#numbers.begin(false)
          this.#in = IN_NUMBER
          i = this.#goOn(bytes, at, last, base)
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
          this.#begin(sort, bytes[i]!, i + base)
          i = this.#goOn(bytes, sort === BYTE_HIGH || sort === DOLLAR ? i : i + 1, last, base)
      }
    }
    this.length = base + end
  }

  /** The text is over. Returns whether the token that is open could end here. */
  end(): boolean {
    return this.#endToken() && !this.#isExecuting
  }

  /** A token begins whose first byte does not tell all; `at` is where. */
  #begin(sort: number, byte: number, at: number): void {
    const reader = this.#reader
    switch (sort) {
      case BYTE_HIGH:
      case DOLLAR:
        this.#beginWord()
        break
      case BYTE_QUOTE:
        if (this.#ansiQuotes && byte === DOUBLE_QUOTE) {
          this.#beginName(byte)
        } else {
          reader.beginString(at)
          this.#strings.begin(byte)
          this.#in = IN_STRING
        }
        break
      case BYTE_BACKTICK:
        this.#beginName(byte)
        break
      case BYTE_DOT: {
        const { last } = reader.form
        if (last >= LAST_CLAUSE && last <= LAST_LITERAL && reader.tokenEnd === at) reader.dot(at + 1)
        else this.#in = IN_POINT
        break
      }
      case BYTE_PLACEHOLDER:
        reader.literal(at + 1)
        break
      case BYTE_SEMICOLON:
        reader.semicolon(at + 1)
        break
      case BYTE_PLUS:
        reader.sign(byte, at + 1)
        break
      case BYTE_STAR:
        if (this.#isExecuting) this.#in = IN_STAR
        else reader.operator(byte, at + 1)
        break
      case BYTE_MINUS:
        this.#in = IN_MINUS
        break
      case BYTE_SLASH:
        this.#in = IN_SLASH
        break
      case BYTE_HASH:
        this.#in = IN_LINE_COMMENT
        break
      case BYTE_AT:
        this.#in = IN_AT
        break
    }
  }

  #beginName(quote: number): void {
    if (this.#reader.inRows) this.#reader.beginWordInRows()
    this.#names.begin(quote)
    this.#in = IN_NAME
  }

  /** Goes on with the token that is open, to its end or that of the bytes; returns which. */
  #goOn(bytes: Uint8Array, at: number, last: number, base: number): number {
    let i = at
    while (i < last && this.#in !== IN_SPACE) {
      switch (this.#in) {
        case IN_WORD:
          i = this.#goOnWord(bytes, i, last, base)
          break
        case IN_WORD_TRAIL:
          if (isTrailByte(bytes[i]!)) i++
          this.#in = IN_WORD
          break
        case IN_STRING:
          i = this.#strings.write(bytes, i, last)
          if (!this.#strings.isOpen) this.#endString(bytes[i]!, i + base)
          break
        case IN_NAME:
          i = this.#names.write(bytes, i, last)
          if (!this.#names.isOpen) this.#endName(i + base)
          break
        case IN_NUMBER:
          i = this.#numbers.write(bytes, i, last)
          if (!this.#numbers.isOpen) this.#endNumber(i + base)
          break
        case IN_COMMENT:
          i = this.#comments.write(bytes, i, last)
          if (!this.#comments.isOpen) this.#endComment()
          break
        case IN_LINE_COMMENT:
          while (i < last && bytes[i] !== LINE_FEED) i++
          if (i < last) this.#in = IN_SPACE
          break
        default:
          if (this.#goOnMark(bytes[i]!, i + base)) i++
      }
    }
    return i
  }

  #beginWord(): void {
    if (this.#reader.inRows) this.#reader.beginWordInRows()
    this.#reader.form.begin()
    this.#first = HASH_FIRST
    this.#second = HASH_SECOND
    this.#in = IN_WORD
  }

  /** Like the loop of `write`, for a word that was begun. */
  #goOnWord(bytes: Uint8Array, at: number, last: number, base: number): number {
    const { form } = this.#reader
    let i = at
    for (let folded = 0; i < last && (folded = this.#wordBytes[bytes[i]!]!) !== 0; i++) {
      this.#first = Math.imul(this.#first ^ folded, HASH_FIRST_PRIME)
      this.#second = Math.imul(this.#second ^ folded, HASH_SECOND_PRIME)
      form.bytes[form.length++] = folded
    }
    if (i === last) return i
    const next = bytes[i]!
    if (next >= 0x80) {
      // A lead byte: with what follows it is part of a word that means nothing.
      this.#first = 0
      this.#in = IN_WORD_TRAIL
      return i + 1
    }
    this.#endWord(i + base, next)
    return i
  }

  /** `next` is the byte behind it, 0 at the end. */
  #endWord(end: number, next: number): void {
    const reader = this.#reader
    const number = findWord(this.#first, this.#second)
    this.#in = IN_SPACE
    if (this.#touchesQuote) {
      this.#touchesQuote = false
      if (number === 0) reader.markBroken()
    }
    if (next === SINGLE_QUOTE || next === DOUBLE_QUOTE) {
      if (number === 0 && !reader.form.beginsWith(UNDERSCORE)) reader.markBroken()
      if (next === SINGLE_QUOTE && lettersOfLiterals[number] === 1) {
        reader.letterOfLiteral()
        return
      }
    }
    reader.word(number, end)
  }

  #endString(next: number, end: number): void {
    this.#in = IN_SPACE
    this.#reader.endString(end)
    const sort = sortOf(next)
    if (sort >= DIGIT_0 && sort <= DIGIT_9) {
      this.#reader.markBroken()
    } else if (sort >= DOLLAR || sort === BYTE_HIGH) {
      this.#touchesQuote = true
      this.#beginWord()
    }
  }

  #endName(end: number): void {
    this.#in = IN_SPACE
    const { quote, first, second } = this.#names
    const { form } = this.#reader
    if (quote === BACKTICK) form.bytes[form.length++] = BACKTICK
    this.#reader.name(findWord(first, second), quote === DOUBLE_QUOTE, end)
  }

  #endNumber(end: number): void {
    const reader = this.#reader
    const { integer, sign } = this.#numbers
    this.#in = IN_SPACE
    if (sign === 0) {
      if (integer < 0) reader.literal(end)
      else reader.integer(integer, end)
      return
    }
    // A name such as 1e, and an operator behind it.
    reader.literal(end - 1)
    if (sign === MINUS) this.#in = IN_MINUS
    else reader.sign(PLUS, end)
  }

  #endComment(): void {
    this.#in = IN_SPACE
    this.#isExecuting ||= this.#comments.isExecuted
    if (this.#comments.isVersioned) this.#reader.markVersioned()
  }

  /** The byte behind a mark that may be one of several; `at` is where. Returns whether it belongs to the mark. */
  #goOnMark(byte: number, at: number): boolean {
    const reader = this.#reader
    const within = this.#in
    this.#in = IN_SPACE
    switch (within) {
      case IN_POINT:
        if (byte < 48 || byte > 57) {
          reader.dot(at)
          return false
        }
        this.#numbers.begin(true)
        this.#in = IN_NUMBER
        return false
      case IN_MINUS:
        if (byte === MINUS) this.#in = IN_TWO_MINUS
        else reader.sign(MINUS, at)
        return byte === MINUS
      case IN_TWO_MINUS:
        if (byte <= 32 || byte === 127) {
          this.#in = IN_LINE_COMMENT
        } else {
          // The second one may itself begin a comment.
          reader.sign(MINUS, at - 1)
          this.#in = IN_MINUS
        }
        return false
      case IN_SLASH:
        if (byte !== STAR) {
          reader.operator(SLASH, at)
          return false
        }
        this.#comments.begin()
        this.#in = IN_COMMENT
        return true
      case IN_STAR:
        if (byte === SLASH) this.#isExecuting = false
        else reader.operator(STAR, at)
        return byte === SLASH
      default: {
        const isSystem = byte === AT_SIGN
        reader.at(isSystem, isSystem ? at + 1 : at)
        return isSystem
      }
    }
  }

  /** Ends the token that is open. Returns whether that was possible. */
  #endToken(): boolean {
    const reader = this.#reader
    const at = this.length
    switch (this.#in) {
      case IN_WORD:
      case IN_WORD_TRAIL:
        this.#endWord(at, 0)
        return true
      case IN_STRING:
        if (this.#strings.isComplete) reader.endString(at)
        return this.#strings.isComplete
      case IN_NAME:
        if (this.#names.isComplete) this.#endName(at)
        else reader.brokenName()
        return this.#names.isComplete
      case IN_NUMBER:
        this.#endNumber(at)
        if (this.#numbers.sign === MINUS) reader.sign(MINUS, at)
        return true
      case IN_POINT:
        reader.dot(at)
        return true
      case IN_MINUS:
        reader.sign(MINUS, at)
        return true
      case IN_SLASH:
        reader.operator(SLASH, at)
        return true
      case IN_STAR:
        reader.operator(STAR, at)
        return true
      case IN_AT:
        reader.at(false, at)
        return true
      default:
        return this.#in === IN_SPACE || this.#in === IN_LINE_COMMENT || this.#in === IN_TWO_MINUS
    }
  }
}
