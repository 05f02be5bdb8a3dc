/** Commands about the client's own connection: they are true for the client, whatever the connections behind it. */
import { encodeBulk, encodeCommand, encodeError, encodeSimple, ReplyWriter } from '../../../codecs/redis/index.ts'
import { readInteger, validName } from '../arguments.ts'
import { Handled, type Handler, Pin } from '../command-handler.ts'
import { SYNTAX_ERROR, shown, WRONG_PASSWORD, wrongArity } from '../errors.ts'
import { RewritingSink } from '../rewriting-sink.ts'
import type { Session } from '../session.ts'

const OK = encodeSimple('OK')
const NO_PROTOCOL = encodeError('NOPROTO unsupported protocol version')
const BAD_NAME = encodeError('ERR Client names cannot contain spaces, newlines or special characters.')
const HELLO_UNAUTHENTICATED = encodeError(
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
)
const IN_TRANSACTION = encodeError('ERR the RESP version or user cannot be changed inside a transaction')

/** Changing who one is or which version one speaks would take effect in the middle of EXEC's reply. */
function inTransaction(session: Session): Handled {
  session.seat.poison()
  return answer(session, IN_TRANSACTION)
}

export const auth: Handler = (session, frame) => {
  if (session.seat.inMulti) return inTransaction(session)
  if (frame.argc < 2) return answer(session, wrongArity('auth'))
  if (frame.argc > 3) return answer(session, SYNTAX_ERROR)
  const args = session.args(frame)
  const user = frame.argc === 3 ? args[1]!.toString() : 'default'
  if (session.outstanding > 0) return Handled.WAIT
  const password = args.at(-1)!
  if (session.host.wantsAuthentication) {
    return answer(session, session.host.authenticate(session, user, password) ? OK : WRONG_PASSWORD)
  }
  return asBackendUser(session, user, frame.argc === 2 ? ['AUTH', password] : ['AUTH', user, password])
}

/**
 * A listener without users leaves it to the backend who somebody is. The client's requests then go over a connection of
 * its own, which is that user's; for Portolan's own user the shared ones serve.
 */
function asBackendUser(session: Session, user: string, request: readonly (string | Buffer)[]): Handled {
  if (session.host.backend.isOwnUser(user, request.at(-1) as Buffer)) return answer(session, OK)
  return onOwnConnection(session, request, () => {
    session.facts.user = user
    return OK
  })
}

/** Sends a request that changes the connection it is sent on; a reply that is no error is replaced by ours. */
function onOwnConnection(session: Session, request: readonly (string | Buffer)[], reply: () => Buffer): Handled {
  const encoded = encodeCommand(request)
  const handled = session.pin(Pin.STATE)
  if (handled !== Handled.FORWARD) return handled
  const rewrite = (answered: Buffer) => {
    if (answered[0] !== MINUS) return reply()
    const { facts, seat } = session
    if (facts.user === 'default' && facts.redirect < 0 && !seat.subscribes) session.unpin(Pin.STATE)
    return answered
  }
  const operation = session.host.table.idOf(request[0] as string) + 1
  session.sendFor(new RewritingSink(session, rewrite), encoded, operation)
  // Who the client is and what it speaks must be settled before its next request is looked at.
  session.awaitReplies()
  return Handled.SENT
}

const MINUS = 45

export const hello: Handler = (session, frame) => {
  if (session.seat.inMulti) return inTransaction(session)
  const args = session.args(frame)
  let protocol: 2 | 3 = session.protocol
  if (args.length > 1) {
    const version = readInteger(args[1]!)
    if (version === undefined)
      return answer(session, encodeError('ERR Protocol version is not an integer or out of range'))
    if (version !== 2 && version !== 3) return answer(session, NO_PROTOCOL)
    protocol = version
  }
  let user: string | undefined
  let password: Buffer | undefined
  let name: string | undefined
  for (let i = 2; i < args.length; i++) {
    const word = args[i]!.toString('latin1').toUpperCase()
    if (word === 'AUTH' && i + 2 < args.length) {
      user = args[i + 1]!.toString()
      password = args[i + 2]!
      i += 2
    } else if (word === 'SETNAME' && i + 1 < args.length) {
      if (!validName(args[i + 1]!)) return answer(session, BAD_NAME)
      name = args[i + 1]!.toString('latin1')
      // Before 7.2 whatever else may fail.
      if (session.host.backend.namesAtOnce) session.facts.name = name
      i++
    } else return answer(session, encodeError(`ERR Syntax error in HELLO option '${shown(args[i]!)}'`))
  }
  if (session.outstanding > 0) return Handled.WAIT
  const { host } = session
  if (protocol === 3 && !host.backend.resp3Known) {
    session.hold()
    host.backend.settleIdentity(() => session.resumeReading())
    return Handled.WAIT
  }
  if (protocol === 3 && !host.backend.resp3) return answer(session, NO_PROTOCOL)
  const ownUsers = host.wantsAuthentication
  if (password !== undefined && ownUsers && !host.authenticate(session, user!, password)) {
    return answer(session, WRONG_PASSWORD)
  }
  if (!session.facts.authenticated) return answer(session, HELLO_UNAUTHENTICATED)
  const welcome = () => {
    session.protocol = protocol
    host.pool.warm(protocol)
    if (name !== undefined) session.facts.name = name
    return greeting(session)
  }
  const another = password !== undefined && !ownUsers && !host.backend.isOwnUser(user!, password)
  if (!another && (protocol === session.protocol || session.seat.pipeline === null)) return answer(session, welcome())
  if (session.seat.aborted) return answer(session, IN_TRANSACTION)
  const credentials = another ? ['AUTH', user!, Buffer.from(password!)] : []
  return onOwnConnection(session, ['HELLO', String(protocol), ...credentials], () => {
    if (another) session.facts.user = user!
    return welcome()
  })
}

function greeting(session: Session): Buffer {
  const { identity } = session.host.backend
  const writer = new ReplyWriter(session.protocol).map(7)
  writer.bulk('server').bulk(identity.server).bulk('version').bulk(identity.version)
  writer.bulk('proto').integer(session.protocol).bulk('id').integer(session.id)
  writer.bulk('mode').bulk('standalone').bulk('role').bulk('master').bulk('modules').array(identity.modules.length)
  for (const { name, version } of identity.modules) {
    writer.map(4).bulk('name').bulk(name).bulk('ver').integer(version).bulk('path').bulk('').bulk('args').array(0)
  }
  return writer.toBuffer()
}

/** Where the listener has users of its own, the client is one of those; everything else is about the backend's. */
export const acl: Handler = (session, frame) => {
  const whoami = frame.argc === 2 && session.args(frame)[1]!.toString('latin1').toLowerCase() === 'whoami'
  if (!whoami || session.seat.inMulti || !session.host.wantsAuthentication) return Handled.FORWARD
  return answer(session, encodeBulk(session.facts.user))
}

export const select: Handler = (session, frame) => {
  if (frame.argc !== 2) return session.seat.inMulti ? Handled.FORWARD : answer(session, wrongArity('select'))
  const text = session.args(frame)[1]!.toString('latin1')
  // Whatever else the backend refuses in its own words.
  if (!/^(0|[1-9]\d{0,4})$/.test(text)) return Handled.FORWARD
  const database = Number(text)
  if (session.seat.inMulti) {
    session.seat.databaseInMulti = database
    return Handled.FORWARD
  }
  if (session.outstanding > 0) return Handled.WAIT
  if (database === session.database) return answer(session, OK)
  const { host } = session
  const done = (error: Error | null) => {
    if (error !== null && (error as { code?: string }).code === 'upstream-database') {
      return answer(session, encodeError(error.message))
    }
    // A backend that is away may well have that database.
    session.database = database
    return answer(session, OK)
  }
  if (session.seat.pipeline !== null) {
    const { pipeline } = session.seat
    session.seat.databaseInMulti = -1
    const selected = (reply: Buffer) => {
      if (reply[0] !== MINUS) session.database = pipeline.database = database
      return reply
    }
    session.sendFor(new RewritingSink(session, selected), encodeCommand(['SELECT', text]), frame.command + 1)
    return Handled.SENT
  }
  const lane = host.lane(session.protocol, database)
  const { facts } = session
  if (facts.selecting !== undefined) {
    const error = facts.selecting
    facts.selecting = undefined
    return done(error)
  }
  if (lane.connected) return done(null)
  session.hold()
  lane.settle(error => {
    facts.selecting = error
    process.nextTick(() => session.resumeReading())
  })
  return Handled.WAIT
}

export const reset: Handler = (session, frame) => {
  if (frame.argc !== 1) return session.seat.inMulti ? Handled.FORWARD : answer(session, wrongArity('reset'))
  if (session.outstanding > 0) return Handled.WAIT
  const { reply } = session
  session.reset()
  // It undoes CLIENT REPLY OFF, but not the SKIP that it is itself the next command of.
  if (reply === 'skip') session.reply = reply
  return answer(session, encodeSimple('RESET'))
}

export const quit: Handler = session => {
  answer(session, OK)
  session.finish()
  return Handled.DONE
}

/** Answers by ourselves. */
export function answer(session: Session, reply: Buffer): Handled {
  session.local(reply)
  return Handled.DONE
}
