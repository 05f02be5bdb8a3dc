/** Commands about the client's own connection: they are true for the client, whatever the connections behind it. */
import { encodeBulk, encodeCommand, encodeError, encodeSimple, ReplyWriter } from '../../../codecs/redis/index.ts'
import { type Frame, Handled, type Handler, Pin } from '../command-handler.ts'
import { SYNTAX_ERROR, WRONG_PASSWORD, wrongArity } from '../errors.ts'
import { RewritingSink } from '../rewriting-sink.ts'
import type { Session } from '../session.ts'

const OK = encodeSimple('OK')
const NO_PROTOCOL = encodeError('NOPROTO unsupported protocol version')
const BAD_NAME = encodeError('ERR Client names cannot contain spaces, newlines or special characters.')
const NOT_INTEGER = encodeError('ERR value is not an integer or out of range')
const HELLO_UNAUTHENTICATED = encodeError(
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
)
const IN_TRANSACTION = encodeError(
  'ERR the RESP version cannot be changed inside a transaction or while the connection is in use',
)

/** Printable ASCII without blanks, as Redis asks of names. */
export function validName(name: Buffer): boolean {
  for (const byte of name) if (byte < 33 || byte > 126) return false
  return true
}

export const auth: Handler = (session, frame) => {
  if (frame.argc < 2) return answer(session, wrongArity('auth'))
  if (frame.argc > 3) return answer(session, SYNTAX_ERROR)
  const args = session.args(frame)
  const user = frame.argc === 3 ? args[1]!.toString() : 'default'
  if (session.outstanding > 0) return Handled.WAIT
  const password = args.at(-1)!
  if (session.host.wantsAuthentication) {
    return answer(session, session.host.authenticate(session, user, password) ? OK : WRONG_PASSWORD)
  }
  return asBackendUser(session, user, frame.argc === 2 ? ['AUTH', password] : ['AUTH', user, password], () => OK)
}

/**
 * A listener without users leaves it to the backend who somebody is. The client's requests then go over a connection of
 * its own, which is that user's; for Portolan's own user the shared ones serve.
 */
function asBackendUser(
  session: Session,
  user: string,
  request: readonly (string | Buffer)[],
  reply: () => Buffer,
  onRefused: () => void = () => {},
): Handled {
  const { backend, table } = session.host
  if (backend.isOwnUser(user, request.at(-1) as Buffer)) return answer(session, reply())
  const handled = session.pin(Pin.STATE)
  if (handled !== Handled.FORWARD) return handled
  const rewrite = (answered: Buffer) => {
    if (answered[0] === PLUS) {
      session.facts.user = user
      return reply()
    }
    session.unpin(Pin.STATE)
    onRefused()
    return answered
  }
  session.sendFor(new RewritingSink(session, rewrite), encodeCommand(request), table.idOf('auth') + 1)
  return Handled.SENT
}

const PLUS = 43

export const hello: Handler = (session, frame) => {
  const args = session.args(frame)
  let protocol: 2 | 3 = session.protocol
  if (args.length > 1) {
    const text = args[1]!.toString('latin1')
    if (!/^-?\d{1,18}$/.test(text))
      return answer(session, encodeError('ERR Protocol version is not an integer or out of range'))
    if (text !== '2' && text !== '3') return answer(session, NO_PROTOCOL)
    protocol = text === '3' ? 3 : 2
  }
  let user: string | undefined
  let password: Buffer | undefined
  let name: Buffer | undefined
  for (let i = 2; i < args.length; i++) {
    const word = args[i]!.toString('latin1').toUpperCase()
    if (word === 'AUTH' && i + 2 < args.length) {
      user = args[i + 1]!.toString()
      password = args[i + 2]!
      i += 2
    } else if (word === 'SETNAME' && i + 1 < args.length) {
      name = args[i + 1]!
      if (!validName(name)) return answer(session, BAD_NAME)
      i++
    } else return answer(session, encodeError(`ERR Syntax error in HELLO option '${args[i]!.toString('latin1')}'`))
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
  if (protocol !== session.protocol && (session.seat.pipeline !== null || session.seat.aborted))
    return answer(session, IN_TRANSACTION)
  const before = session.protocol
  session.protocol = protocol
  host.pool.warm(protocol)
  const welcome = () => {
    if (name !== undefined) session.facts.name = name.toString('latin1')
    return greeting(session)
  }
  if (password === undefined || ownUsers) return answer(session, welcome())
  name &&= Buffer.from(name)
  const back = () => {
    session.protocol = before
  }
  const handled = asBackendUser(session, user!, ['AUTH', user!, Buffer.from(password)], welcome, back)
  if (handled === Handled.WAIT) back()
  return handled
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
  const database = /^-?\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (session.seat.inMulti) {
    if (database >= 0) session.seat.databaseInMulti = database
    return Handled.FORWARD
  }
  if (Number.isNaN(database)) return answer(session, NOT_INTEGER)
  if (session.outstanding > 0) return Handled.WAIT
  if (database === session.database) return answer(session, OK)
  if (database < 0) return answer(session, encodeError('ERR DB index is out of range'))
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
    session.seat.databaseInMulti = -1
    session.database = database
    session.pipeline!.database = database
    return Handled.FORWARD
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
  if (frame.argc !== 1) return answer(session, wrongArity('reset'))
  if (session.outstanding > 0) return Handled.WAIT
  session.reset()
  return answer(session, encodeSimple('RESET'))
}

export const quit: Handler = session => {
  session.reply = 'on'
  answer(session, OK)
  session.finish()
  return Handled.DONE
}

/** Answers by ourselves. */
export function answer(session: Session, reply: Buffer): Handled {
  session.local(reply)
  return Handled.DONE
}

export type { Frame }
