/** Passes on a statement that asks about the one before, so that it is answered as on a connection of the client's own. */
import { encodePacket, PACKET_HEADER_BYTES, StatementKind } from '../../../codecs/mysql/index.ts'
import { run, type Upstream } from '../../../src/backends/mysql/index.ts'
import type { ClientStatement } from '../client-statements.ts'
import { Handled } from '../command-handler.ts'
import { LAST_STATEMENT_GONE } from '../errors.ts'
import { answerWhole, asksAboutLast, knowsLast, withAnswers } from '../last-statement.ts'
import type { Session } from '../session.ts'

/** MariaDB keeps the conditions of before when a statement has no table. */
const CLEAR_CONDITIONS = 'SELECT 0 FROM (SELECT 0) AS nothing'

/** A COM_QUERY whose text begins at `start`. */
export function queryAboutLast(session: Session, packet: Buffer, start: number): Handled {
  const { facts, lease, exchange } = session
  const { likely } = lease
  const whole = () => answerWhole(session, facts, packet.toString('utf8', start))
  if (!likely || !knowsLast(likely, session, facts)) {
    const answer = whole()
    if (answer) {
      session.answer(answer)
      return Handled.DONE
    }
  }
  const go = (upstream: Upstream) => {
    if (knowsLast(upstream, session, facts)) return exchange.pass(upstream, packet)
    const answer = whole()
    if (answer) {
      session.answerHere(answer)
      return session.answered()
    }
    const text = withAnswers(session, facts, packet.toString('latin1', start))
    if (text !== undefined) return exchange.pass(upstream, replaced(packet, start, text))
    if (facts.kind !== StatementKind.GET_DIAGNOSTICS || session.diagnostics.warningCount > 0)
      return session.refuse(LAST_STATEMENT_GONE)
    // Of this client there is nothing to be told, nor may there be of another one.
    run(upstream, CLEAR_CONDITIONS, () => {})
    exchange.pass(upstream, packet)
  }
  if (lease.attach(go)) go(session.upstream!)
  return Handled.WAIT
}

/** The statement to be executed in the place of this one; null when there is none that would be right. */
export function statementAboutLast(
  session: Session,
  upstream: Upstream,
  client: ClientStatement,
): ClientStatement | null {
  const { facts, request, key } = client
  if (!asksAboutLast(facts) || knowsLast(upstream, session, facts)) return client
  const start = PACKET_HEADER_BYTES + 1
  const text = withAnswers(session, facts, request.toString('latin1', start))
  if (text === undefined || client.hasLongData) return null
  return { ...client, request: replaced(request, start, text), key: `${key}\0${text}`, server: null }
}

function replaced(packet: Buffer, start: number, text: string): Buffer {
  return encodePacket(0, Buffer.concat([packet.subarray(PACKET_HEADER_BYTES, start), Buffer.from(text, 'latin1')]))
}
