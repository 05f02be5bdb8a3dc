/**
 * Tokens of more bytes than one, of which each may be cut by the end of a piece: which one is open, and what its end
 * means. Where quotes, comments, words and numbers end, files of their own tell.
 */

import { sortOf, wordByte } from './bytes.ts'
import {
  AT_SIGN,
  BACKTICK,
  BYTE_AT,
  BYTE_BACKTICK,
  BYTE_DOT,
  BYTE_HASH,
  BYTE_HIGH,
  BYTE_MINUS,
  BYTE_PLACEHOLDER,
  BYTE_PLUS,
  BYTE_QUOTE,
  BYTE_SEMICOLON,
  BYTE_SLASH,
  BYTE_STAR,
  DIGIT_0,
  DIGIT_9,
  DOLLAR,
  DOUBLE_QUOTE,
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
  LAST_CLAUSE,
  LAST_LITERAL,
  LINE_FEED,
  MINUS,
  PLUS,
  SLASH,
  STAR,
} from './codes.ts'
import { CommentLexer } from './comment-lexer.ts'
import { NameLexer } from './name-lexer.ts'
import { NumberLexer } from './number-lexer.ts'
import type { StatementReader } from './reader.ts'
import type { ScanMode } from './scan-mode.ts'
import { StringLexer } from './string-lexer.ts'
import { findWord } from './vocabulary.ts'
import { WordLexer } from './word-lexer.ts'

export class TokenLexer {
  /** What is open. */
  within: number = IN_SPACE

  readonly #reader: StatementReader
  readonly #words: WordLexer
  readonly #strings = new StringLexer()
  readonly #names: NameLexer
  readonly #numbers = new NumberLexer()
  readonly #comments = new CommentLexer()
  #ansiQuotes = false
  /** Within an executed comment. */
  #isExecuting = false

  constructor(reader: StatementReader) {
    this.#reader = reader
    this.#words = new WordLexer(reader)
    this.#names = new NameLexer(reader.form)
  }

  /** A text is to come. */
  beginText(mode: ScanMode): void {
    const { leadBytes } = mode
    this.#strings.leads = leadBytes?.isLead
    this.#names.leads = leadBytes?.isLead
    this.#words.wordBytes = leadBytes?.wordByte ?? wordByte
    this.#ansiQuotes = mode.ansiQuotes
    this.#strings.escapes = !mode.noBackslashEscapes
    this.#comments.isMariaDb = mode.isMariaDb
    this.#comments.serverVersion = mode.serverVersion
    this.within = IN_SPACE
    this.#isExecuting = false
  }

  /** The text is over, `at` bytes long. Returns whether what is open could end here. */
  endText(at: number): boolean {
    return this.#endToken(at) && !this.#isExecuting
  }

  /** A token begins whose first byte does not tell all; `at` is where. */
  begin(sort: number, byte: number, at: number): void {
    const reader = this.#reader
    switch (sort) {
      case BYTE_HIGH:
      case DOLLAR:
        this.#words.begin(false)
        this.within = IN_WORD
        break
      case BYTE_QUOTE:
        if (this.#ansiQuotes && byte === DOUBLE_QUOTE) {
          this.#beginName(byte)
        } else {
          reader.beginString(at)
          this.#strings.begin(byte)
          this.within = IN_STRING
        }
        break
      case BYTE_BACKTICK:
        this.#beginName(byte)
        break
      case BYTE_DOT: {
        const { last } = reader.form
        if (last >= LAST_CLAUSE && last <= LAST_LITERAL && reader.tokenEnd === at) reader.dot(at + 1)
        else this.within = IN_POINT
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
        if (this.#isExecuting) this.within = IN_STAR
        else reader.operator(byte, at + 1)
        break
      case BYTE_MINUS:
        this.within = IN_MINUS
        break
      case BYTE_SLASH:
        this.within = IN_SLASH
        break
      case BYTE_HASH:
        this.within = IN_LINE_COMMENT
        break
      case BYTE_AT:
        this.within = IN_AT
        break
    }
  }

  #beginName(quote: number): void {
    if (this.#reader.inRows) this.#reader.beginWordInRows()
    this.#names.begin(quote)
    this.within = IN_NAME
  }

  /** A number begins; its first digit is next. */
  beginNumber(): void {
    this.#numbers.begin(false)
    this.within = IN_NUMBER
  }

  /** A word cannot go on in the loop; the hashes of what came of it. */
  goOnWord(first: number, second: number): void {
    this.#words.goOn(first, second)
    this.within = IN_WORD
  }

  /** Goes on with the token that is open, to its end or that of the bytes; returns which. */
  goOn(bytes: Uint8Array, at: number, last: number, base: number): number {
    let i = at
    while (i < last && this.within !== IN_SPACE) {
      switch (this.within) {
        case IN_WORD:
          i = this.#words.write(bytes, i, last, base)
          if (!this.#words.isOpen) this.within = IN_SPACE
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
          if (i < last) this.within = IN_SPACE
          break
        default:
          if (this.#goOnMark(bytes[i]!, i + base)) i++
      }
    }
    return i
  }

  #endString(next: number, end: number): void {
    this.within = IN_SPACE
    this.#reader.endString(end)
    const sort = sortOf(next)
    if (sort >= DIGIT_0 && sort <= DIGIT_9) {
      this.#reader.markBroken()
    } else if (sort >= DOLLAR || sort === BYTE_HIGH) {
      this.#words.begin(true)
      this.within = IN_WORD
    }
  }

  #endName(end: number): void {
    this.within = IN_SPACE
    const { quote, first, second } = this.#names
    const { form } = this.#reader
    if (quote === BACKTICK) form.bytes[form.length++] = BACKTICK
    this.#reader.name(findWord(first, second), quote === DOUBLE_QUOTE, end)
  }

  #endNumber(end: number): void {
    const reader = this.#reader
    const { integer, sign } = this.#numbers
    this.within = IN_SPACE
    if (sign === 0) {
      if (integer < 0) reader.literal(end)
      else reader.integer(integer, end)
      return
    }
    // A name such as 1e, and an operator behind it.
    reader.literal(end - 1)
    if (sign === MINUS) this.within = IN_MINUS
    else reader.sign(PLUS, end)
  }

  #endComment(): void {
    this.within = IN_SPACE
    this.#isExecuting ||= this.#comments.isExecuted
    if (this.#comments.isVersioned) this.#reader.markVersioned()
  }

  /** The byte behind a mark that may be one of several; `at` is where. Returns whether it belongs to the mark. */
  #goOnMark(byte: number, at: number): boolean {
    const reader = this.#reader
    const within = this.within
    this.within = IN_SPACE
    switch (within) {
      case IN_POINT:
        if (byte < 48 || byte > 57) {
          reader.dot(at)
          return false
        }
        this.#numbers.begin(true)
        this.within = IN_NUMBER
        return false
      case IN_MINUS:
        if (byte === MINUS) this.within = IN_TWO_MINUS
        else reader.sign(MINUS, at)
        return byte === MINUS
      case IN_TWO_MINUS:
        if (byte <= 32 || byte === 127) {
          this.within = IN_LINE_COMMENT
        } else {
          // The second one may itself begin a comment.
          reader.sign(MINUS, at - 1)
          this.within = IN_MINUS
        }
        return false
      case IN_SLASH:
        if (byte !== STAR) {
          reader.operator(SLASH, at)
          return false
        }
        this.#comments.begin()
        this.within = IN_COMMENT
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
  #endToken(at: number): boolean {
    const reader = this.#reader
    switch (this.within) {
      case IN_WORD:
        this.#words.end(0, at)
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
        return this.within === IN_SPACE || this.within === IN_LINE_COMMENT || this.within === IN_TWO_MINUS
    }
  }
}
