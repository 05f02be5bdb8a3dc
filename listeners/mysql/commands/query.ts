/** COM_QUERY: looked at by the scanner, and passed on as it came, but for KILL with a number of ours. */
import { ServerErrors, textStart } from '../../../codecs/mysql/index.ts'
import { type CommandHandler, Handled } from '../command-handler.ts'
import { ONLY_ALONE } from '../errors.ts'
import { asksAboutLast } from '../last-statement.ts'
import { forbidden } from '../rights.ts'
import { queryAboutLast } from './about-last.ts'
import { killAsTold, killsAmongOthers } from './kill.ts'
import { answerOurselves } from './own-answers.ts'

export const QUERY: CommandHandler = (session, { packet, partial }) => {
  const start = textStart(packet, session.identity.capabilities.low)
  if (partial) {
    // What it is shows only at its end.
    if (session.user?.readOnly) {
      session.fail(ServerErrors.readOnly, `User '${session.user.name}' may only read`)
      return Handled.DONE
    }
    session.exchange.scanPieces(packet, start)
    return Handled.FORWARD
  }
  const { scanner } = session.host
  scanner.scan(packet, start, packet.length, session.scanMode)
  session.note(session.host.observer.facts(scanner))
  const text = () => packet.toString('utf8', start)
  const error = forbidden(session.user, scanner, text)
  if (error) {
    session.fail(error)
    return Handled.DONE
  }
  if (session.relay === null) {
    if (asksAboutLast(session.facts)) return queryAboutLast(session, packet, start)
    if (answerOurselves(session, scanner.flags, text)) return Handled.DONE
  }
  if (killsAmongOthers(session, packet, start)) {
    session.fail(ONLY_ALONE)
    return Handled.DONE
  }
  return killAsTold(session) ? Handled.DONE : Handled.FORWARD
}
