/**
 * The few questions that the connection at hand would answer wrongly, because it was another one before: the number of
 * the connection, and how many rows the statement before had. Only where the question is the whole statement.
 */
import { encodeTextResult, StatementFlag } from '../../../codecs/mysql/index.ts'
import type { Session } from '../session.ts'

const ASKING = StatementFlag.CONNECTION_ID | StatementFlag.FOUND_ROWS | StatementFlag.ROW_COUNT

const QUESTION =
  /^\s*select\s+((connection_id|found_rows|row_count)\s*\(\s*\))\s*(?:(?:as\s+)?[`'"]?(\w+)[`'"]?)?\s*;?\s*$/i

/** Answers, if it is such a question. */
export function answerOurselves(session: Session, flags: number, text: () => string): boolean {
  if ((flags & ASKING) === 0) return false
  const isAboutRows = (flags & StatementFlag.CONNECTION_ID) === 0
  if (isAboutRows && session.lease.hasLast) return false
  const match = QUESTION.exec(text())
  if (!match) return false
  const [, expression, name, alias] = match
  const { status } = session
  const value = VALUES[name!.toLowerCase()]!(session)
  const column = { name: alias ?? expression!, type: 'number' } as const
  session.answer(encodeTextResult(1, [column], [[value]], { status }, session.identity.capabilities))
  return true
}

const VALUES: Readonly<Record<string, (session: Session) => number | bigint>> = {
  connection_id: session => session.id,
  found_rows: session => session.diagnostics.foundRows,
  row_count: session => session.diagnostics.rowCount,
}
