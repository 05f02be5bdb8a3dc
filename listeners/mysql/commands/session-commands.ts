/** Commands about the session itself. */
import { PACKET_HEADER_BYTES } from '../../../codecs/mysql/index.ts'
import { type CommandHandler, Handled } from '../command-handler.ts'
import { Pin } from '../pin.ts'
import { databaseForbidden } from '../rights.ts'

export const QUIT: CommandHandler = session => {
  session.close()
  return Handled.DONE
}

export const INIT_DB: CommandHandler = (session, { packet }) => {
  const database = packet.toString('utf8', PACKET_HEADER_BYTES + 1)
  const error = databaseForbidden(session.user, database)
  if (!error) return Handled.FORWARD
  session.fail(error)
  return Handled.DONE
}

/** Nothing is left of the session but its database; the connection that had it is cleaned meanwhile. */
export const RESET_CONNECTION: CommandHandler = session => {
  session.forget()
  session.ok()
  return Handled.DONE
}

export const CHANGE_USER: CommandHandler = (session, { packet }) => {
  session.host.changeUser(session, packet)
  return Handled.WAIT
}

/** Switches several statements in one text on or off, for this connection. */
export const SET_OPTION: CommandHandler = session => {
  session.pins |= Pin.UNEXPLAINED
  return Handled.FORWARD
}

/** The connection becomes a replica's. */
export const REPLICATION: CommandHandler = session => {
  session.pins |= Pin.REPLICATION
  session.notePins()
  return Handled.FORWARD
}
