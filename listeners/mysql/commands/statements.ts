/**
 * Preparing and closing statements. A client's statement is known under a number of ours; where it is executed it is
 * prepared when it has to be (prepared.ts). Closing one costs the backend nothing.
 */
import { COM_STMT_PREPARE, ServerErrors, StatementKind } from '../../../codecs/mysql/index.ts'
import { closeAt, type Upstream } from '../../../src/backends/mysql/index.ts'
import { type CommandHandler, Handled } from '../command-handler.ts'
import { NOTHING, type StatementFacts } from '../pinning.ts'
import { forbidden } from '../rights.ts'
import type { Session } from '../session.ts'
import { find, ID_OFFSET, keep, letGo, makeRoom } from './prepared.ts'

/** What clients prepare over and over. Others would only keep a hold of what they name, such as a plugin. */
const KEPT: ReadonlySet<number> = new Set([
  StatementKind.SELECT,
  StatementKind.WITH,
  StatementKind.TABLE,
  StatementKind.VALUES,
  StatementKind.INSERT,
  StatementKind.REPLACE,
  StatementKind.UPDATE,
  StatementKind.DELETE,
  StatementKind.CALL,
  StatementKind.DO,
])

export const PREPARE: CommandHandler = (session, { packet, partial }) => {
  if (partial) {
    session.fail(ServerErrors.packetTooLarge)
    return Handled.DONE
  }
  const { scanner } = session.host
  scanner.scan(packet, ID_OFFSET, packet.length, session.scanMode)
  const error = forbidden(session.user, scanner, () => packet.toString('utf8', ID_OFFSET))
  if (error) {
    session.fail(error)
    return Handled.DONE
  }
  const facts = session.host.observer.facts(scanner)
  // That it is prepared does nothing that its text says; but where it will be executed is where it should be known.
  session.note({ ...NOTHING, readsOnly: facts.readsOnly, digest: facts.digest })
  const go = (upstream: Upstream) => prepare(session, upstream, packet, facts)
  if (session.lease.attach(go)) go(session.upstream!)
  return Handled.WAIT
}

function prepare(session: Session, upstream: Upstream, packet: Buffer, facts: StatementFacts): void {
  const key = `${session.state.key}\0${packet.toString('latin1', ID_OFFSET)}`
  const { nextId } = session.statements
  const { epoch } = session.backend
  const known = upstream.statements.get(key)
  if (known?.answer && known.epoch === epoch) {
    session.statements.add({ request: packet, key, parameters: known.parameters, facts })
    const answer = Buffer.from(known.answer)
    answer.writeUInt32LE(nextId, ID_OFFSET)
    session.answerHere(answer)
    session.answered()
    return
  }
  session.exchange.send(upstream, COM_STMT_PREPARE, packet, {
    statementId: nextId,
    record: true,
    mend: error => makeRoom(session, upstream, error),
    done: (tracker, answer) => {
      if (tracker.error) return session.statements.forgetLast()
      session.statements.add({ request: packet, key, parameters: tracker.parameters, facts })
      // Its warnings could not be asked for again.
      keep(session, upstream, key, tracker, tracker.warnings === 0 ? answer : null, epoch)
    },
  })
}

export const CLOSE: CommandHandler = (session, request) => {
  const client = find(session, request)
  if (!client) return Handled.DONE
  session.statements.delete(client.id)
  const holdsState = client.hasCursor || client.hasLongData
  const upstream = session.lease.likely
  if (upstream && (holdsState || !KEPT.has(client.facts.kind))) {
    const server = upstream.statements.get(client.key)
    if (server) {
      upstream.statements.delete(server)
      closeAt(upstream, server)
    }
  }
  if (holdsState) {
    letGo(session, client)
    session.answered()
  }
  return Handled.DONE
}
