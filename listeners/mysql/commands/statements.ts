/**
 * Prepared statements. A client's statement is known under a number of ours; on whichever connection it is executed, it is
 * found among those prepared there, or prepared there first. Closing one costs the backend nothing.
 */
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  COM_STMT_PREPARE,
  type ErrorPacket,
  executeWithoutAttributes,
  MARIADB_CLIENT_STMT_BULK_OPERATIONS,
  PACKET_HEADER_BYTES,
  type ResponseTracker,
  ServerErrors,
  StatementKind,
} from '../../../codecs/mysql/index.ts'
import { closeAt, type ServerStatement, type Upstream } from '../../../src/backends/mysql/index.ts'
import type { ClientStatement } from '../client-statements.ts'
import { type CommandHandler, Handled, type Request } from '../command-handler.ts'
import { LAST_STATEMENT_GONE, NO_BULK_EXECUTION, TOO_LONG_FOR_ATTRIBUTES } from '../errors.ts'
import { asksAboutLast } from '../last-statement.ts'
import { Pin } from '../pin.ts'
import { NOTHING, type StatementFacts } from '../pinning.ts'
import { forbidden } from '../rights.ts'
import type { Session } from '../session.ts'
import { statementAboutLast } from './about-last.ts'
import { findTypes, insertTypes, opensCursor } from './binding.ts'
import { killAsTold } from './kill.ts'

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
const ID_OFFSET = PACKET_HEADER_BYTES + 1

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

/** Remembers what was prepared on a connection, and closes there what has to make room. */
function keep(
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
function makeRoom(session: Session, upstream: Upstream, { code }: ErrorPacket): boolean {
  if (code !== ServerErrors.tooManyStatements.code || session.request.repeats > 0) return false
  const closed = upstream.statements.takeAll(hasInUse(session))
  for (const statement of closed) closeAt(upstream, statement)
  return session.backend.closeIdleStatements() + closed.length > 0
}

/** Calls with the statement on this client's connection; it is prepared there first where it is missing. */
function withStatement(
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

function find(session: Session, request: Request): ClientStatement | undefined {
  const { packet } = request
  if (packet.length < ID_OFFSET + 4) return undefined
  request.statementId ||= packet.readUInt32LE(ID_OFFSET)
  return session.statements.get(request.statementId)
}

function unknown(session: Session): Handled {
  session.fail(ServerErrors.unknownStatement)
  return Handled.DONE
}

export const EXECUTE: CommandHandler = (session, request) => {
  const client = find(session, request)
  if (!client) return unknown(session)
  // A cursor would tie the client to a replica.
  const readsOnly = client.facts.readsOnly && !opensCursor(request.packet)
  session.note(client.facts.readsOnly === readsOnly ? client.facts : { ...client.facts, readsOnly })
  if (isKill(client)) {
    session.host.scanner.scan(client.request, ID_OFFSET, client.request.length, session.scanMode)
    if (killAsTold(session)) return Handled.DONE
  }
  const place = findTypes(request.packet, client.parameters, session.identity.capabilities.low)
  if (place?.bound) client.types = Buffer.from(request.packet.subarray(place.boundAt + 1, place.end))
  client.unboundAt = place && !place.bound ? place.boundAt : 0
  return withStatement(session, client, execute, asksAboutLast(client.facts) ? statementAboutLast : null)
}

function execute(session: Session, upstream: Upstream, client: ClientStatement, server: ServerStatement): void {
  let { packet } = session.request
  const { types, unboundAt } = client
  // Mostly the very same ones, of the last execution.
  const knows = types !== null && (server.types === types || server.types?.equals(types) === true)
  if (unboundAt > 0 && types && (!knows || upstream.stripsAttributes)) {
    const inserted = insertTypes(packet, unboundAt, types)
    if (!inserted) return session.refuse(ServerErrors.packetTooLarge)
    packet = inserted
  }
  if (upstream.stripsAttributes) {
    const plain = withoutAttributes(packet, client)
    if (!plain) return session.refuse(TOO_LONG_FOR_ATTRIBUTES)
    packet = plain
  }
  const withCursor = opensCursor(packet)
  server.types = types
  server.held = withCursor
  client.usedLongData = client.hasLongData
  packet.writeUInt32LE(server.id, ID_OFFSET)
  if (client.hasLongData) session.pins &= ~Pin.LONG_DATA
  client.hasLongData = false
  client.hasCursor = withCursor
  session.exchange.pass(upstream, packet)
}

/** The server does not know the statement any more, or cannot bring it up to date: it is prepared again, and did not run. */
export function isForgotten(session: Session, upstream: Upstream, { code }: ErrorPacket): boolean {
  const isKnown = code !== ServerErrors.unknownStatement.code && code !== ServerErrors.reprepare.code
  const client = session.statements.get(session.request.statementId)
  if (isKnown || !client || client.usedLongData || session.request.repeats > 0 || session.request.partial) return false
  const server = upstream.statements.get(client.key)
  if (server) {
    upstream.statements.delete(server)
    closeAt(upstream, server)
  }
  return true
}

/** Null also when what is sent as values is none: it cannot be told from the attributes. */
function withoutAttributes(packet: Buffer, { parameters }: ClientStatement): Buffer | null {
  try {
    return executeWithoutAttributes(packet, parameters)
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}

function isKill({ facts: { kind } }: ClientStatement): boolean {
  return kind === StatementKind.KILL || kind === StatementKind.KILL_QUERY
}

/** MariaDB: many rows of parameters, each with its types. */
export const BULK_EXECUTE: CommandHandler = (session, request) => {
  const client = find(session, request)
  if (!client) return unknown(session)
  session.note(client.facts)
  return withStatement(session, client, executeBulk)
}

function executeBulk(session: Session, upstream: Upstream, client: ClientStatement, server: ServerStatement): void {
  const { mariadb } = upstream.facts.capabilities
  if ((mariadb & MARIADB_CLIENT_STMT_BULK_OPERATIONS) === 0) return session.refuse(NO_BULK_EXECUTION)
  server.types = null
  passOn(session, upstream, client, server)
}

export const LONG_DATA: CommandHandler = (session, request) => {
  const client = find(session, request)
  // It has no answer: the execution will tell.
  if (!client) return Handled.DONE
  session.note(NOTHING)
  return withStatement(session, client, addLongData)
}

function addLongData(session: Session, upstream: Upstream, client: ClientStatement, server: ServerStatement): void {
  client.hasLongData = true
  server.held = true
  session.pins |= Pin.LONG_DATA
  session.notePins()
  passOn(session, upstream, client, server)
}

export const FETCH: CommandHandler = (session, request) => {
  const client = find(session, request)
  if (!client) return unknown(session)
  session.note(NOTHING)
  return withStatement(session, client, passOn)
}

/** Ends a cursor and drops data sent in pieces; where there is neither, nothing is to be done. */
export const RESET: CommandHandler = (session, request) => {
  const client = find(session, request)
  if (!client) return unknown(session)
  if (!client.hasCursor && !client.hasLongData) {
    session.ok()
    return Handled.DONE
  }
  session.note(NOTHING)
  return withStatement(session, client, reset)
}

function reset(session: Session, upstream: Upstream, client: ClientStatement, server: ServerStatement): void {
  letGo(session, client)
  passOn(session, upstream, client, server)
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

function passOn(session: Session, upstream: Upstream, _: ClientStatement, server: ServerStatement): void {
  const { packet } = session.request
  packet.writeUInt32LE(server.id, ID_OFFSET)
  session.exchange.pass(upstream, packet)
}

/** The statement has neither cursor nor data any more; the pins go with the last one that has. */
function letGo(session: Session, client: ClientStatement): void {
  client.hasCursor = false
  client.hasLongData = false
  const all = [...session.statements]
  if (!all.some(each => each.hasCursor)) session.pins &= ~Pin.CURSOR
  if (!all.some(each => each.hasLongData)) session.pins &= ~Pin.LONG_DATA
}
