/**
 * The number of the connection: a client that asks for nothing else gets the one of its greeting, by which KILL knows it.
 * In other statements the number is the server's, to be found in its lists, and ties the client to that connection.
 */
import { encodeTextResult, StatementFlag } from '../../../codecs/mysql/index.ts'
import { Pin } from '../pin.ts'
import type { Session } from '../session.ts'

const QUESTION = /^\s*select\s+(connection_id\s*\(\s*\))\s*(?:(?:as\s+)?[`'"]?(\w+)[`'"]?)?\s*;?\s*$/i

/** Answers, if it is that question. */
export function answerOurselves(session: Session, flags: number, text: () => string): boolean {
  if ((flags & StatementFlag.CONNECTION_ID) === 0 || (session.pins & Pin.CONNECTION_ID) !== 0) return false
  const match = QUESTION.exec(text())
  if (!match) return false
  const [, expression, alias] = match
  const { status } = session
  const column = { name: alias ?? expression!, type: 'number' } as const
  session.answer(encodeTextResult(1, [column], [[session.id]], { status }, session.identity.capabilities))
  session.diagnostics.noteAnswer(1)
  session.lease.passOver()
  return true
}
