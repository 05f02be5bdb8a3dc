/** Executions of prepared statements, and what belongs to them: data in pieces, cursors, and the end of both. */
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  type ErrorPacket,
  executeWithoutAttributes,
  MARIADB_CLIENT_STMT_BULK_OPERATIONS,
  ServerErrors,
  StatementKind,
} from '../../../codecs/mysql/index.ts'
import { closeAt, type ServerStatement, type Upstream } from '../../../src/backends/mysql/index.ts'
import type { ClientStatement } from '../client-statements.ts'
import { type CommandHandler, Handled } from '../command-handler.ts'
import { NO_BULK_EXECUTION, TOO_LONG_FOR_ATTRIBUTES } from '../errors.ts'
import { asksAboutLast } from '../last-statement.ts'
import { Pin } from '../pin.ts'
import { NOTHING } from '../pinning.ts'
import type { Session } from '../session.ts'
import { statementAboutLast } from './about-last.ts'
import { findTypes, insertTypes, opensCursor } from './binding.ts'
import { killAsTold } from './kill.ts'
import { find, ID_OFFSET, letGo, unknown, withStatement } from './prepared.ts'

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

function passOn(session: Session, upstream: Upstream, _: ClientStatement, server: ServerStatement): void {
  const { packet } = session.request
  packet.writeUInt32LE(server.id, ID_OFFSET)
  session.exchange.pass(upstream, packet)
}
