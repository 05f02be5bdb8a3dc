/**
 * One pass over the bytes of a statement: its kind, flags, parts and normal form, by the rules of the lexers of MySQL
 * and MariaDB. A byte automaton without lookahead, so that a statement may come in pieces of any size; memory is
 * bounded, nothing is allocated and nothing throws. Benchmark: bench/codecs/mysql.ts.
 */
import { ruleAgain, ruleAt, ruleFlags, ruleKind, ruleNext, ruleSets, stateOf } from './automaton.ts'
import { ByteClass, byteClass, isTrailByte, type LeadBytes, nameByte, wordByte } from './bytes.ts'
import { Last, NormalForm } from './digest.ts'
import { SetForm, StatementFlag, StatementKind } from './statement.ts'
import {
  findWord,
  functionFlags,
  grammarColumn,
  grammarColumns,
  Hash,
  schemaFlags,
  Trait,
  traits,
  variableReadFlags,
  variableSetFlags,
  wordNumber,
  words,
} from './vocabulary.ts'

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

/** Statements of one text whose kinds and ends are kept. */
export const MAX_PARTS = 32
/** Assignments of user variables in SETs that are kept. */
export const MAX_ASSIGNMENTS = 32

/** What the automaton is within. */
const In = {
  SPACE: 0,
  WORD: 1,
  /** A literal in quotes; behind a backslash in it; behind what may be its end. */
  STRING: 2,
  ESCAPE: 3,
  STRING_END: 4,
  /** A quoted name, and behind what may be its end. */
  NAME: 5,
  NAME_END: 6,
  INTEGER: 7,
  /** Digits and `e`; a sign behind it; the exponent's digits; digits behind a point, and `e` behind those. */
  EXPONENT: 8,
  EXPONENT_SIGN: 9,
  EXPONENT_DIGITS: 10,
  FRACTION: 11,
  FRACTION_EXPONENT: 12,
  /** The rest of a hexadecimal number or of a name that begins with a digit. */
  NUMBER_WORD: 13,
  POINT: 14,
  MINUS: 15,
  TWO_MINUS: 16,
  LINE_COMMENT: 17,
  SLASH: 18,
  COMMENT_START: 19,
  COMMENT_M: 20,
  COMMENT: 21,
  COMMENT_END: 22,
  VERSION: 23,
  STAR: 24,
  AT: 25,
  /** Behind the lead byte of a character of two bytes: in a literal, a name, a word. */
  STRING_TRAIL: 26,
  NAME_TRAIL: 27,
  WORD_TRAIL: 28,
} as const

const LF = 10
const BACKSLASH = 92
const STAR = 42
const SLASH = 47
const MINUS = 45
const PLUS = 43
const COLON = 58
const EQUALS = 61
const DOUBLE_QUOTE = 34
const BACKTICK = 96

/** MySQL's versions from here on mean nothing to MariaDB, which skips such comments. */
const FIRST_MYSQL_ONLY = 50700
const LAST_MYSQL_ONLY = 99999

const START = stateOf('start')
const BODY = stateOf('body')
const INTO = stateOf('into')
const SET = stateOf('set')
const SET_SESSION = stateOf('set-session')
const SET_AT = stateOf('set-at')
const SET_NAME = stateOf('set-name')
const SET_VALUE = stateOf('set-value')
const KILL = stateOf('kill')

const LAST_INSERT_ID = wordNumber('last_insert_id')
const VALUES = wordNumber('values')
const VALUE = wordNumber('value')
/** Letters that a quote turns into part of a literal: N'text', B'01', X'4D'. */
const isLetterOfLiteral = Uint8Array.from(words, word => Number(word === 'n' || word === 'b' || word === 'x'))

/** The rows of an INSERT, of which the digest shows the first. */
const Rows = { NONE: 0, WITHIN: 1, OVER: 2 } as const

const Kind = StatementKind
const Flag = StatementFlag
const ofKinds = (...kinds: number[]) =>
  Uint8Array.from({ length: Object.keys(StatementKind).length }, (_, kind) => Number(kinds.includes(kind)))
/** Statements that only read unless a flag says more. */
const reads = ofKinds(Kind.SELECT, Kind.WITH, Kind.TABLE, Kind.VALUES, Kind.DO, Kind.EXPLAIN, Kind.SHOW_SCHEMA)
/** What a WITH may turn out to be. */
const endsWith = ofKinds(Kind.SELECT, Kind.TABLE, Kind.VALUES, Kind.INSERT, Kind.REPLACE, Kind.UPDATE, Kind.DELETE)
/** Statements with rows. */
const inserts = ofKinds(Kind.INSERT, Kind.REPLACE)
/** Statements whose semicolons may be their own. */
const compounds = ofKinds(Kind.ROUTINE, Kind.COMPOUND)
/** Statements in which the server may write to any user variable. */
const writesVariables = ofKinds(Kind.CALL, Kind.LOAD_DATA, Kind.GET_DIAGNOSTICS)

/** What keeps a reading statement from a replica. */
const NOT_ON_REPLICA =
  Flag.USER_VARIABLE_READ |
  Flag.USER_VARIABLE_WRITE |
  Flag.SYSTEM_VARIABLE_READ |
  Flag.NAMED_LOCK |
  Flag.NAMED_UNLOCK |
  Flag.NAMED_UNLOCK_ALL |
  Flag.CALC_FOUND_ROWS |
  Flag.FOUND_ROWS |
  Flag.ROW_COUNT |
  Flag.LAST_INSERT_ID_READ |
  Flag.LAST_INSERT_ID_WRITE |
  Flag.CONNECTION_ID |
  Flag.WARNINGS_READ |
  Flag.LOCKING_READ |
  Flag.INTO_FILE |
  Flag.SERVER_LOCAL |
  Flag.UNKNOWN_FUNCTION |
  Flag.VERSIONED_COMMENT |
  Flag.BROKEN
/** What a stored program's text tells even though it is only stored. */
const OF_TEXT = Flag.BROKEN | Flag.VERSIONED_COMMENT | Flag.PASSWORD | Flag.MULTI

export class StatementScanner {
  /** StatementKind of the first statement; EMPTY when there is none. */
  kind: number = Kind.EMPTY
  /** Bits of StatementFlag, of all statements together. */
  flags = 0
  /** Bits of SetForm, of all SETs together. */
  sets = 0
  /** How many statements the text has. */
  statements = 0
  /** Whether any replica could answer: false when in doubt. */
  readOnly = false
  /** The number behind KILL; -1 when it is none or an expression. */
  killId = -1
  /** How many assignments to user variables SETs contain; at most MAX_ASSIGNMENTS are kept. */
  assignments = 0
  /** Bytes of the text. */
  length = 0

  /** Kinds of the first MAX_PARTS statements. */
  readonly kinds = new Uint8Array(MAX_PARTS)
  /** Where they end, from the start of the text, semicolon included. */
  readonly ends = new Float64Array(MAX_PARTS)
  /** Of each assignment: start and end of the variable behind `@`, of the value, and 1 if that is one literal. */
  readonly assignmentSpans = new Float64Array(5 * MAX_ASSIGNMENTS)

  readonly #form = new NormalForm()
  #leads: LeadBytes | undefined
  #ansiQuotes = false
  #escapes = true
  #isMariaDb = false
  #version = 0

  #in: number = In.SPACE
  #first = 0
  #second = 0
  /** Where the word begins in the digest. */
  #wordStart = 0
  #quote = 0
  /** Where the last token ended, and the last literal in quotes. */
  #tokenEnd = -1
  #quoteEnd = -1
  /** Digits of a number or version that was begun, while they fit. */
  #number = 0
  #digits = 0
  #isVersionOfMariaDb = false
  /** Levels of comments to skip; within an executed comment. */
  #commentLevel = 0
  #isExecuting = false
  /** A word touches the closing quote before it. */
  #touchesQuote = false

  #state = START
  #statementKind: number = Kind.EMPTY
  #depth = 0
  /** The depth at which the statement itself stands, as in `(SELECT 1)`. */
  #baseDepth = 0
  /** The word before, when it may be a function or schema: its number, 0 for an unknown one; -1: no word. */
  #name = -1
  #isQualified = false
  /** Within `@x` 1, within `@@x` 2. */
  #variable = 0
  /** The parenthesis of LAST_INSERT_ID was opened last; the flags before it. */
  #isLastInsertId = false
  #flagsBefore = 0
  #operatorBefore = 0
  #rows: number = Rows.NONE
  /** Flags before a stored program. */
  #outerFlags = 0
  #allRead = true
  #isAssigning = false
  #valueForm = -1

  /** A text is to come. */
  begin(mode: ScanMode): void {
    this.#leads = mode.leadBytes
    this.#ansiQuotes = mode.ansiQuotes
    this.#escapes = !mode.noBackslashEscapes
    this.#isMariaDb = mode.isMariaDb
    this.#version = mode.serverVersion
    this.kind = Kind.EMPTY
    this.flags = 0
    this.sets = 0
    this.statements = 0
    this.readOnly = false
    this.killId = -1
    this.assignments = 0
    this.length = 0
    this.#form.reset()
    this.#in = In.SPACE
    this.#tokenEnd = -1
    this.#isExecuting = false
    this.#quoteEnd = -1
    this.#operatorBefore = 0
    this.#allRead = true
    this.#beginStatement()
  }

  /** The whole text at once. */
  scan(bytes: Uint8Array, start: number, end: number, mode: ScanMode): void {
    this.begin(mode)
    this.write(bytes, start, end)
    this.end()
  }

  /** The next piece of the text. */
  write(bytes: Uint8Array, start: number, end: number): void {
    const form = this.#form
    const out = form.bytes
    const base = this.length - start
    let state = this.#in
    let i = start
    while (i < end) {
      const byte = bytes[i]!
      switch (state) {
        case In.SPACE:
          switch (byteClass[byte]) {
            case ByteClass.SPACE:
              i++
              break
            case ByteClass.WORD:
              this.#touchesQuote = i + base === this.#quoteEnd
              if (this.#rows === Rows.WITHIN && this.#depth <= this.#baseDepth) this.#endRows()
              form.begin()
              this.#first = Hash.FIRST
              this.#second = Hash.SECOND
              this.#wordStart = form.length
              state = In.WORD
              break
            case ByteClass.COMMA:
              i++
              this.#comma(i + base)
              break
            case ByteClass.DIGIT:
              if (i + base === this.#quoteEnd) this.flags |= Flag.BROKEN
              this.#number = 0
              state = In.INTEGER
              break
            case ByteClass.DOT:
              i++
              if (form.last >= Last.CLAUSE && form.last <= Last.LITERAL && this.#tokenEnd === i - 1 + base) {
                this.#dot(i + base)
              } else {
                state = In.POINT
              }
              break
            case ByteClass.OPEN:
              i++
              this.#open(i + base)
              break
            case ByteClass.CLOSE:
              i++
              this.#close(i + base)
              break
            case ByteClass.QUOTE:
              this.#quote = byte
              i++
              if (this.#ansiQuotes && byte === DOUBLE_QUOTE) {
                this.#beginName()
                state = In.NAME
              } else {
                this.#string(i - 1 + base)
                state = In.STRING
              }
              break
            case ByteClass.BACKTICK:
              this.#quote = byte
              i++
              this.#beginName()
              state = In.NAME
              break
            case ByteClass.PLACEHOLDER:
              i++
              this.#literal(i + base)
              break
            case ByteClass.STAR:
              i++
              if (this.#isExecuting) state = In.STAR
              else this.#operator(byte, i + base)
              break
            case ByteClass.MINUS:
              i++
              state = In.MINUS
              break
            case ByteClass.PLUS:
              i++
              this.#sign(byte, i + base)
              break
            case ByteClass.SLASH:
              i++
              state = In.SLASH
              break
            case ByteClass.HASH:
              i++
              state = In.LINE_COMMENT
              break
            case ByteClass.AT:
              i++
              state = In.AT
              break
            case ByteClass.SEMICOLON:
              i++
              this.#semicolon(i + base)
              break
            default:
              i++
              this.#operator(byte, i + base)
          }
          break

        case In.WORD: {
          let first = this.#first
          let second = this.#second
          let length = form.length
          const leads = this.#leads
          let folded = 0
          while (i < end && (folded = wordByte[bytes[i]!]!) !== 0) {
            if (leads !== undefined && leads[bytes[i]!] === 1) {
              state = In.WORD_TRAIL
              i++
              first = 0
              break
            }
            first = Math.imul(first ^ folded, Hash.FIRST_PRIME)
            second = Math.imul(second ^ folded, Hash.SECOND_PRIME)
            out[length++] = folded
            i++
          }
          form.length = length
          this.#first = first
          this.#second = second
          if (i < end && state === In.WORD) {
            this.#word(i + base, bytes[i]!)
            state = In.SPACE
          }
          break
        }

        case In.WORD_TRAIL:
          if (isTrailByte(byte)) i++
          state = In.WORD
          break

        case In.STRING: {
          const quote = this.#quote
          const leads = this.#leads
          while (i < end) {
            const inner = bytes[i++]!
            if (inner === quote) {
              state = In.STRING_END
              break
            }
            if (inner === BACKSLASH && this.#escapes) {
              state = In.ESCAPE
              break
            }
            if (leads !== undefined && leads[inner] === 1) {
              state = In.STRING_TRAIL
              break
            }
          }
          break
        }

        case In.STRING_TRAIL:
          if (isTrailByte(byte)) i++
          state = In.STRING
          break

        case In.ESCAPE:
          if (this.#leads !== undefined && this.#leads[byte] === 1) {
            i++
            state = In.STRING_TRAIL
          } else {
            i++
            state = In.STRING
          }
          break

        case In.STRING_END:
          if (byte === this.#quote) {
            i++
            state = In.STRING
          } else {
            this.#endString(i + base)
            state = In.SPACE
          }
          break

        case In.NAME: {
          const quote = this.#quote
          const leads = this.#leads
          let first = this.#first
          let second = this.#second
          let length = form.length
          while (i < end) {
            const inner = bytes[i++]!
            if (inner === quote) {
              state = In.NAME_END
              break
            }
            const folded = nameByte[inner]!
            first = Math.imul(first ^ folded, Hash.FIRST_PRIME)
            second = Math.imul(second ^ folded, Hash.SECOND_PRIME)
            out[length++] = folded
            if (leads !== undefined && leads[inner] === 1) {
              state = In.NAME_TRAIL
              break
            }
          }
          form.length = length
          this.#first = first
          this.#second = second
          break
        }

        case In.NAME_TRAIL:
          if (isTrailByte(byte)) {
            this.#first = Math.imul(this.#first ^ byte, Hash.FIRST_PRIME)
            out[form.length++] = byte
            i++
          }
          state = In.NAME
          break

        case In.NAME_END:
          if (byte === this.#quote) {
            this.#first = Math.imul(this.#first ^ byte, Hash.FIRST_PRIME)
            out[form.length++] = byte
            out[form.length++] = byte
            i++
            state = In.NAME
          } else {
            this.#endName(i + base)
            state = In.SPACE
          }
          break

        case In.INTEGER: {
          let number = this.#number
          let digit = 0
          while (i < end && (digit = bytes[i]! - 48) >= 0 && digit <= 9) {
            if (number < 1e14) number = number * 10 + digit
            i++
          }
          this.#number = number
          if (i < end) {
            const next = bytes[i]!
            if (next === 46) {
              i++
              state = In.FRACTION
            } else if ((next | 32) === 101) {
              i++
              state = In.EXPONENT
            } else if (wordByte[next] !== 0) {
              state = In.NUMBER_WORD
            } else {
              this.#integer(i + base)
              state = In.SPACE
            }
          }
          break
        }

        case In.EXPONENT:
          if (byte >= 48 && byte <= 57) {
            state = In.EXPONENT_DIGITS
          } else if (byte === PLUS || byte === MINUS) {
            this.#quote = byte
            i++
            state = In.EXPONENT_SIGN
          } else {
            state = In.NUMBER_WORD
          }
          break

        case In.EXPONENT_SIGN:
          if (byte >= 48 && byte <= 57) {
            state = In.EXPONENT_DIGITS
          } else {
            // A name such as 1e, and an operator behind it.
            this.#literal(i - 1 + base)
            if (this.#quote === MINUS) state = In.MINUS
            else {
              this.#sign(PLUS, i + base)
              state = In.SPACE
            }
          }
          break

        case In.EXPONENT_DIGITS:
          while (i < end && bytes[i]! >= 48 && bytes[i]! <= 57) i++
          if (i < end) {
            this.#literal(i + base)
            state = In.SPACE
          }
          break

        case In.FRACTION:
          while (i < end && bytes[i]! >= 48 && bytes[i]! <= 57) i++
          if (i < end) {
            if ((bytes[i]! | 32) === 101) {
              i++
              state = In.FRACTION_EXPONENT
            } else {
              this.#literal(i + base)
              state = In.SPACE
            }
          }
          break

        case In.FRACTION_EXPONENT:
          if (byte === PLUS || byte === MINUS) {
            this.#quote = byte
            i++
            state = In.EXPONENT_SIGN
          } else {
            state = byte >= 48 && byte <= 57 ? In.EXPONENT_DIGITS : In.NUMBER_WORD
          }
          break

        case In.NUMBER_WORD:
          while (i < end && wordByte[bytes[i]!] !== 0) i++
          if (i < end) {
            this.#literal(i + base)
            state = In.SPACE
          }
          break

        case In.POINT:
          if (byte >= 48 && byte <= 57) {
            state = In.FRACTION
          } else {
            this.#dot(i + base)
            state = In.SPACE
          }
          break

        case In.MINUS:
          if (byte === MINUS) {
            i++
            state = In.TWO_MINUS
          } else {
            this.#sign(MINUS, i + base)
            state = In.SPACE
          }
          break

        case In.TWO_MINUS:
          if (byte <= 32 || byte === 127) {
            state = In.LINE_COMMENT
          } else {
            // The second one may itself begin a comment.
            this.#sign(MINUS, i - 1 + base)
            state = In.MINUS
          }
          break

        case In.LINE_COMMENT: {
          while (i < end && bytes[i] !== LF) i++
          if (i < end) {
            i++
            state = In.SPACE
          }
          break
        }

        case In.SLASH:
          if (byte === STAR) {
            i++
            state = In.COMMENT_START
          } else {
            this.#operator(SLASH, i + base)
            state = In.SPACE
          }
          break

        case In.COMMENT_START:
          this.#commentLevel = 0
          if (byte === 33) {
            i++
            this.#isVersionOfMariaDb = false
            this.#number = 0
            this.#digits = 0
            state = In.VERSION
          } else if (byte === 77 && this.#isMariaDb) {
            i++
            state = In.COMMENT_M
          } else {
            state = In.COMMENT
          }
          break

        case In.COMMENT_M:
          if (byte === 33) {
            i++
            this.#isVersionOfMariaDb = true
            this.#number = 0
            this.#digits = 0
            state = In.VERSION
          } else {
            state = In.COMMENT
          }
          break

        case In.VERSION:
          if (byte >= 48 && byte <= 57 && this.#digits < 6) {
            this.#number = this.#number * 10 + byte - 48
            this.#digits++
            i++
          } else {
            state = this.#startVersionedComment()
          }
          break

        case In.COMMENT:
          while (i < end && bytes[i] !== STAR && (this.#commentLevel === 0 || bytes[i] !== SLASH)) i++
          if (i < end) {
            this.#quote = bytes[i]!
            i++
            state = In.COMMENT_END
          }
          break

        case In.COMMENT_END:
          // #quote is the byte before: `*` and `/` close, `/` and `*` open another level of a skipped comment.
          state = In.COMMENT
          if (this.#quote === STAR && byte === SLASH) {
            i++
            if (this.#commentLevel <= 1) state = In.SPACE
            else this.#commentLevel--
          } else if (this.#quote === SLASH && byte === STAR) {
            i++
            this.#commentLevel++
          }
          break

        case In.STAR:
          if (byte === SLASH) {
            i++
            this.#isExecuting = false
          } else {
            this.#operator(STAR, i + base)
          }
          state = In.SPACE
          break

        case In.AT:
          if (byte === 64) {
            i++
            this.#at(true, i + base)
          } else {
            this.#at(false, i + base)
          }
          state = In.SPACE
          break
      }
    }
    this.#in = state
    this.length = base + end
  }

  /** The text is over: the facts hold. */
  end(): void {
    this.#endToken()
    if (this.#isExecuting) this.flags |= Flag.BROKEN
    if (this.#state !== START || this.#depth > 0) this.#endStatement(this.length)
    if (this.statements > 1) this.flags |= Flag.MULTI
    this.readOnly = this.statements > 0 && this.#allRead && this.sets === 0 && (this.flags & NOT_ON_REPLICA) === 0
    this.#form.end((this.flags & Flag.BROKEN) !== 0)
  }

  /** The normal form, see digest.ts; allocates. */
  digestText(): string {
    return this.#form.toString()
  }

  /** 64 bits of the normal form as 16 hexadecimal digits; allocates. */
  digestHex(): string {
    return this.#form.hex()
  }

  /** 53 bits of the same, as the key of a table. */
  digestKey(): number {
    return this.#form.key()
  }

  #endToken(): void {
    const at = this.length
    switch (this.#in) {
      case In.WORD:
      case In.WORD_TRAIL:
        this.#word(at, 0)
        break
      case In.STRING_END:
        this.#endString(at)
        break
      case In.NAME_END:
        this.#endName(at)
        break
      case In.INTEGER:
        this.#integer(at)
        break
      case In.EXPONENT:
      case In.EXPONENT_DIGITS:
      case In.FRACTION:
      case In.FRACTION_EXPONENT:
      case In.NUMBER_WORD:
        this.#literal(at)
        break
      case In.EXPONENT_SIGN:
        this.#literal(at - 1)
        this.#sign(this.#quote, at)
        break
      case In.POINT:
        this.#dot(at)
        break
      case In.MINUS:
        this.#sign(MINUS, at)
        break
      case In.SLASH:
      case In.STAR:
        this.#operator(this.#in === In.SLASH ? SLASH : STAR, at)
        break
      case In.AT:
        this.#at(false, at)
        break
      case In.NAME:
      case In.NAME_TRAIL:
        this.#form.takeBack()
        this.#form.quoted()
        this.flags |= Flag.BROKEN
        break
      case In.STRING:
      case In.STRING_TRAIL:
      case In.ESCAPE:
      case In.COMMENT_START:
      case In.COMMENT_M:
      case In.COMMENT:
      case In.COMMENT_END:
      case In.VERSION:
        this.flags |= Flag.BROKEN
    }
  }

  #beginStatement(): void {
    this.#state = START
    this.#statementKind = Kind.EMPTY
    this.#depth = 0
    this.#baseDepth = 0
    this.#name = -1
    this.#variable = 0
    this.#isLastInsertId = false
    this.#rows = Rows.NONE
    this.#isAssigning = false
  }

  #endStatement(end: number): void {
    this.#endAssignment()
    if (this.#state === START) this.#setKind(Kind.OTHER)
    const kind = this.#statementKind
    if (kind === Kind.ROUTINE) this.flags = this.#outerFlags | (this.flags & OF_TEXT)
    if (this.statements === 0) this.kind = kind
    if (this.statements < MAX_PARTS) {
      this.kinds[this.statements] = kind
      this.ends[this.statements] = end
    }
    this.statements++
    if (reads[kind] === 0) this.#allRead = false
    this.#beginStatement()
  }

  #setKind(kind: number): void {
    this.#statementKind = kind
    this.#baseDepth = this.#depth
    if (kind === Kind.ROUTINE) this.#outerFlags = this.flags
  }

  /** Something other than a word begins the statement. */
  #startOther(): void {
    this.#setKind(Kind.OTHER)
    this.#state = BODY
  }

  /** `next` is the byte behind the word, 0 at the end. */
  #word(end: number, next: number): void {
    const form = this.#form
    const number = findWord(this.#first, this.#second)
    const trait = traits[number]!
    const { before } = form
    this.#tokenEnd = end
    if (number === 0 && this.#touchesQuote) this.flags |= Flag.BROKEN
    if (next === 39 || next === DOUBLE_QUOTE) {
      if (number === 0 && form.bytes[this.#wordStart] !== 95) this.flags |= Flag.BROKEN
      if (isLetterOfLiteral[number] === 1 && next === 39) {
        form.takeBack()
        this.#name = -1
        return
      }
    }
    if ((trait & Trait.LITERAL) !== 0 && (before === Last.OPEN || before === Last.COMMA || before === Last.OPERATOR)) {
      form.takeBack()
      form.literal()
      this.#name = -1
      return
    }
    form.last = (trait & Trait.CLAUSE) !== 0 ? Last.CLAUSE : Last.WORD
    this.#name = number
    this.#isQualified = before === Last.DOT
    if (before === Last.DOT || before === Last.AT) {
      this.#namePart(number, before)
      return
    }
    this.#variable = 0
    const state = this.#state
    if (state === SET || state === SET_SESSION) this.flags |= variableSetFlags[number]!
    if (state !== BODY || grammarColumn[number] !== 0) this.#step(number)
  }

  /** A word or quoted name behind a dot or `@`. */
  #namePart(number: number, before: number): void {
    if (before === Last.AT) this.#name = -1
    if (this.#variable !== 2) return
    if (before === Last.AT && this.#state === SET_AT) {
      this.flags |= variableSetFlags[number]!
      this.#step(number)
    } else {
      this.flags |= this.#state === SET_NAME ? variableSetFlags[number]! : variableReadFlags[number]!
    }
  }

  #step(number: number): void {
    const column = grammarColumn[number]!
    if (this.#state === START) this.#baseDepth = this.#depth
    let rule = ruleAt[this.#state * grammarColumns + column]!
    this.#apply(rule)
    if (ruleAgain[rule] === 1) {
      rule = ruleAt[this.#state * grammarColumns + column]!
      this.#apply(rule)
    }
    if (this.#state !== BODY || this.#depth > this.#baseDepth) return
    if (this.#statementKind === Kind.WITH) {
      const kind = ruleKind[ruleAt[START * grammarColumns + column]!]!
      if (endsWith[kind] === 1) this.#statementKind = kind
    } else if (this.#rows === Rows.NONE && (number === VALUES || number === VALUE)) {
      if (inserts[this.#statementKind] === 1) this.#rows = Rows.WITHIN
    }
  }

  #apply(rule: number): void {
    const kind = ruleKind[rule]!
    if (kind >= 0) this.#setKind(kind)
    this.flags |= ruleFlags[rule]!
    this.sets |= ruleSets[rule]!
    this.#state = ruleNext[rule]!
  }

  #beginName(): void {
    const form = this.#form
    if (this.#rows === Rows.WITHIN && this.#depth <= this.#baseDepth) this.#endRows()
    form.begin()
    if (this.#quote === BACKTICK) form.bytes[form.length++] = BACKTICK
    this.#first = Hash.FIRST
    this.#second = Hash.SECOND
  }

  #endName(end: number): void {
    const form = this.#form
    const { before } = form
    const number = findWord(this.#first, this.#second)
    if (this.#quote === BACKTICK) {
      form.bytes[form.length++] = BACKTICK
      form.last = Last.WORD
    } else {
      form.takeBack()
      form.quoted()
      this.#quoteEnd = end
    }
    this.#tokenEnd = end
    // Only as a function or a schema does a quoted name mean what the plain one does.
    this.#name = (traits[number]! & Trait.FUNCTION) !== 0 || schemaFlags[number] !== 0 ? number : 0
    this.#isQualified = before === Last.DOT
    if (before === Last.DOT || before === Last.AT) {
      this.#namePart(number, before)
      return
    }
    this.#variable = 0
    const state = this.#state
    if (state === SET || state === SET_SESSION) this.flags |= variableSetFlags[number]!
    if (state !== BODY) this.#step(0)
  }

  #endRows(): void {
    this.#rows = Rows.OVER
    this.#form.endRows()
  }

  /** A literal in quotes begins at `at`. */
  #string(at: number): void {
    if (this.#state === START) this.#startOther()
    // A number that touches a quote.
    if (this.#form.last === Last.LITERAL && at === this.#tokenEnd && at !== this.#quoteEnd) this.flags |= Flag.BROKEN
    this.#form.quoted()
    this.#name = -1
  }

  #endString(end: number): void {
    this.#tokenEnd = end
    this.#quoteEnd = end
  }

  #integer(end: number): void {
    if (this.#state === KILL && this.killId < 0) this.killId = this.#number
    this.#literal(end)
  }

  #literal(end: number): void {
    if (this.#state === START) this.#startOther()
    this.#form.literal()
    this.#name = -1
    this.#tokenEnd = end
  }

  #operator(byte: number, end: number): void {
    if (this.#state === START) this.#startOther()
    const adjacent = this.#tokenEnd === end - 1
    this.#form.operator(byte, adjacent)
    this.#name = -1
    this.#tokenEnd = end
    if (byte === EQUALS) {
      if (this.#state === SET_NAME) this.#beginValue(end)
      else if (adjacent && this.#operatorBefore === COLON && this.#variable === 1)
        this.flags |= Flag.USER_VARIABLE_WRITE
    }
    this.#operatorBefore = byte
  }

  #sign(byte: number, end: number): void {
    if (this.#state === START) this.#startOther()
    this.#form.sign(byte)
    this.#name = -1
    this.#tokenEnd = end
    this.#operatorBefore = byte
  }

  #dot(end: number): void {
    if (this.#state === START) this.#startOther()
    if (this.#name > 0 && !this.#isQualified) this.flags |= schemaFlags[this.#name]!
    this.#form.dot()
    this.#name = -1
    this.#tokenEnd = end
  }

  #comma(end: number): void {
    const state = this.#state
    if (state === START) this.#startOther()
    if (this.#depth <= this.#baseDepth) {
      if (state === SET_VALUE || state === SET_NAME) {
        this.#endAssignment()
        this.#state = SET
      } else if (this.#rows === Rows.WITHIN) {
        this.#form.leaveOutRows()
      }
    }
    this.#form.comma()
    this.#name = -1
    this.#tokenEnd = end
  }

  #open(end: number): void {
    this.#isLastInsertId = false
    if (this.#name >= 0) this.#call(this.#name)
    this.#form.open()
    this.#depth++
    this.#name = -1
    this.#tokenEnd = end
  }

  /** A word or quoted name stands before a parenthesis. */
  #call(name: number): void {
    if (!this.#isQualified) {
      if (name === LAST_INSERT_ID) {
        this.#isLastInsertId = true
        this.#flagsBefore = this.flags
        this.flags |= Flag.LAST_INSERT_ID_WRITE
        return
      }
      this.flags |= functionFlags[name]!
      if ((traits[name]! & (Trait.FUNCTION | Trait.CLAUSE)) !== 0) return
    }
    const kind = this.#statementKind
    if (reads[kind] === 1 && (kind !== Kind.WITH || this.#depth > this.#baseDepth)) this.flags |= Flag.UNKNOWN_FUNCTION
  }

  #close(end: number): void {
    if (this.#state === START) this.#startOther()
    if (this.#isLastInsertId && this.#form.last === Last.OPEN) this.flags = this.#flagsBefore | Flag.LAST_INSERT_ID_READ
    this.#isLastInsertId = false
    this.#form.close()
    if (this.#depth > 0) this.#depth--
    this.#name = -1
    this.#tokenEnd = end
  }

  #at(isSystem: boolean, end: number): void {
    if (this.#state === START) this.#startOther()
    const isAccount = this.#quoteEnd === end - 1 && !isSystem
    this.#form.at(isSystem)
    this.#name = -1
    this.#tokenEnd = end
    this.#variable = isSystem ? 2 : 1
    if (this.#state === SET) {
      if (isSystem) this.#state = SET_AT
      else this.#beginAssignment(end)
    } else if (isSystem) {
      this.flags |= Flag.SYSTEM_VARIABLE_READ
    } else if (!isAccount) {
      this.flags |= Flag.USER_VARIABLE_READ
      if (this.#state === INTO || writesVariables[this.#statementKind] === 1) this.flags |= Flag.USER_VARIABLE_WRITE
    }
  }

  #beginAssignment(at: number): void {
    this.#state = SET_NAME
    this.sets |= SetForm.USER
    this.flags |= Flag.USER_VARIABLE_WRITE
    this.#isAssigning = true
    this.#valueForm = -1
    if (this.assignments < MAX_ASSIGNMENTS) this.assignmentSpans[5 * this.assignments] = at
  }

  /** Behind the `=` of an item of a SET. */
  #beginValue(end: number): void {
    this.#state = SET_VALUE
    this.#valueForm = this.#form.length
    if (!this.#isAssigning || this.assignments >= MAX_ASSIGNMENTS) return
    const at = 5 * this.assignments
    this.assignmentSpans[at + 1] = end - 1
    this.assignmentSpans[at + 2] = end
  }

  #endAssignment(): void {
    if (!this.#isAssigning) return
    this.#isAssigning = false
    if (this.assignments < MAX_ASSIGNMENTS) {
      const at = 5 * this.assignments
      const form = this.#form
      // The normal form of one literal is a blank and a question mark.
      const isLiteral = this.#valueForm >= 0 && form.last === Last.LITERAL && form.length === this.#valueForm + 2
      this.assignmentSpans[at + 3] = this.#tokenEnd
      this.assignmentSpans[at + 4] = Number(isLiteral)
    }
    this.assignments++
  }

  #semicolon(end: number): void {
    if (compounds[this.#statementKind] === 1) {
      if (this.#statementKind === Kind.ROUTINE) {
        this.flags = this.#outerFlags | (this.flags & OF_TEXT)
      }
      this.flags |= Flag.MULTI
      this.#state = BODY
    } else if (this.#state !== START || this.#depth > 0) {
      this.#endStatement(end)
    }
    this.#form.semicolon()
    this.#tokenEnd = end
  }

  /** Behind `/*!` and the version's digits. Returns what the automaton is within then. */
  #startVersionedComment(): number {
    const version = this.#digits >= 5 ? this.#number : 0
    if (version >= FIRST_MYSQL_ONLY || this.#isVersionOfMariaDb) this.flags |= Flag.VERSIONED_COMMENT
    const isOtherProducts =
      this.#isMariaDb && !this.#isVersionOfMariaDb && version >= FIRST_MYSQL_ONLY && version <= LAST_MYSQL_ONLY
    if (this.#version === 0 || (version <= this.#version && !isOtherProducts)) {
      this.#isExecuting = true
      return In.SPACE
    }
    this.#commentLevel = 1
    return In.COMMENT
  }
}
