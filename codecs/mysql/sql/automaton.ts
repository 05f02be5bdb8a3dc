/** The grammar of grammar.ts as arrays: a rule for each state and word. */
import { BODY, START } from './codes.ts'
import { GRAMMAR } from './grammar.ts'
import { SetForm, StatementFlag, StatementKind } from './statement.ts'
import { grammarColumn, grammarColumns, wordNumber } from './vocabulary.ts'

const names = GRAMMAR.split('\n').flatMap(line => /^[a-z][\w-]*/.exec(line)?.[0] ?? [])

/** The number of a state. */
export const stateOf = (name: string): number => {
  const state = names.indexOf(name)
  if (state < 0) throw new Error(`no state ${name} in the grammar`)
  return state
}

if (stateOf('body') !== BODY || stateOf('start') !== START) throw new Error('body and start come first in the grammar')
const MAX_RULES = 256

/** The rule for a word in a state: `ruleAt[state * grammarColumns + column]`. */
export const ruleAt = new Uint8Array(names.length * grammarColumns)
/** A StatementKind, or -1 when the rule tells none. */
export const ruleKind = new Int8Array(MAX_RULES).fill(-1)
/** Bits of StatementFlag. */
export const ruleFlags = new Int32Array(MAX_RULES)
/** Bits of SetForm. */
export const ruleSets = new Int32Array(MAX_RULES)
export const ruleNext = new Uint8Array(MAX_RULES)
/** 1: the word is to be looked up in the next state as well. */
export const ruleAgain = new Uint8Array(MAX_RULES)

let rules = 0
let state = 0

for (const line of GRAMMAR.split('\n')) {
  if (line === '') continue
  const [subject, ...actions] = line.split(/\s+/).filter(Boolean) as [string, ...string[]]
  const isState = !line.startsWith(' ')
  if (isState) state = stateOf(subject)
  const rule = ++rules
  ruleNext[rule] = BODY
  for (const action of actions) addAction(rule, action)
  if (isState) ruleAt.fill(rule, state * grammarColumns, (state + 1) * grammarColumns)
  else for (const word of subject.split('|')) ruleAt[state * grammarColumns + grammarColumn[wordNumber(word)]!] = rule
}

function addAction(rule: number, action: string): void {
  const name = action.slice(1)
  if (action === 'stay') ruleNext[rule] = state
  else if (action === 'again') ruleAgain[rule] = 1
  else if (action.startsWith('=')) ruleKind[rule] = member(StatementKind, name)
  else if (action.startsWith('+')) ruleFlags[rule] = ruleFlags[rule]! | member(StatementFlag, name)
  else if (action.startsWith('%')) ruleSets[rule] = ruleSets[rule]! | member(SetForm, name)
  else ruleNext[rule] = stateOf(name)
}

function member(numbers: Readonly<Record<string, number>>, name: string): number {
  const number = numbers[name]
  if (number === undefined) throw new Error(`the grammar names ${name}, which there is not`)
  return number
}
