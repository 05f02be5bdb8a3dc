/** AUTH, HELLO and ACL WHOAMI: who the client is and which RESP version it speaks, whatever the connections behind it. */
import { encodeBulk, encodeCommand, encodeError, encodeSimple, ReplyWriter } from '../../../codecs/redis/index.ts'
import { argumentsOf, readInteger, validName } from '../arguments.ts'
import { type Frame, Handled, type Handler, Pin } from '../command-handler.ts'
import { SYNTAX_ERROR, shown, WRONG_PASSWORD, wrongArity } from '../errors.ts'
import { queue } from '../queued.ts'
import { RewritingSink } from '../rewriting-sink.ts'
import type { Session } from '../session.ts'
import { answer } from './connection.ts'

const OK = encodeSimple('OK')
const NO_PROTOCOL = encodeError('NOPROTO unsupported protocol version')
const BAD_NAME = encodeError('ERR Client names cannot contain spaces, newlines or special characters.')
const HELLO_UNAUTHENTICATED = encodeError(
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
)

export const auth: Handler = (session, frame) => {
  if (session.seat.inMulti) return queueAuth(session, frame)
  if (frame.argc < 2) return answer(session, wrongArity('auth'))
  if (frame.argc > 3) return answer(session, SYNTAX_ERROR)
  const args = argumentsOf(frame)
  const user = frame.argc === 3 ? args[1]!.toString() : 'default'
  if (session.outstanding > 0) return Handled.WAIT
  const password = args.at(-1)!
  if (session.host.users.any) return answer(session, asOwnUser(session, user, password))
  return asBackendUser(session, user, frame.argc === 2 ? ['AUTH', password] : ['AUTH', user, password])
}

function queueAuth(session: Session, frame: Frame): Handled {
  if (frame.argc < 2) return Handled.FORWARD
  if (frame.argc > 3) return queue(session, frame, () => SYNTAX_ERROR)
  const args = argumentsOf(frame).map(arg => Buffer.from(arg))
  const user = frame.argc === 3 ? args[1]!.toString() : 'default'
  if (session.host.users.any) return queue(session, frame, () => asOwnUser(session, user, args.at(-1)!))
  const become = (element: Buffer) => {
    if (element[0] === MINUS) return element
    session.seat.pin(Pin.STATE)
    session.facts.user = user
    return element
  }
  return queue(session, frame, become, encodeCommand(args))
}

/** Where the listener has users. */
function asOwnUser(session: Session, user: string, password: Buffer): Buffer {
  return session.host.users.signIn(session.facts, user, password) ? OK : WRONG_PASSWORD
}

const NOT_NOW = encodeError(
  'ERR the connection of a transaction that is not over was lost; EXEC, DISCARD or RESET first',
)

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
  const handled = session.seat.pin(Pin.STATE)
  if (handled !== Handled.FORWARD) return handled
  const rewrite = (answered: Buffer) => {
    if (answered[0] !== MINUS) return reply()
    const { facts, seat } = session
    if (facts.user === 'default' && facts.redirect < 0 && !seat.subscribes) session.seat.unpin(Pin.STATE)
    return answered
  }
  const operation = session.host.table.idOf(request[0] as string) + 1
  session.sendFor(new RewritingSink(session, rewrite), encoded, operation)
  // Who the client is and what it speaks must be settled before its next request is looked at.
  session.awaitReplies()
  return Handled.SENT
}

const MINUS = 45

interface Hello {
  readonly protocol?: 2 | 3
  readonly credentials?: readonly [user: string, password: Buffer]
  readonly name?: string
  /** What Redis says to the rest of it. */
  readonly error?: Buffer
}

/** Views of the arguments. */
function readHello(args: readonly Buffer[]): Hello {
  let asked: Hello = {}
  if (args.length > 1) {
    const version = readInteger(args[1]!)
    if (version === undefined) return { error: encodeError('ERR Protocol version is not an integer or out of range') }
    if (version !== 2 && version !== 3) return { error: NO_PROTOCOL }
    asked = { protocol: version }
  }
  for (let i = 2; i < args.length; i++) {
    const word = args[i]!.toString('latin1').toUpperCase()
    if (word === 'AUTH' && i + 2 < args.length) {
      asked = { ...asked, credentials: [args[i + 1]!.toString(), args[i + 2]!] }
      i += 2
    } else if (word === 'SETNAME' && i + 1 < args.length) {
      if (!validName(args[i + 1]!)) return { ...asked, error: BAD_NAME }
      asked = { ...asked, name: args[i + 1]!.toString('latin1') }
      i++
    } else return { ...asked, error: encodeError(`ERR Syntax error in HELLO option '${shown(args[i]!)}'`) }
  }
  return asked
}

export const hello: Handler = (session, frame) => {
  if (session.seat.inMulti) return queueHello(session, frame)
  const { host } = session
  const asked = readHello(argumentsOf(frame))
  nameAtOnce(session, asked)
  if (asked.error) return answer(session, asked.error)
  const { protocol = session.protocol, credentials } = asked
  if (session.outstanding > 0) return Handled.WAIT
  if (protocol === 3 && !host.backend.resp3Known) {
    session.hold()
    host.backend.settleIdentity(() => session.resumeReading())
    return Handled.WAIT
  }
  if (protocol === 3 && !host.backend.resp3) return answer(session, NO_PROTOCOL)
  const ownUsers = host.users.any
  if (credentials && ownUsers && !host.users.signIn(session.facts, ...credentials))
    return answer(session, WRONG_PASSWORD)
  if (!session.facts.authenticated) return answer(session, HELLO_UNAUTHENTICATED)
  const another = !ownUsers && credentials && !host.backend.isOwnUser(...credentials) ? credentials : undefined
  if (!another && (protocol === session.protocol || session.seat.pipeline === null))
    return answer(session, welcome(session, protocol, asked.name))
  if (session.seat.aborted !== null) return answer(session, NOT_NOW)
  return onOwnConnection(session, ['HELLO', String(protocol), ...(another ? ['AUTH', ...another] : [])], () => {
    if (another) session.facts.user = another[0]
    return welcome(session, protocol, asked.name)
  })
}

/** The connection follows, because the rest of EXEC's reply must come in the new version. */
function queueHello(session: Session, frame: Frame): Handled {
  const { host } = session
  const asked = readHello(argumentsOf(frame).map(arg => Buffer.from(arg)))
  const { protocol, credentials } = asked
  const ownUsers = host.users.any
  const refused =
    asked.error ?? (credentials && ownUsers && !host.users.verifies(...credentials) ? WRONG_PASSWORD : undefined)
  const enter = (element: Buffer) => {
    nameAtOnce(session, asked)
    if (refused) return refused
    if (protocol === undefined) return welcome(session, session.protocol, asked.name)
    if (element[0] === MINUS) return element
    session.seat.pin(Pin.STATE)
    if (credentials && ownUsers) host.users.signIn(session.facts, ...credentials)
    else if (credentials) session.facts.user = credentials[0]
    return welcome(session, protocol, asked.name)
  }
  if (refused || protocol === undefined) return queue(session, frame, enter)
  const request = ['HELLO', String(protocol), ...(credentials && !ownUsers ? ['AUTH', ...credentials] : [])]
  return queue(session, frame, enter, encodeCommand(request))
}

/** Before Redis 7.2 a name is set as soon as it is read, whatever else may be wrong. */
function nameAtOnce(session: Session, { name }: Hello): void {
  if (name !== undefined && session.host.backend.namesAtOnce) session.facts.name = name
}

function welcome(session: Session, protocol: 2 | 3, name: string | undefined): Buffer {
  session.protocol = protocol
  session.host.pool.warm(protocol)
  if (name !== undefined) session.facts.name = name
  return greeting(session)
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
  const whoami = frame.argc === 2 && argumentsOf(frame)[1]!.toString('latin1').toLowerCase() === 'whoami'
  if (!whoami || session.seat.inMulti || !session.host.users.any) return Handled.FORWARD
  return answer(session, encodeBulk(session.facts.user))
}
