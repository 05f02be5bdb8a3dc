/** What the text of a statement tells without a parser: see scanner.ts for the facts, digest.ts for the normal form. */
export { type LeadBytes, leadBytesOf } from './bytes.ts'
export { MAX_DIGEST_BYTES } from './digest.ts'
export { quoteName, quoteString } from './literals.ts'
export { MAX_ASSIGNMENTS, MAX_PARTS } from './reader.ts'
export { DEFAULT_SCAN_MODE, type ScanMode } from './scan-mode.ts'
export { StatementScanner } from './scanner.ts'
export { type UserVariableAssignment, userVariableAssignments } from './set-statement.ts'
export { SetForm, StatementFlag, StatementKind, statementKindNames } from './statement.ts'
