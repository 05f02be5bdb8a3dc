/** Why a request must not be served, in Redis's words: asked for each request that is not plainly free to pass. */
import { argumentSpans, encodeError } from '../../codecs/redis/index.ts'
import type { Frame } from './command-handler.ts'
import { afterLoss } from './commands/index.ts'
import { NO_AUTH } from './errors.ts'
import type { Session } from './session.ts'

const BEFORE_AUTHENTICATION = new Set(['auth', 'hello', 'quit', 'reset'])
const WHILE_SUBSCRIBED = new Set([
  'subscribe',
  'psubscribe',
  'ssubscribe',
  'unsubscribe',
  'punsubscribe',
  'sunsubscribe',
  'ping',
  'quit',
  'reset',
])

/** `partial`: only the beginning of the request is there, whole arguments of which its name is one. */
export function refusal(session: Session, frame: Frame, denied: Uint8Array, partial: boolean): Buffer | undefined {
  const { facts, host } = session
  const name = frame.command >= 0 ? host.names[frame.command]! : ''
  if (!facts.authenticated && !BEFORE_AUTHENTICATION.has(name)) {
    facts.earlyOutput += NO_AUTH.length
    return NO_AUTH
  }
  if (session.seat.aborted) {
    const reply = afterLoss(session, frame, name)
    if (reply) return reply
  }
  if (session.protocol === 2 && session.subscribed && name !== '' && !WHILE_SUBSCRIBED.has(name)) {
    const given = host.names[host.operationOf(frame) - 1]
    return encodeError(
      `ERR Can't execute '${given}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
    )
  }
  if (denied[frame.command]) {
    const subcommand =
      denied[frame.command] === 2 ? host.table.lookupSubcommand(frame.command, ...subcommandSpan(session, frame)) : -1
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

/** Arguments that have not come stand as empty ones: a key among them is then allowed to those who may use any key. */
function partialSpans({ bytes, start, end, argc }: Frame): number[] {
  const spans = argumentSpans(bytes, start, end)
  while (spans.length < 2 * argc) spans.push(end, end)
  return spans
}

function subcommandSpan(session: Session, frame: Frame): [Buffer, number, number] {
  const word = session.args(frame)[1] ?? Buffer.alloc(0)
  return [word, 0, word.length]
}
