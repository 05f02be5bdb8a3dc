/** What a scan says, in words: for tables of statements beside what is expected of them. */
import {
  DEFAULT_SCAN_MODE,
  type ScanMode,
  SetForm,
  StatementFlag,
  StatementScanner,
  statementKindNames,
} from '../../../../codecs/mysql/index.ts'

const word = (name: string) => name.toLowerCase().replaceAll('_', '-')

const members = (numbers: Readonly<Record<string, number>>, bits: number) =>
  Object.entries(numbers).flatMap(([name, bit]) => ((bits & bit) !== 0 ? [word(name)] : []))

/**
 * Kinds joined by `;`, `read-only` if so, flags, and forms of SET behind `%`:
 * `select read-only`, `set user-variable-write %user %session`.
 */
export function facts(scanner: StatementScanner): string {
  const kinds = Array.from(scanner.kinds.subarray(0, scanner.statements), kind => statementKindNames[kind] ?? '?')
  return [
    kinds.length === 0 ? 'empty' : kinds.join(';'),
    ...(scanner.readOnly ? ['read-only'] : []),
    ...members(StatementFlag, scanner.flags),
    ...members(SetForm, scanner.sets).map(form => `%${form}`),
  ].join(' ')
}

/** Everything that a scan gives, for comparing one way of feeding with another. */
export function everything(scanner: StatementScanner): unknown {
  return {
    facts: facts(scanner),
    kind: scanner.kind,
    statements: scanner.statements,
    ends: Array.from(scanner.ends.subarray(0, scanner.statements)),
    killId: scanner.killId,
    assignments: scanner.assignments,
    spans: Array.from(scanner.assignmentSpans.subarray(0, 5 * scanner.assignments)),
    length: scanner.length,
    text: scanner.digestText(),
    hex: scanner.digestHex(),
    key: scanner.digestKey(),
  }
}

/** A scanner that has scanned the text; pieces stand for themselves. */
export function scan(text: string | readonly Uint8Array[], mode: ScanMode = DEFAULT_SCAN_MODE): StatementScanner {
  const scanner = new StatementScanner()
  scanner.begin(mode)
  const pieces = typeof text === 'string' ? [Buffer.from(text)] : text
  for (const piece of pieces) scanner.write(piece, 0, piece.length)
  scanner.end()
  return scanner
}

export const MYSQL: ScanMode = { ...DEFAULT_SCAN_MODE, serverVersion: 90704 }
export const MARIADB: ScanMode = { ...DEFAULT_SCAN_MODE, isMariaDb: true, serverVersion: 101119 }
export const ANSI: ScanMode = { ...DEFAULT_SCAN_MODE, ansiQuotes: true }
export const NO_ESCAPES: ScanMode = { ...DEFAULT_SCAN_MODE, noBackslashEscapes: true }
