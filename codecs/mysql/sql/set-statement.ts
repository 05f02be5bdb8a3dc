/**
 * What a SET assigns to user variables, so that another connection can be brought to the same. What else it sets,
 * `StatementScanner.sets` tells.
 */
import { MAX_ASSIGNMENTS } from './assignments.ts'
import { BACKSLASH, BACKTICK, COLON, DOUBLE_QUOTE, MINUS, PLUS, POINT, SINGLE_QUOTE } from './codes.ts'
import type { StatementScanner } from './scanner.ts'
import { StatementFlag, StatementKind } from './statement.ts'

/** One `@name = value`. */
export interface UserVariableAssignment {
  /** Lower case, as the server takes names of user variables to be alike. */
  readonly name: string
  /** The bytes of the literal as they were written, a view; null when the value is anything else. */
  readonly literal: Uint8Array | null
}

/**
 * All that a text assigns to user variables, in order; null when that is not known: the text is more than one SET, or
 * writes to variables within a value, or has too many or oddly quoted names. `bytes` from `start` on are what was
 * scanned last. Valid once the server has said OK.
 */
export function userVariableAssignments(
  scanner: StatementScanner,
  bytes: Uint8Array,
  start: number,
): UserVariableAssignment[] | null {
  if (scanner.kind !== StatementKind.SET || scanner.statements > 1 || scanner.assignments > MAX_ASSIGNMENTS) return null
  if ((scanner.flags & StatementFlag.USER_VARIABLE_READ) !== 0) return null
  const { assignmentSpans: spans } = scanner
  const assignments: UserVariableAssignment[] = []
  for (let i = 0; i < scanner.assignments; i++) {
    const at = 5 * i
    const name = nameOf(trimmed(bytes, start + spans[at]!, start + spans[at + 1]!))
    if (name === null) return null
    const value = trimmed(bytes, start + spans[at + 2]!, start + spans[at + 3]!)
    assignments.push({ name, literal: spans[at + 4] === 1 && beginsLiteral(value[0]) ? value : null })
  }
  return assignments
}

function trimmed(bytes: Uint8Array, from: number, to: number): Uint8Array {
  let start = from
  let end = to
  // The colon is of `:=`.
  while (end > start && (isBlank(bytes[end - 1]!) || bytes[end - 1] === COLON)) end--
  while (start < end && isBlank(bytes[start]!)) start++
  return bytes.subarray(start, end)
}

const isBlank = (byte: number) => byte === 32 || (byte >= 9 && byte <= 13)

function nameOf(bytes: Uint8Array): string | null {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
  const quote = bytes[0]
  if (quote === SINGLE_QUOTE || quote === DOUBLE_QUOTE || quote === BACKTICK) {
    const name = text.slice(1, -1)
    const isPlain = text.length > 1 && text.endsWith(text[0]!) && !name.includes(text[0]!)
    return isPlain && !bytes.includes(BACKSLASH) ? name.toLowerCase() : null
  }
  return /^[\w.$\u0080-\uffff]+$/.test(text) ? text.toLowerCase() : null
}

/** Neither a comment nor a parameter marker: a quote, a digit, a sign, a point, or a letter of N'', X'', NULL, TRUE. */
const beginsLiteral = (byte = 0) =>
  byte === SINGLE_QUOTE ||
  byte === DOUBLE_QUOTE ||
  byte === MINUS ||
  byte === PLUS ||
  byte === POINT ||
  (byte >= 48 && byte <= 57) ||
  (byte >= 65 && byte <= 90) ||
  (byte >= 97 && byte <= 122)
