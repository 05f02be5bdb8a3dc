/**
 * One pass over the bytes of a statement: its kind, flags, parts and normal form, by the rules of the lexers of MySQL
 * and MariaDB. A byte automaton without lookahead, so that a statement may come in pieces of any size; memory is
 * bounded, nothing is allocated and nothing throws. Benchmark: bench/codecs/mysql.ts.
 */

import { byteClass, isTrailByte, type LeadBytes, nameByte, wordByte } from './bytes.ts'
import {
  BACKSLASH,
  BACKTICK,
  BYTE_AT,
  BYTE_BACKTICK,
  BYTE_CLOSE,
  BYTE_COMMA,
  BYTE_DIGIT,
  BYTE_DOT,
  BYTE_HASH,
  BYTE_MINUS,
  BYTE_OPEN,
  BYTE_PLACEHOLDER,
  BYTE_PLUS,
  BYTE_QUOTE,
  BYTE_SEMICOLON,
  BYTE_SLASH,
  BYTE_SPACE,
  BYTE_STAR,
  BYTE_WORD,
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
  IN_NAME_END,
  IN_NAME_TRAIL,
  IN_NUMBER,
  IN_POINT,
  IN_SLASH,
  IN_SPACE,
  IN_STAR,
  IN_STRING,
  IN_STRING_END,
  IN_STRING_ESCAPE,
  IN_STRING_TRAIL,
  IN_TWO_MINUS,
  IN_WORD,
  IN_WORD_TRAIL,
  LAST_CLAUSE,
  LAST_LITERAL,
  LAST_SIGN,
  LINE_FEED,
  MINUS,
  PLUS,
  POINT,
  SINGLE_QUOTE,
  SLASH,
  SPACE,
  STAR,
  UNDERSCORE,
} from './codes.ts'
import { CommentLexer } from './comment-lexer.ts'
import { NumberLexer } from './number-lexer.ts'
import { StatementReader } from './reader.ts'
import { findWord, lettersOfLiterals } from './vocabulary.ts'

/** What decides how the server reads a statement. */
export interface ScanMode {
  /** ANSI_QUOTES is in sql_mode. */
  readonly ansiQuotes: boolean
  /** SERVER_STATUS_NO_BACKSLASH_ESCAPES is set. */
  readonly noBackslashEscapes: boolean
  readonly isMariaDb: boolean
  /** As in versioned comments, such as 90704 or 101119; 0 when not known: then all of them count as executed. */
  readonly serverVersion: number
  /** Of `character_set_client`, by `leadBytesOf`. */
  readonly leadBytes?: LeadBytes | undefined
}

export const DEFAULT_SCAN_MODE: ScanMode = {
  ansiQuotes: false,
  noBackslashEscapes: false,
  isMariaDb: false,
  serverVersion: 0,
}

export class StatementScanner {
  readonly #reader = new StatementReader()
  readonly #numbers = new NumberLexer()
  readonly #comments = new CommentLexer()
  #length = 0
  #leads: Uint8Array | undefined
  #wordBytes: Uint8Array = wordByte
  #ansiQuotes = false
  #escapes = true

  #in: number = IN_SPACE
  /** Hashes of a word or name that was cut. */
  #first = 0
  #second = 0
  /** The quote that is open. */
  #quote = 0
  /** A word touches the closing quote before it. */
  #touchesQuote = false
  /** Within an executed comment. */
  #isExecuting = false

  /** StatementKind of the first statement; EMPTY when there is none. */
  get kind(): number {
    return this.#reader.kind
  }

  /** Bits of StatementFlag, of all statements together. */
  get flags(): number {
    return this.#reader.flags
  }

  /** Bits of SetForm, of all SETs together. */
  get sets(): number {
    return this.#reader.sets
  }

  /** How many statements the text has; to a mere comment behind a semicolon the server answers too, with an OK. */
  get statements(): number {
    return this.#reader.statements
  }

  /** Whether any replica could answer: false when in doubt. */
  get readOnly(): boolean {
    return this.#reader.readOnly
  }

  /** The number behind KILL; -1 when it is none or an expression. */
  get killId(): number {
    return this.#reader.killId
  }

  /** How many assignments to user variables SETs contain; at most MAX_ASSIGNMENTS are kept. */
  get assignments(): number {
    return this.#reader.assignments
  }

  /** Bytes of the text. */
  get length(): number {
    return this.#length
  }

  /** Kinds of the first MAX_PARTS statements. */
  get kinds(): Readonly<Uint8Array> {
    return this.#reader.kinds
  }

  /** Where they end, from the start of the text, semicolon included. */
  get ends(): Readonly<Float64Array> {
    return this.#reader.ends
  }

  /** Of each assignment: start and end of the variable behind `@`, of the value, and 1 if that is one literal. */
  get assignmentSpans(): Readonly<Float64Array> {
    return this.#reader.assignmentSpans
  }

  /** A text is to come. */
  begin(mode: ScanMode): void {
    const { leadBytes } = mode
    this.#leads = leadBytes?.isLead
    this.#wordBytes = leadBytes?.wordByte ?? wordByte
    this.#ansiQuotes = mode.ansiQuotes
    this.#escapes = !mode.noBackslashEscapes
    this.#comments.isMariaDb = mode.isMariaDb
    this.#comments.serverVersion = mode.serverVersion
    this.#length = 0
    this.#in = IN_SPACE
    this.#touchesQuote = false
    this.#isExecuting = false
    this.#reader.begin()
  }

  /** The whole text at once. */
  scan(bytes: Uint8Array, start: number, end: number, mode: ScanMode): void {
    this.begin(mode)
    this.write(bytes, start, end)
    this.end()
  }

  /** The next piece of the text. */
  write(bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader
    const numbers = this.#numbers
    const comments = this.#comments
    const { form } = reader
    const out = form.bytes
    const classes = byteClass
    const wordBytes = this.#wordBytes
    // As 32-bit integers, lest the engine keeps them as tagged values throughout the loop.
    let first = this.#first | 0
    let second = this.#second | 0
    const base = (this.#length - start) | 0
    const last = end | 0
    let state = this.#in | 0
    let i = start | 0
    while (i < last) {
      const byte = bytes[i]!
      // Blanks and words are most of a text: they pass by no switch.
      if (state === IN_SPACE) {
        const sort = classes[byte]!
        if (sort === BYTE_SPACE) {
          i++
          continue
        }
        if (sort === BYTE_WORD) {
          if (reader.inRows) reader.beginWordInRows()
          form.tokenAt = form.length
          if (form.last > LAST_SIGN) out[form.length++] = SPACE
          first = HASH_FIRST
          second = HASH_SECOND
          state = IN_WORD
        } else {
          switch (sort) {
            case BYTE_COMMA:
              i++
              reader.comma(i + base)
              if (i < last && bytes[i] === SPACE) i++
              break
            case BYTE_DIGIT:
              numbers.begin(false)
              state = IN_NUMBER
              break
            case BYTE_DOT:
              i++
              if (form.last >= LAST_CLAUSE && form.last <= LAST_LITERAL && reader.tokenEnd === i - 1 + base) {
                reader.dot(i + base)
              } else {
                state = IN_POINT
              }
              break
            case BYTE_OPEN:
              i++
              reader.open(i + base)
              break
            case BYTE_CLOSE:
              i++
              reader.close(i + base)
              break
            case BYTE_QUOTE:
              this.#quote = byte
              i++
              if (this.#ansiQuotes && byte === DOUBLE_QUOTE) {
                this.#beginName(reader)
                first = HASH_FIRST
                second = HASH_SECOND
                state = IN_NAME
              } else {
                reader.beginString(i - 1 + base)
                state = IN_STRING
              }
              break
            case BYTE_BACKTICK:
              this.#quote = byte
              i++
              this.#beginName(reader)
              first = HASH_FIRST
              second = HASH_SECOND
              state = IN_NAME
              break
            case BYTE_PLACEHOLDER:
              i++
              reader.literal(i + base)
              break
            case BYTE_STAR:
              i++
              if (this.#isExecuting) state = IN_STAR
              else reader.operator(byte, i + base)
              break
            case BYTE_MINUS:
              i++
              state = IN_MINUS
              break
            case BYTE_PLUS:
              i++
              reader.sign(byte, i + base)
              break
            case BYTE_SLASH:
              i++
              state = IN_SLASH
              break
            case BYTE_HASH:
              i++
              state = IN_LINE_COMMENT
              break
            case BYTE_AT:
              i++
              state = IN_AT
              break
            case BYTE_SEMICOLON:
              i++
              reader.semicolon(i + base)
              break
            default:
              i++
              reader.operator(byte, i + base)
          }
          continue
        }
      }
      if (state === IN_WORD) {
        let length = form.length | 0
        let folded = 0
        while (i < last && (folded = wordBytes[bytes[i]!]!) !== 0) {
          first = Math.imul(first ^ folded, HASH_FIRST_PRIME)
          second = Math.imul(second ^ folded, HASH_SECOND_PRIME)
          out[length++] = folded
          i++
        }
        form.length = length
        if (i === last) break
        const next = bytes[i]!
        if (next >= 0x80) {
          // A lead byte: with what follows it is part of a word that means nothing.
          first = 0
          i++
          state = IN_WORD_TRAIL
          continue
        }
        if (next === SINGLE_QUOTE || next === DOUBLE_QUOTE || this.#touchesQuote) {
          this.#endWordAtQuote(first, second, i + base, next)
        } else {
          reader.word(findWord(first, second), i + base)
          if (next === SPACE) {
            i++
          } else if (next === POINT) {
            i++
            reader.dot(i + base)
          }
        }
        state = IN_SPACE
        continue
      }
      switch (state) {
        case IN_WORD_TRAIL:
          if (isTrailByte(byte)) i++
          state = IN_WORD
          break

        case IN_STRING: {
          const quote = this.#quote
          const escapeByte = this.#escapes ? BACKSLASH : quote
          const leads = this.#leads
          while (i < last) {
            const inner = bytes[i++]!
            if (inner === quote) {
              state = IN_STRING_END
              break
            }
            if (inner === escapeByte) {
              state = IN_STRING_ESCAPE
              break
            }
            if (leads !== undefined && leads[inner] === 1) {
              state = IN_STRING_TRAIL
              break
            }
          }
          break
        }

        case IN_STRING_TRAIL:
          if (isTrailByte(byte)) i++
          state = IN_STRING
          break

        case IN_STRING_ESCAPE:
          // One byte, also of a character of two.
          i++
          state = IN_STRING
          break

        case IN_STRING_END:
          if (byte === this.#quote) {
            i++
            state = IN_STRING
          } else {
            reader.endString(i + base)
            state = IN_SPACE
            if (byteClass[byte] === BYTE_WORD) this.#touchesQuote = true
            else if (byteClass[byte] === BYTE_DIGIT) reader.markBroken()
          }
          break

        case IN_NAME: {
          const quote = this.#quote
          const leads = this.#leads
          let length = form.length | 0
          while (i < last) {
            const inner = bytes[i++]!
            if (inner === quote) {
              state = IN_NAME_END
              break
            }
            const folded = nameByte[inner]!
            first = Math.imul(first ^ folded, HASH_FIRST_PRIME)
            second = Math.imul(second ^ folded, HASH_SECOND_PRIME)
            out[length++] = folded
            if (leads !== undefined && leads[inner] === 1) {
              state = IN_NAME_TRAIL
              break
            }
          }
          form.length = length
          break
        }

        case IN_NAME_TRAIL:
          if (isTrailByte(byte)) {
            first = Math.imul(first ^ byte, HASH_FIRST_PRIME)
            out[form.length++] = byte
            i++
          }
          state = IN_NAME
          break

        case IN_NAME_END:
          if (byte === this.#quote) {
            first = Math.imul(first ^ byte, HASH_FIRST_PRIME)
            out[form.length++] = byte
            out[form.length++] = byte
            i++
            state = IN_NAME
          } else {
            this.#endName(first, second, i + base)
            state = IN_SPACE
          }
          break

        case IN_NUMBER:
          i = numbers.write(bytes, i, last)
          if (numbers.isOpen) break
          state = IN_SPACE
          if (numbers.sign === 0) {
            this.#endNumber(i + base)
          } else {
            // A name such as 1e, and an operator behind it.
            reader.literal(i - 1 + base)
            if (numbers.sign === MINUS) state = IN_MINUS
            else reader.sign(PLUS, i + base)
          }
          break

        case IN_POINT:
          if (byte >= 48 && byte <= 57) {
            numbers.begin(true)
            state = IN_NUMBER
          } else {
            reader.dot(i + base)
            state = IN_SPACE
          }
          break

        case IN_MINUS:
          if (byte === MINUS) {
            i++
            state = IN_TWO_MINUS
          } else {
            reader.sign(MINUS, i + base)
            state = IN_SPACE
          }
          break

        case IN_TWO_MINUS:
          if (byte <= 32 || byte === 127) {
            state = IN_LINE_COMMENT
          } else {
            // The second one may itself begin a comment.
            reader.sign(MINUS, i - 1 + base)
            state = IN_MINUS
          }
          break

        case IN_LINE_COMMENT: {
          while (i < last && bytes[i] !== LINE_FEED) i++
          if (i < last) {
            i++
            state = IN_SPACE
          }
          break
        }

        case IN_SLASH:
          if (byte === STAR) {
            i++
            comments.begin()
            state = IN_COMMENT
          } else {
            reader.operator(SLASH, i + base)
            state = IN_SPACE
          }
          break

        case IN_COMMENT:
          i = comments.write(bytes, i, last)
          if (comments.isOpen) break
          state = IN_SPACE
          this.#isExecuting ||= comments.isExecuted
          if (comments.isVersioned) reader.markVersioned()
          break

        case IN_STAR:
          if (byte === SLASH) {
            i++
            this.#isExecuting = false
          } else {
            reader.operator(STAR, i + base)
          }
          state = IN_SPACE
          break

        case IN_AT:
          if (byte === 64) {
            i++
            reader.at(true, i + base)
          } else {
            reader.at(false, i + base)
          }
          state = IN_SPACE
          break
      }
    }
    this.#in = state
    this.#first = first
    this.#second = second
    this.#length = base + end
  }

  /** The text is over: the facts hold. */
  end(): void {
    this.#reader.end(this.#length, this.#endToken() && !this.#isExecuting)
  }

  /** The normal form, see digest.ts; allocates. */
  digestText(): string {
    return this.#reader.form.toString()
  }

  /** 64 bits of the normal form as 16 hexadecimal digits; allocates. */
  digestHex(): string {
    return this.#reader.form.hex()
  }

  /** 53 bits of the same, as the key of a table. */
  digestKey(): number {
    return this.#reader.form.key()
  }

  /** Ends the token that is open. Returns whether that was possible. */
  #endToken(): boolean {
    const reader = this.#reader
    const at = this.#length
    switch (this.#in) {
      case IN_WORD:
      case IN_WORD_TRAIL:
        this.#endWordAtQuote(this.#first, this.#second, at, 0)
        return true
      case IN_STRING_END:
        reader.endString(at)
        return true
      case IN_NAME_END:
        this.#endName(this.#first, this.#second, at)
        return true
      case IN_NUMBER:
        if (this.#numbers.sign === 0) {
          this.#endNumber(at)
        } else {
          reader.literal(at - 1)
          reader.sign(this.#numbers.sign, at)
        }
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
      case IN_NAME:
      case IN_NAME_TRAIL:
        reader.brokenName()
        return false
      default:
        return this.#in === IN_SPACE || this.#in === IN_LINE_COMMENT || this.#in === IN_TWO_MINUS
    }
  }

  /** A word ends that has a quote before or behind it; `next` is the byte behind it, 0 at the end. */
  #endWordAtQuote(first: number, second: number, end: number, next: number): void {
    const reader = this.#reader
    const number = findWord(first, second)
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

  #endNumber(end: number): void {
    if (this.#numbers.integer < 0) this.#reader.literal(end)
    else this.#reader.integer(this.#numbers.integer, end)
  }

  #beginName(reader: StatementReader): void {
    const { form } = reader
    if (reader.inRows) reader.beginWordInRows()
    form.begin()
    if (this.#quote === BACKTICK) form.bytes[form.length++] = BACKTICK
  }

  #endName(first: number, second: number, end: number): void {
    const { form } = this.#reader
    if (this.#quote === BACKTICK) form.bytes[form.length++] = BACKTICK
    this.#reader.name(findWord(first, second), this.#quote === DOUBLE_QUOTE, end)
  }
}
