/**
 * All words with a meaning, found by two hashes of their lower-case bytes, which together are as good as the word: 64
 * bits for a thousand words. Facts stand in arrays under the word's number; 0 is the word that is not known.
 */
import {
  HASH_FIRST,
  HASH_FIRST_PRIME,
  HASH_SECOND,
  HASH_SECOND_PRIME,
  TRAIT_CLAUSE,
  TRAIT_FUNCTION,
  TRAIT_GRAMMAR,
  TRAIT_LITERAL,
} from './codes.ts'
import { FUNCTION_FLAGS, PLAIN_FUNCTIONS, SCHEMA_FLAGS, VARIABLE_FLAGS } from './functions.ts'
import { CLAUSE_WORDS, GRAMMAR, LITERAL_WORDS, OTHER_WORDS } from './grammar.ts'

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

export const traits = facts(
  word =>
    (clauses.has(word) ? TRAIT_CLAUSE : 0) |
    (functions.has(word) ? TRAIT_FUNCTION : 0) |
    (literals.has(word) ? TRAIT_LITERAL : 0) |
    (columns.includes(word) ? TRAIT_GRAMMAR : 0),
)

/** Letters that a quote turns into part of a literal: N'text', B'01', X'4D'. */
export const lettersOfLiterals = facts(word => Number(word === 'n' || word === 'b' || word === 'x'))

/** The number of the word with these hashes; 0 when it is not known. */
export const findWord = finderOf(words)

/** Open addressing by the first hash: the word's number, or 0 for a free slot. A function for the reason in bytes.ts. */
function finderOf(words: readonly string[]): (first: number, second: number) => number {
  const SLOTS = 4096
  const slots = new Int16Array(SLOTS)
  const firsts = new Int32Array(words.length)
  const seconds = new Int32Array(words.length)
  for (const [number, word] of words.entries()) {
    if (number === 0) continue
    let first: number = HASH_FIRST
    let second: number = HASH_SECOND
    for (const byte of Buffer.from(word)) {
      first = Math.imul(first ^ byte, HASH_FIRST_PRIME)
      second = Math.imul(second ^ byte, HASH_SECOND_PRIME)
    }
    firsts[number] = first
    seconds[number] = second
    let slot = (first ^ (first >>> 15)) & (SLOTS - 1)
    while (slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1)
    slots[slot] = number
  }
  return (first, second) => {
    let slot = (first ^ (first >>> 15)) & (SLOTS - 1)
    for (let number = slots[slot]!; number !== 0; number = slots[slot]!) {
      if (firsts[number] === first && seconds[number] === second) return number
      slot = (slot + 1) & (SLOTS - 1)
    }
    return 0
  }
}

/** The number of a word, in lower case. */
export const wordNumber = (word: string): number => words.indexOf(word)
