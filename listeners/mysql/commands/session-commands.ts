/** Commands about the session itself. */
import {
  encodeRowsEnd,
  MYSQL_OPTION_MULTI_STATEMENTS_OFF,
  MYSQL_OPTION_MULTI_STATEMENTS_ON,
  PACKET_HEADER_BYTES,
  ServerErrors,
} from '../../../codecs/mysql/index.ts'
import { type CommandHandler, Handled } from '../command-handler.ts'
import { Pin } from '../pin.ts'
import { databaseForbidden } from '../rights.ts'

const ARGUMENT = PACKET_HEADER_BYTES + 1

export const QUIT: CommandHandler = session => {
  session.close()
  return Handled.DONE
}

export const INIT_DB: CommandHandler = (session, { packet }) => {
  const database = packet.toString('utf8', ARGUMENT)
  const error = databaseForbidden(session.user, database)
  if (!error) return Handled.FORWARD
  session.fail(error)
  return Handled.DONE
}

/** Nothing is left of the session but its database; the connection that had it is cleaned meanwhile. */
export const RESET_CONNECTION: CommandHandler = (session, { packet }) => {
  if (session.relay !== null) return session.relay.reset(packet)
  session.forget()
  session.ok()
  return Handled.DONE
}

export const CHANGE_USER: CommandHandler = (session, { packet, partial }) => {
  if (session.relay !== null) return session.relay.changeUser(packet, partial)
  if (partial) {
    session.fail(ServerErrors.badHandshake)
    session.close()
    return Handled.DONE
  }
  session.host.changeUser(session, packet)
  return Handled.WAIT
}

/** Switches several statements in one text on or off: known to each connection before it serves this client. */
export const SET_OPTION: CommandHandler = (session, { packet }) => {
  const option = packet.length >= ARGUMENT + 2 ? packet.readUInt16LE(ARGUMENT) : -1
  if (option !== MYSQL_OPTION_MULTI_STATEMENTS_ON && option !== MYSQL_OPTION_MULTI_STATEMENTS_OFF)
    return Handled.FORWARD
  session.multiStatements = option === MYSQL_OPTION_MULTI_STATEMENTS_ON
  session.answer(encodeRowsEnd(1, session.status, 0, session.identity.capabilities))
  return Handled.DONE
}

/** The connection becomes a replica's. */
export const REPLICATION: CommandHandler = session => {
  session.pins |= Pin.REPLICATION
  session.notePins()
  return Handled.FORWARD
}
