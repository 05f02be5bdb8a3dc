/** Why a request must not be served, in Redis's words: asked for each request that is not plainly free to pass. */
import { argumentSpans, CommandFlag, encodeError } from '../../codecs/redis/index.ts'
import { argumentsOf } from './arguments.ts'
import type { Frame } from './command-handler.ts'
import { afterLoss } from './commands/index.ts'
import { NO_AUTH, rejected, unknownCommand, unknownSubcommand, wrongArity } from './errors.ts'
import type { Session } from './session.ts'

const BEFORE_AUTHENTICATION = new Set(['auth', 'hello', 'quit', 'reset'])
const SUBSCRIBING = ['subscribe', 'psubscribe', 'ssubscribe', 'unsubscribe', 'punsubscribe', 'sunsubscribe']
const WHILE_SUBSCRIBED = new Set([...SUBSCRIBING, 'ping', 'quit', 'reset'])
/** Commands about a connection: in pieces they would be passed on unread, to one that is not theirs for long. */
const NEVER_LARGE = new Set([
  ...SUBSCRIBING,
  ...['auth', 'hello', 'select', 'client', 'reset', 'quit', 'multi', 'exec', 'discard', 'watch', 'unwatch'],
  ...['himport', 'monitor', 'sync', 'psync', 'replconf', 'readonly', 'readwrite', 'asking'],
])

/** `partial`: only the beginning of the request is there, whole arguments of which its name is one. */
export function refusal(session: Session, frame: Frame, denied: Uint8Array, partial: boolean): Buffer | undefined {
  const { facts, host } = session
  const name = frame.command >= 0 ? host.names[frame.command]! : ''
  if (!facts.authenticated && !BEFORE_AUTHENTICATION.has(name)) {
    const reply = rejected(name, malformed(session, frame) ?? NO_AUTH)
    facts.earlyOutput += reply.length
    return reply
  }
  if (session.seat.aborted !== null) {
    const reply = afterLoss(session, frame, name)
    if (reply) return reply
  }
  if (session.protocol === 2 && session.subscribed && name !== '' && !WHILE_SUBSCRIBED.has(name)) {
    return rejected(name, malformed(session, frame) ?? notWhileSubscribed(host.names[host.operationOf(frame) - 1]!))
  }
  if (partial && NEVER_LARGE.has(name)) return tooLarge(name)
  if (denied[frame.command]) {
    const subcommand =
      denied[frame.command] === 2 ? host.table.lookupSubcommand(frame.command, ...subcommandSpan(frame)) : -1
    if (denied[frame.command] === 1 || (subcommand >= 0 && denied[subcommand] === 1)) {
      const full = subcommand >= 0 ? host.names[subcommand]! : name
      return encodeError(`NOPERM this listener does not permit the '${full}' command`)
    }
  }
  if (!facts.rules || BEFORE_AUTHENTICATION.has(name)) return undefined
  const spans = partial ? partialSpans(frame) : argumentSpans(frame.bytes, frame.start)
  const error = facts.rules.check(frame.command, frame.bytes, spans)
  return error === undefined ? undefined : encodeError(error)
}

/** What Redis looks at before anything else: whether there is such a command, and takes so many arguments. */
function malformed(session: Session, frame: Frame): Buffer | undefined {
  const { table, names } = session.host
  const { command, argc } = frame
  if (command < 0) return unknownCommand(argumentsOf(frame))
  const operation = session.host.operationOf(frame) - 1
  if (operation === command && argc > 1 && (table.flags[command]! & CommandFlag.CONTAINER) !== 0) {
    const word = argumentsOf(frame)[1]
    return word && unknownSubcommand(word, names[command]!)
  }
  const arity = table.arity[operation]!
  const wrong = arity > 0 ? argc !== arity : argc < -arity
  return wrong ? wrongArity(names[operation]!) : undefined
}

function tooLarge(name: string): Buffer {
  return encodeError(`ERR the arguments of '${name}' are too large for this listener`)
}

function notWhileSubscribed(name: string): Buffer {
  return encodeError(
    `ERR Can't execute '${name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
  )
}

/** Arguments that have not come stand as empty ones: a key among them is then allowed to those who may use any key. */
function partialSpans({ bytes, start, end, argc }: Frame): number[] {
  const spans = argumentSpans(bytes, start, end)
  while (spans.length < 2 * argc) spans.push(end, end)
  return spans
}

function subcommandSpan(frame: Frame): [Buffer, number, number] {
  const word = argumentsOf(frame)[1] ?? Buffer.alloc(0)
  return [word, 0, word.length]
}
