/** A client's prepared statements on whichever connection serves it: found among those prepared there, or prepared there first. */
import {
  COM_STMT_PREPARE,
  type ErrorPacket,
  PACKET_HEADER_BYTES,
  type ResponseTracker,
  ServerErrors,
} from '../../../codecs/mysql/index.ts'
import { closeAt, type ServerStatement, type Upstream } from '../../../src/backends/mysql/index.ts'
import type { ClientStatement } from '../client-statements.ts'
import { Handled, type Request } from '../command-handler.ts'
import { LAST_STATEMENT_GONE } from '../errors.ts'
import { Pin } from '../pin.ts'
import type { Session } from '../session.ts'

/** Where commands about a statement have its number, and COM_STMT_PREPARE the text. */
export const ID_OFFSET = PACKET_HEADER_BYTES + 1

/** Remembers what was prepared on a connection, and closes there what has to make room. */
export function keep(
  session: Session,
  upstream: Upstream,
  key: string,
  tracker: ResponseTracker,
  answer: Buffer | null,
  epoch: number,
): ServerStatement {
  const { statementId: id, parameters } = tracker
  const statement: ServerStatement = {
    key,
    id,
    parameters,
    answer,
    types: null,
    held: false,
    epoch,
    table: null,
    wasUsed: false,
  }
  for (const closed of upstream.statements.add(statement, hasInUse(session))) closeAt(upstream, closed)
  return statement
}

const hasInUse = ({ pins }: Session): boolean => (pins & (Pin.CURSOR | Pin.LONG_DATA)) !== 0

/** The server has as many statements as it takes: closes what can be prepared again. True if the command is to be repeated. */
export function makeRoom(session: Session, upstream: Upstream, { code }: ErrorPacket): boolean {
  if (code !== ServerErrors.tooManyStatements.code || session.request.repeats > 0) return false
  const closed = upstream.statements.takeAll(hasInUse(session))
  for (const statement of closed) closeAt(upstream, statement)
  return session.backend.closeIdleStatements() + closed.length > 0
}

/** Calls with the statement on this client's connection; it is prepared there first where it is missing. */
export function withStatement(
  session: Session,
  client: ClientStatement,
  then: OnStatement,
  choose: Choose | null = null,
): Handled {
  const go = (upstream: Upstream) => {
    const chosen = choose === null ? client : choose(session, upstream, client)
    if (!chosen) return session.refuse(LAST_STATEMENT_GONE)
    const known = upstream.statements.get(chosen.key, chosen.server)
    if (!known) return prepareAgain(session, upstream, client, chosen, then)
    chosen.server = known
    then(session, upstream, client, known)
  }
  if (session.lease.attach(go)) go(session.upstream!)
  return Handled.WAIT
}

type OnStatement = (session: Session, upstream: Upstream, client: ClientStatement, server: ServerStatement) => void
type Choose = (session: Session, upstream: Upstream, client: ClientStatement) => ClientStatement | null

function prepareAgain(
  session: Session,
  upstream: Upstream,
  client: ClientStatement,
  { request, key }: ClientStatement,
  then: OnStatement,
): void {
  const { epoch } = session.backend
  session.exchange.send(upstream, COM_STMT_PREPARE, request, {
    silent: true,
    done: tracker => {
      if (tracker.error && makeRoom(session, upstream, tracker.error)) session.repeat()
      else if (tracker.error) session.refuse(tracker.error)
      else then(session, upstream, client, keep(session, upstream, key, tracker, null, epoch))
    },
  })
}

/** The statement that a command names. */
export function find(session: Session, request: Request): ClientStatement | undefined {
  const { packet } = request
  if (packet.length < ID_OFFSET + 4) return undefined
  request.statementId ||= packet.readUInt32LE(ID_OFFSET)
  return session.statements.get(request.statementId)
}

/** The client has no such statement. */
export function unknown(session: Session): Handled {
  session.fail(ServerErrors.unknownStatement)
  return Handled.DONE
}

/** The statement has neither cursor nor data any more; the pins go with the last one that has. */
export function letGo(session: Session, client: ClientStatement): void {
  client.hasCursor = false
  client.hasLongData = false
  const all = [...session.statements]
  if (!all.some(each => each.hasCursor)) session.pins &= ~Pin.CURSOR
  if (!all.some(each => each.hasLongData)) session.pins &= ~Pin.LONG_DATA
}
