/**
 * Statements that ask about the one before: FOUND_ROWS(), ROW_COUNT(), warnings. Where the connection at hand did not run
 * that one, or has run something else since, it would answer for somebody else. Then the whole statement is answered here,
 * if it is nothing but the question, or the answers are put into its text.
 */
import {
  encodeTextResult,
  type Integer64,
  StatementFlag,
  StatementKind,
  type TextColumn,
} from '../../codecs/mysql/index.ts'
import type { Upstream } from '../../src/backends/mysql/index.ts'
import type { Diagnostics } from './diagnostics.ts'
import type { StatementFacts } from './pinning.ts'
import type { Session } from './session.ts'

const { FOUND_ROWS, ROW_COUNT, WARNINGS_READ } = StatementFlag
const ASKING = FOUND_ROWS | ROW_COUNT | WARNINGS_READ

export const asksAboutLast = ({ flags }: StatementFacts): boolean => (flags & ASKING) !== 0

/** Whether the server would answer such a statement as on a connection of the client's own. */
export function knowsLast(upstream: Upstream, session: Session, { flags }: StatementFacts): boolean {
  if ((flags & (ROW_COUNT | WARNINGS_READ)) !== 0 && upstream.lastUser !== session.lease) return false
  return (flags & FOUND_ROWS) === 0 || upstream.rowsUser === session.lease
}

const SHOW =
  /^\s*show\s+(count\s*\(\s*\*\s*\)\s+)?(warnings|errors)(?:\s+limit\s+(\d+)(?:\s*(,|offset)\s*(\d+))?)?\s*;?\s*$/i
const WARNING_COLUMNS: readonly TextColumn[] = [
  { name: 'Level', type: 'text' },
  { name: 'Code', type: 'number' },
  { name: 'Message', type: 'text' },
]

/** The answer to a statement that shows warnings or errors, and nothing else; undefined for all others. */
export function answerWhole(session: Session, { kind }: StatementFacts, text: string): Buffer | undefined {
  const match = kind === StatementKind.SHOW_WARNINGS ? SHOW.exec(text) : null
  if (!match) return undefined
  const [, isCount, what, a, separator, b] = match
  const { diagnostics, status } = session
  const { capabilities } = session.identity
  const isErrors = what!.toLowerCase() === 'errors'
  if (isCount) {
    const count = isErrors ? diagnostics.errorCount : diagnostics.warningCount
    const column = { name: `@@session.${isErrors ? 'error' : 'warning'}_count`, type: 'number' } as const
    return encodeTextResult(1, [column], [[count]], { status }, capabilities)
  }
  const all = diagnostics.conditions(capabilities).filter(([level]) => !isErrors || level === 'Error')
  const [first, count] = separator === ',' ? [a, b] : [b, a]
  const from = Number(first ?? 0)
  const rows = count === undefined ? all : all.slice(from, from + Number(count))
  return encodeTextResult(1, WARNING_COLUMNS, rows, { status }, capabilities)
}

/** `text` with the answers put in; undefined when one cannot be given so. */
export function withAnswers(
  { diagnostics, scanMode }: Session,
  { kind, flags }: StatementFacts,
  text: string,
): string | undefined {
  if (kind === StatementKind.GET_DIAGNOSTICS) return getDiagnostics(diagnostics, text)
  // Bytes of a character may look like a quote.
  if (kind === StatementKind.SHOW_WARNINGS || (flags & ASKING) === 0 || scanMode.leadBytes) return undefined
  const parts = scanMode.noBackslashEscapes ? PARTS_WITHOUT_ESCAPES : PARTS
  let isBehind = false
  return text.replace(parts, (part: string, question: string | undefined, at: number) => {
    // Further statements of the text ask about those before them.
    if (part === ';') isBehind = true
    if (question === undefined || isBehind) return part
    const answer = `CAST(${ANSWERS[nameOf(question)]!(diagnostics)} AS SIGNED)`
    return isColumn(text, at, part.length) ? `${answer} AS \`${question}\`` : answer
  })
}

/** Strings, quoted names and comments are passed over; what is asked, and where the first statement ends. */
const QUESTIONS = String.raw`((?:\b(?:found_rows|row_count)\s*\(\s*\))|@@(?:(?:session|local)\s*\.\s*)?(?:warning_count|error_count)\b)`
const REST = String.raw`\`(?:[^\`]|\`\`)*\`|\/\*[\s\S]*?\*\/|#[^\n]*|--(?:\s[^\n]*|$)|;`
const PARTS = new RegExp(String.raw`'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|${REST}|${QUESTIONS}`, 'gi')
const PARTS_WITHOUT_ESCAPES = new RegExp(`'(?:[^']|'')*'|"(?:[^"]|"")*"|${REST}|${QUESTIONS}`, 'gi')

const ANSWERS: Readonly<Record<string, (diagnostics: Diagnostics) => Integer64>> = {
  found_rows: ({ foundRows }) => foundRows,
  row_count: ({ rowCount }) => rowCount,
  warning_count: ({ warningCount }) => warningCount,
  error_count: ({ errorCount }) => errorCount,
  number: ({ warningCount }) => warningCount,
}

const nameOf = (question: string): string => /(\w+)\s*(?:\(\s*\))?$/.exec(question)![1]!.toLowerCase()

/** Stands alone in the list of a SELECT: its name would be its text. */
function isColumn(text: string, at: number, length: number): boolean {
  return (
    /(?:^\s*select|,)\s*$/i.test(text.slice(0, at)) &&
    /^\s*(?:,|;|from\b|into\b|$)/i.test(text.slice(at + length)) &&
    !/\(/.test(text.slice(0, at))
  )
}

const STATEMENT_INFORMATION =
  /^\s*get\s+(?:current\s+)?diagnostics\s+((?:\s*,?\s*@[\w.$]+\s*=\s*(?:number|row_count)\b)+)\s*;?\s*$/i

/** `GET DIAGNOSTICS @a = ROW_COUNT` as a SET; what it tells of conditions has gone, unless there were none. */
function getDiagnostics(diagnostics: Diagnostics, text: string): string | undefined {
  const match = STATEMENT_INFORMATION.exec(text)
  if (!match) return undefined
  const answer = (_: string, name: string) => `= ${ANSWERS[name.toLowerCase()]!(diagnostics)}`
  return `SET ${match[1]!.replace(/=\s*(number|row_count)\b/gi, answer)}`
}
