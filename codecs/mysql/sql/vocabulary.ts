/**
 * All words with a meaning, found by two hashes of their lower-case bytes, which together are as good as the word: 64
 * bits for a thousand words. Facts stand in arrays under the word's number; 0 is the word that is not known.
 */
import { FUNCTION_FLAGS, PLAIN_FUNCTIONS, SCHEMA_FLAGS, VARIABLE_FLAGS } from './functions.ts'
import { CLAUSE_WORDS, GRAMMAR, LITERAL_WORDS, OTHER_WORDS } from './grammar.ts'

/** Where both hashes begin and what each byte is multiplied with: FNV-1a's numbers, and others. */
export const Hash = {
  FIRST: 0x811c9dc5 | 0,
  SECOND: 0x27d4eb2f,
  FIRST_PRIME: 0x01000193,
  SECOND_PRIME: 0x5bd1e995,
} as const

const split = (words: string) => words.split(/\s+/).filter(Boolean)

const grammarWords = GRAMMAR.split('\n').flatMap(line => (/^ /.test(line) ? (split(line)[0] as string).split('|') : []))
const columns = [...new Set(grammarWords)]
const clauses = new Set(split(CLAUSE_WORDS))
const literals = new Set(split(LITERAL_WORDS))
const functions = new Set([...Object.keys(FUNCTION_FLAGS), ...split(PLAIN_FUNCTIONS)])

/** The words by their numbers. */
export const words: readonly string[] = [
  '',
  ...new Set([
    ...columns,
    ...clauses,
    ...literals,
    ...functions,
    ...Object.keys(VARIABLE_FLAGS),
    ...Object.keys(SCHEMA_FLAGS),
    ...split(OTHER_WORDS),
  ]),
]

const facts = (of: (word: string) => number) => Int32Array.from(words, of)

/** The number of the word in the grammar; 0 when it does not occur there. */
export const grammarColumn = facts(word => columns.indexOf(word) + 1)
export const grammarColumns = columns.length + 1
/** Flags for when a parenthesis follows. */
export const functionFlags = facts(word => FUNCTION_FLAGS[word] ?? 0)
/** Flags for when a dot follows. */
export const schemaFlags = facts(word => SCHEMA_FLAGS[word] ?? 0)
export const variableReadFlags = facts(word => VARIABLE_FLAGS[word]?.[0] ?? 0)
export const variableSetFlags = facts(word => VARIABLE_FLAGS[word]?.[1] ?? 0)

export const Trait = {
  /** May stand before a sign without being an operand. */
  CLAUSE: 1,
  /** Built in: `f(` is a call. */
  FUNCTION: 2,
  /** NULL, TRUE, FALSE. */
  LITERAL: 4,
} as const

export const traits = facts(
  word =>
    (clauses.has(word) ? Trait.CLAUSE : 0) |
    (functions.has(word) ? Trait.FUNCTION : 0) |
    (literals.has(word) ? Trait.LITERAL : 0),
)

/** Open addressing by the first hash; the word's number, or 0 for a free slot. */
const SLOTS = 8192
const slots = new Int16Array(SLOTS)
const firsts = new Int32Array(words.length)
const seconds = new Int32Array(words.length)

for (const [number, word] of words.entries()) {
  if (number === 0) continue
  let first: number = Hash.FIRST
  let second: number = Hash.SECOND
  for (const byte of Buffer.from(word)) {
    first = Math.imul(first ^ byte, Hash.FIRST_PRIME)
    second = Math.imul(second ^ byte, Hash.SECOND_PRIME)
  }
  firsts[number] = first
  seconds[number] = second
  let slot = (first ^ (first >>> 15)) & (SLOTS - 1)
  while (slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1)
  slots[slot] = number
}

/** The number of the word with these hashes; 0 when it is not known. */
export function findWord(first: number, second: number): number {
  let slot = (first ^ (first >>> 15)) & (SLOTS - 1)
  for (let number = slots[slot]!; number !== 0; number = slots[slot]!) {
    if (firsts[number] === first && seconds[number] === second) return number
    slot = (slot + 1) & (SLOTS - 1)
  }
  return 0
}

/** The number of a word, in lower case. */
export const wordNumber = (word: string): number => words.indexOf(word)
