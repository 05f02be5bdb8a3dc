/** Commands about the session itself. */
import { PACKET_HEADER_BYTES, ServerErrors } from '../../../codecs/mysql/index.ts'
import { type CommandHandler, Handled } from '../command-handler.ts'
import { Pin } from '../pin.ts'

export const QUIT: CommandHandler = session => {
  session.close()
  return Handled.DONE
}

export const INIT_DB: CommandHandler = (session, { packet }) => {
  const database = packet.toString('utf8', PACKET_HEADER_BYTES + 1)
  const { user } = session
  if (user?.databases && !user.databases.has(database)) {
    session.fail(
      ServerErrors.databaseAccessDenied,
      `Access denied for user '${user.name}'@'%' to database '${database}'`,
    )
    return Handled.DONE
  }
  return Handled.FORWARD
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
