/**
 * CLIENT: ids, names and lists are the sidecar's own clients'; the backend only sees a few connections. What acts on
 * the server (PAUSE, UNPAUSE) is passed on; what needs a connection of its own (TRACKING) gets one.
 */
import {
  encodeBulk,
  encodeCommand,
  encodeError,
  encodeInteger,
  encodeNull,
  encodeSimple,
  ReplyWriter,
} from '../../../codecs/redis/index.ts'
import { sendToNobody } from '../../../src/backends/redis/index.ts'
import { argumentsOf, readInteger, validName } from '../arguments.ts'
import { clientLine } from '../client-line.ts'
import { type Frame, Handled, type Handler, Pin } from '../command-handler.ts'
import { SYNTAX_ERROR, shown, unknownSubcommand, wrongArity } from '../errors.ts'
import { queue } from '../queued.ts'
import { sendChanged } from '../send-changed.ts'
import type { Session } from '../session.ts'
import { past } from './blocking.ts'
import { clientKill } from './client-kill.ts'
import { caching, getRedirection, tracking, trackingInfo } from './client-tracking.ts'
import { answer } from './connection.ts'

const OK = encodeSimple('OK')
const BAD_NAME = encodeError('ERR Client names cannot contain spaces, newlines or special characters.')
const HELP = [
  'CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'GETNAME',
  'HELP',
  'ID',
  'INFO',
  'KILL <option>',
  'LIST [options ...]',
  'MAINT_NOTIFICATIONS <ON|OFF>',
  'NO-EVICT (ON|OFF)',
  'NO-TOUCH (ON|OFF)',
  'PAUSE <timeout> [WRITE|ALL]',
  'REPLY (ON|OFF|SKIP)',
  'SETINFO <option> <value>',
  'SETNAME <name>',
  'TRACKING (ON|OFF) [options ...]',
  'UNBLOCK <clientid> [TIMEOUT|ERROR]',
  'UNPAUSE',
]

const PLUS = 43

type Subcommand = (session: Session, args: readonly Buffer[], frame: Frame) => Handled
/** What to do with one in a transaction. */
type Within = (session: Session, args: readonly Buffer[], frame: Frame, run: Subcommand) => Handled

export const client: Handler = (session, frame) => {
  const args = argumentsOf(frame)
  if (args.length < 2) return session.seat.inMulti ? Handled.FORWARD : answer(session, wrongArity('client'))
  const name = args[1]!.toString('latin1').toLowerCase()
  // Not what every object has: `CLIENT constructor` is no subcommand.
  const entry = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined
  if (!entry) return session.seat.inMulti ? Handled.FORWARD : answer(session, unknownSubcommand(args[1]!, 'client'))
  const [arity, run, within = queueLocally] = entry
  const { inMulti } = session.seat
  if (arity > 0 ? args.length !== arity : args.length < -arity)
    return inMulti ? Handled.FORWARD : answer(session, wrongArity(`client|${name}`))
  return inMulti ? within(session, args, frame, run) : run(session, args, frame)
}

/** In a transaction: what is answered by ourselves is, when EXEC has run. */
function queueLocally(session: Session, args: readonly Buffer[], frame: Frame, run: Subcommand): Handled {
  const kept = args.map(arg => Buffer.from(arg))
  return queue(session, frame, () => session.capture(() => run(session, kept, frame)))
}

const SUBCOMMANDS: Readonly<Record<string, readonly [arity: number, run: Subcommand, within?: Within]>> = {
  id: [2, session => answer(session, encodeInteger(session.id))],
  getname: [
    2,
    session =>
      answer(session, session.facts.name === '' ? encodeNull(session.protocol) : encodeBulk(session.facts.name)),
  ],
  setname: [3, setName],
  setinfo: [4, setInfo],
  info: [
    2,
    session => answer(session, new ReplyWriter(session.protocol).verbatim(`${clientLine(session)}\n`).toBuffer()),
  ],
  list: [-2, list],
  kill: [-3, clientKill],
  reply: [3, setReply],
  'no-evict': [3, (session, args) => toggle(session, args, on => (session.facts.noEvict = on))],
  'no-touch': [3, (session, args) => toggle(session, args, on => (session.facts.noTouch = on))],
  maint_notifications: [-3, maintNotifications],
  getredir: [2, getRedirection],
  tracking: [-3, tracking, tracking],
  trackinginfo: [2, trackingInfo, trackingInfo],
  caching: [3, caching, caching],
  unblock: [-3, unblock, (session, args, frame) => queueLocally(session, args, frame, unblockLate)],
  // What is wrong with its arguments the backend says.
  pause: [-1, pause, pause],
  unpause: [2, unpause, unpause],
  help: [2, help],
}

function setName(session: Session, args: readonly Buffer[]): Handled {
  if (!validName(args[2]!)) return answer(session, BAD_NAME)
  session.facts.name = args[2]!.toString('latin1')
  return answer(session, OK)
}

function setInfo(session: Session, args: readonly Buffer[]): Handled {
  const option = args[2]!.toString('latin1').toLowerCase()
  if (option !== 'lib-name' && option !== 'lib-ver')
    return answer(session, encodeError(`ERR Unrecognized option '${shown(args[2]!)}'`))
  if (!validName(args[3]!))
    return answer(session, encodeError(`ERR ${option} cannot contain spaces, newlines or special characters.`))
  if (option === 'lib-name') session.facts.libraryName = args[3]!.toString('latin1')
  else session.facts.libraryVersion = args[3]!.toString('latin1')
  return answer(session, OK)
}

function list(session: Session, args: readonly Buffer[]): Handled {
  const word = (at: number) => args[at]?.toString('latin1').toLowerCase()
  let keep = (_: Session) => true
  if (word(2) === 'type' && args.length === 4) {
    const type = word(3)!
    if (!['normal', 'master', 'replica', 'slave', 'pubsub'].includes(type)) {
      return answer(session, encodeError(`ERR Unknown client type '${shown(args[3]!)}'`))
    }
    keep = other => (type === 'normal' ? !other.subscribed : type === 'pubsub' ? other.subscribed : false)
  } else if (word(2) === 'id' && args.length > 3) {
    const ids = new Set<number>()
    for (const arg of args.slice(3)) {
      const id = readInteger(arg)
      if (id === undefined) return answer(session, encodeError('ERR Invalid client ID'))
      ids.add(id)
    }
    keep = other => ids.has(other.id)
  } else if (args.length > 2) return answer(session, SYNTAX_ERROR)
  let text = ''
  for (const other of session.host.sessions.values()) if (keep(other)) text += `${clientLine(other)}\n`
  return answer(session, new ReplyWriter(session.protocol).verbatim(text).toBuffer())
}

function setReply(session: Session, args: readonly Buffer[]): Handled {
  const mode = args[2]!.toString('latin1').toLowerCase()
  if (mode !== 'on' && mode !== 'off' && mode !== 'skip') return answer(session, SYNTAX_ERROR)
  if (mode === 'on') {
    session.reply = 'on'
    return answer(session, OK)
  }
  if (session.reply === 'off' && mode === 'skip') return Handled.DONE
  session.reply = mode === 'skip' ? 'skip-next' : mode
  return Handled.DONE
}

function toggle(session: Session, args: readonly Buffer[], set: (on: boolean) => void): Handled {
  const word = args[2]!.toString('latin1').toLowerCase()
  if (word !== 'on' && word !== 'off') return answer(session, SYNTAX_ERROR)
  set(word === 'on')
  return answer(session, OK)
}

/** Clients of managed services ask for news of moving endpoints; ours never moves, which they are glad to hear. */
function maintNotifications(session: Session, args: readonly Buffer[]): Handled {
  const word = args[2]!.toString('latin1').toLowerCase()
  return answer(session, word === 'on' || word === 'off' ? OK : SYNTAX_ERROR)
}

/** The id is one of ours: the backend knows the connection on which that client is blocked by another. */
function unblock(session: Session, args: readonly Buffer[], frame: Frame): Handled {
  const request = readUnblock(session, args)
  if (typeof request === 'number') return request
  session.host.operations[0] = session.host.operationOf(frame)
  session.send(request, 0, request.length, 1)
  return Handled.SENT
}

/** The same when EXEC has run: nothing can wait for the backend's answer any more, which is known. */
function unblockLate(session: Session, args: readonly Buffer[]): Handled {
  const request = readUnblock(session, args)
  if (typeof request === 'number') return request
  const { pipeline } = session.host.lane(session.protocol, 0)
  if (pipeline !== null) sendToNobody(pipeline, request)
  return answer(session, encodeInteger(1))
}

/** The request to the backend, or what has become of it where there is none to be made. */
function readUnblock(session: Session, args: readonly Buffer[]): Buffer | Handled {
  const reason = args[3]?.toString('latin1').toLowerCase()
  if (args.length > 4 || (reason !== undefined && reason !== 'timeout' && reason !== 'error')) {
    return answer(session, encodeError('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR'))
  }
  const id = readInteger(args[2]!)
  if (id === undefined) return answer(session, encodeError('ERR value is not an integer or out of range'))
  const target = session.host.sessions.get(id)
  if (!target?.seat.pipeline || (target.seat.pins & Pin.BLOCK) === 0) return answer(session, encodeInteger(0))
  return encodeCommand(['CLIENT', 'UNBLOCK', String(target.seat.pipeline.serverId), ...(reason ? [reason] : [])])
}

/** Noted when the backend agrees: until it is over, writes wait on connections of their own. */
function pause(session: Session, args: readonly Buffer[], frame: Frame): Handled {
  const duration = Number(args[2]?.toString('latin1'))
  if (args[3]?.toString('latin1').toLowerCase() !== 'write') return Handled.FORWARD
  return sendChanged(session, frame, encodeCommand(args), reply => {
    if (reply[0] === PLUS) session.host.backend.writePause.begin(duration)
    return reply
  })
}

/** Not behind the writes that it lets go on. */
function unpause(session: Session, args: readonly Buffer[], frame: Frame): Handled {
  const { writePause } = session.host.backend
  const over = (reply: Buffer) => {
    writePause.end()
    return reply
  }
  if (session.seat.inMulti) return queue(session, frame, over, encodeCommand(args))
  writePause.end()
  return past(session, args, session.host.operationOf(frame))
}

function help(session: Session): Handled {
  const writer = new ReplyWriter(session.protocol).array(HELP.length)
  for (const line of HELP) writer.simple(line)
  return answer(session, writer.toBuffer())
}
