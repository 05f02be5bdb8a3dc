/** COM_QUERY: looked at by the scanner, and passed on as it came, but for KILL with a number of ours. */
import { StatementKind } from '../../../codecs/mysql/index.ts'
import { type CommandHandler, Handled } from '../command-handler.ts'
import { textStart } from '../query-text.ts'
import { kill } from './kill.ts'
import { answerOurselves } from './own-answers.ts'

export const QUERY: CommandHandler = (session, { packet, partial }) => {
  const start = textStart(packet, session.identity.capabilities.low)
  if (partial) {
    session.scanPieces(packet, start)
    return Handled.FORWARD
  }
  const { scanner } = session.host
  scanner.scan(packet, start, packet.length, session.host.scanMode(session))
  session.note(session.host.observer.facts(scanner))
  if (answerOurselves(session, scanner.flags, () => packet.toString('latin1', start))) return Handled.DONE
  const { kind, killId } = scanner
  const isKill = kind === StatementKind.KILL || kind === StatementKind.KILL_QUERY
  if (isKill && killId >= 0 && scanner.statements === 1) {
    if (kill(session, killId, { queryOnly: kind === StatementKind.KILL_QUERY })) return Handled.DONE
  }
  return Handled.FORWARD
}
