/**
 * The tokens of a text to its facts: the automaton of the grammar, and what needs more than words: parentheses,
 * variables, calls, assignments, semicolons.
 */

import { Assignments } from './assignments.ts'
import { ruleAgain, ruleAt, ruleFlags, ruleKind, ruleNext, ruleSets, stateOf } from './automaton.ts'
import {
  BODY,
  COLON,
  EQUALS,
  LAST_AT,
  LAST_CLAUSE,
  LAST_COMMA,
  LAST_DOT,
  LAST_LITERAL,
  LAST_OPEN,
  LAST_OPERATOR,
  LAST_WORD,
  START,
  TRAIT_CLAUSE,
  TRAIT_FUNCTION,
  TRAIT_GRAMMAR,
  TRAIT_LITERAL,
} from './codes.ts'
import { NormalForm } from './digest.ts'
import { StatementFlag as Flag, StatementKind as Kind, SetForm, statementKindNames } from './statement.ts'
import { compounds, endsWith, inserts, NOT_ON_REPLICA, OF_TEXT, reads, writesVariables } from './statement-sets.ts'
import {
  functionFlags,
  grammarColumn,
  grammarColumns,
  schemaFlags,
  traits,
  variableReadFlags,
  variableSetFlags,
  wordNumber,
} from './vocabulary.ts'

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

/** Statements of one text whose kinds and ends are kept. */
export const MAX_PARTS = 32
/** Takes the tokens of a text, one method for each sort; `end` is where the token ends, from the text's start. */
export class StatementReader {
  /** What is known so far; scanner.ts tells what each means. */
  kind: number = Kind.EMPTY
  flags = 0
  sets = 0
  statements = 0
  readOnly = false
  killId = -1
  readonly kinds = new Uint8Array(MAX_PARTS)
  readonly ends = new Float64Array(MAX_PARTS)

  readonly form = new NormalForm()
  readonly assignments = new Assignments(this.form)
  /** Where the last token ended, and the last literal in quotes. */
  tokenEnd = -1
  quoteEnd = -1
  /** Within the rows of an INSERT, of which the digest shows the first. */
  inRows = false

  #state: number = START
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
  #hadRows = false
  /** Within a stored program, and the flags before it. */
  #isStoring = false
  #outerFlags = 0
  #allRead = true
  /** Where the number behind KILL ends in the normal form. */
  #killForm = -1

  /** A text is to come. */
  begin(): void {
    this.kind = Kind.EMPTY
    this.flags = 0
    this.sets = 0
    this.statements = 0
    this.readOnly = false
    this.killId = -1
    this.assignments.reset()
    this.form.reset()
    this.tokenEnd = -1
    this.quoteEnd = -1
    this.#operatorBefore = 0
    this.#allRead = true
    this.#beginStatement()
  }

  /** The text is over. `isWhole`: no quote or comment is open. */
  end(at: number, isWhole: boolean): void {
    if (!isWhole) this.flags |= Flag.BROKEN
    if (this.#state !== START || this.#depth > 0) this.#endStatement(at)
    if (this.statements > 1) this.flags |= Flag.MULTI
    this.readOnly = this.statements > 0 && this.#allRead && this.sets === 0 && (this.flags & NOT_ON_REPLICA) === 0
    if ((this.flags & Flag.BROKEN) === 0) this.form.end()
    else this.form.replace(statementKindNames[this.kind]!)
  }

  /** A quote is misplaced. */
  markBroken(): void {
    this.flags |= Flag.BROKEN
  }

  /** A versioned comment is read otherwise by other servers. */
  markVersioned(): void {
    this.flags |= Flag.VERSIONED_COMMENT
  }

  #beginStatement(): void {
    this.#state = START
    this.#statementKind = Kind.EMPTY
    this.#depth = 0
    this.#baseDepth = 0
    this.#name = -1
    this.#variable = 0
    this.#isLastInsertId = false
    this.inRows = false
    this.#hadRows = false
    this.#isStoring = false
  }

  #endStatement(end: number): void {
    this.assignments.end(this.tokenEnd)
    if (this.#state === START) this.#setKind(Kind.OTHER)
    const kind = this.#statementKind
    if (this.killId >= 0 && this.#killForm !== this.form.length) this.killId = -1
    this.#leaveProgram()
    if (this.statements === 0) this.kind = kind
    if (this.statements < MAX_PARTS) {
      this.kinds[this.statements] = kind
      this.ends[this.statements] = end
    }
    this.statements++
    if (reads[kind] === 0 || kind === Kind.WITH) this.#allRead = false
    this.#beginStatement()
  }

  #setKind(kind: number): void {
    this.#statementKind = kind
    this.#baseDepth = this.#depth
    if (kind === Kind.ROUTINE) {
      this.#isStoring = true
      this.#outerFlags = this.flags
    }
  }

  /** A stored program was not run, so that its flags do not count; from its first semicolon on there is no telling. */
  #leaveProgram(): void {
    if (!this.#isStoring) return
    this.#isStoring = false
    this.flags = this.#outerFlags | (this.flags & OF_TEXT)
  }

  /** Something other than a word begins the statement. */
  #startOther(): void {
    this.#setKind(Kind.OTHER)
    this.#state = BODY
  }

  /** The rows of an INSERT end with a word that is in none of them. */
  beginWordInRows(): void {
    if (this.#depth > this.#baseDepth) return
    this.inRows = false
    this.form.endRows()
  }

  /** A word with its number in the vocabulary ends; its bytes are in the normal form. */
  word(number: number, end: number): void {
    const { form } = this
    const before = form.last
    const trait = traits[number]!
    this.tokenEnd = end
    if (trait === 0) {
      form.listAt = -1
      form.last = LAST_WORD
    } else if (trait & TRAIT_LITERAL && (before === LAST_OPEN || before === LAST_COMMA || before === LAST_OPERATOR)) {
      form.takeBack()
      form.literal()
      this.#name = -1
      return
    } else {
      form.word(trait & TRAIT_CLAUSE ? LAST_CLAUSE : LAST_WORD)
    }
    this.#name = number
    if (before === LAST_DOT || before === LAST_AT) {
      this.#part(number, before)
      return
    }
    this.#isQualified = false
    this.#variable = 0
    const state = this.#state
    if (state === BODY) {
      if (trait & TRAIT_GRAMMAR) this.#step(number)
      return
    }
    if (state === SET || state === SET_SESSION) this.flags |= variableSetFlags[number]!
    this.#step(number)
  }

  /** N, B or X before a quote are part of the literal. */
  letterOfLiteral(): void {
    this.form.takeBack()
    this.#name = -1
  }

  /** A word or quoted name behind a dot or `@`. */
  #part(number: number, before: number): void {
    this.#isQualified = true
    if (before === LAST_AT) this.#name = -1
    if (this.#variable !== 2) return
    if (before === LAST_AT && this.#state === SET_AT) {
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
    } else if (!this.#hadRows && (number === VALUES || number === VALUE)) {
      this.#hadRows = true
      this.inRows = inserts[this.#statementKind] === 1
    }
  }

  #apply(rule: number): void {
    const kind = ruleKind[rule]!
    if (kind >= 0) this.#setKind(kind)
    this.flags |= ruleFlags[rule]!
    this.sets |= ruleSets[rule]!
    this.#state = ruleNext[rule]!
  }

  /** A quoted name ends; in double quotes it is a literal for the normal form, lest a mistaken mode shows one. */
  name(number: number, isLiteral: boolean, end: number): void {
    const { form } = this
    const before = form.last
    this.tokenEnd = end
    if (isLiteral) {
      form.takeBack()
      form.literal()
      this.quoteEnd = end
    } else {
      form.word(LAST_WORD)
    }
    // Only as a function or a schema does a quoted name mean what the plain one does.
    this.#name = (traits[number]! & TRAIT_FUNCTION) !== 0 || schemaFlags[number] !== 0 ? number : 0
    if (before === LAST_DOT || before === LAST_AT) {
      this.#part(number, before)
      return
    }
    this.#isQualified = false
    this.#variable = 0
    const state = this.#state
    if (state === BODY) return
    if (state === SET || state === SET_SESSION) this.flags |= variableSetFlags[number]!
    this.#step(0)
  }

  /** A quoted name does not end. */
  brokenName(): void {
    this.form.takeBack()
    this.form.literal()
  }

  /** A literal in quotes begins at `at`. */
  beginString(at: number): void {
    if (this.#state === START) this.#startOther()
    // A number that touches a quote.
    if (this.form.last === LAST_LITERAL && at === this.tokenEnd && at !== this.quoteEnd) this.flags |= Flag.BROKEN
    this.form.literal()
    this.#name = -1
  }

  endString(end: number): void {
    this.tokenEnd = end
    this.quoteEnd = end
  }

  /** The value of an integer that comes now matters. */
  get wantsInteger(): boolean {
    return this.#state === KILL
  }

  integer(value: number, end: number): void {
    if (this.#state === KILL && this.killId < 0 && this.form.last >= LAST_CLAUSE && this.form.last <= LAST_WORD) {
      this.killId = value
      // A blank and a question mark, and nothing behind them: else it is the beginning of an expression.
      this.#killForm = this.form.length + 2
    }
    this.literal(end)
  }

  literal(end: number): void {
    if (this.#state === START) this.#startOther()
    this.form.literal()
    this.#name = -1
    this.tokenEnd = end
  }

  operator(byte: number, end: number): void {
    if (this.#state === START) this.#startOther()
    const adjacent = this.tokenEnd === end - 1
    this.form.operator(byte, adjacent)
    this.#name = -1
    this.tokenEnd = end
    if (byte === EQUALS) {
      if (this.#state === SET_NAME) {
        this.#state = SET_VALUE
        this.assignments.beginValue(end)
      } else if (adjacent && this.#operatorBefore === COLON && this.#variable === 1)
        this.flags |= Flag.USER_VARIABLE_WRITE
    }
    this.#operatorBefore = byte
  }

  sign(byte: number, end: number): void {
    if (this.#state === START) this.#startOther()
    this.form.sign(byte)
    this.#name = -1
    this.tokenEnd = end
    this.#operatorBefore = byte
  }

  dot(end: number): void {
    if (this.#state === START) this.#startOther()
    if (this.#name > 0 && !this.#isQualified) this.flags |= schemaFlags[this.#name]!
    this.form.dot()
    this.#name = -1
    this.tokenEnd = end
  }

  comma(end: number): void {
    const state = this.#state
    if (state === START) this.#startOther()
    if (this.#depth <= this.#baseDepth) {
      if (state === SET_VALUE || state === SET_NAME) {
        this.assignments.end(this.tokenEnd)
        this.#state = SET
      } else if (this.inRows) {
        this.form.leaveOutRows()
      }
    }
    this.form.comma()
    this.#name = -1
    this.tokenEnd = end
  }

  open(end: number): void {
    this.#isLastInsertId = false
    if (this.#name >= 0) this.#call(this.#name)
    this.form.open()
    this.#depth++
    this.#name = -1
    this.tokenEnd = end
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
      if ((traits[name]! & (TRAIT_FUNCTION | TRAIT_CLAUSE)) !== 0) return
    }
    const kind = this.#statementKind
    if (reads[kind] === 1 && (kind !== Kind.WITH || this.#depth > this.#baseDepth)) this.flags |= Flag.UNKNOWN_FUNCTION
  }

  close(end: number): void {
    if (this.#state === START) this.#startOther()
    if (this.#isLastInsertId && this.form.last === LAST_OPEN) this.flags = this.#flagsBefore | Flag.LAST_INSERT_ID_READ
    this.#isLastInsertId = false
    this.form.close()
    if (this.#depth > 0) this.#depth--
    this.#name = -1
    this.tokenEnd = end
  }

  at(isSystem: boolean, end: number): void {
    if (this.#state === START) this.#startOther()
    const isAccount = this.quoteEnd === end - 1 && !isSystem
    this.form.at(isSystem)
    this.#name = -1
    this.tokenEnd = end
    this.#variable = isSystem ? 2 : 1
    if (this.#state === SET) {
      if (isSystem) this.#state = SET_AT
      else this.#assign(end)
    } else if (isSystem) {
      this.flags |= Flag.SYSTEM_VARIABLE_READ
    } else if (!isAccount) {
      this.flags |= Flag.USER_VARIABLE_READ
      if (this.#state === INTO || writesVariables[this.#statementKind] === 1) this.flags |= Flag.USER_VARIABLE_WRITE
    }
  }

  #assign(at: number): void {
    this.#state = SET_NAME
    this.sets |= SetForm.USER
    this.flags |= Flag.USER_VARIABLE_WRITE
    this.assignments.begin(at)
  }

  semicolon(end: number): void {
    if (compounds[this.#statementKind] === 1) {
      this.#leaveProgram()
      this.flags |= Flag.MULTI
      this.#state = BODY
    } else if (this.#state !== START || this.#depth > 0) {
      this.#endStatement(end)
    }
    this.form.semicolon()
    this.tokenEnd = end
  }
}
