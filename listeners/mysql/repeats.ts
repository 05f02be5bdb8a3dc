/** Which refusals of a server show that a statement has not run at all, so that it may run elsewhere. */
import { StatementFlag, StatementKind } from '../../codecs/mysql/index.ts'
import type { StatementFacts } from './pinning.ts'

const Kind = StatementKind
/** Checked before anything of them is done. Procedures and functions may have done something before they were refused. */
const CHECKED_FIRST: ReadonlySet<number> = new Set([
  ...[Kind.INSERT, Kind.REPLACE, Kind.UPDATE, Kind.DELETE, Kind.DDL, Kind.ROUTINE, Kind.ACCOUNT],
])

/** Of a statement that was refused so: nothing of it was done. */
export function isRefusedWhole({ kind, flags }: StatementFacts): boolean {
  return CHECKED_FIRST.has(kind) && (flags & StatementFlag.MULTI) === 0
}
