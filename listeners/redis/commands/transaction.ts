/**
 * MULTI and WATCH. A transaction that has come whole goes as one block on the shared pipeline, where nobody can get in
 * between; one that comes bit by bit, or that watches keys, has a private pipeline until it is over.
 */
import { encodeSimple, type RequestLimits, type RequestScanner, Scan } from '../../../codecs/redis/index.ts'
import { type Frame, Handled, type Handler, Pin } from '../command-handler.ts'
import { Queued } from '../queued.ts'
import { type Rewrite, RewritingSink } from '../rewriting-sink.ts'
import { waitsAlone } from '../serve.ts'
import type { Session } from '../session.ts'

const OK = encodeSimple('OK')
const QUEUED = encodeSimple('QUEUED')

/** Requests of a transaction that go in one block at most. */
const MAX_BLOCK = 512

export const multi: Handler = (session, frame) => {
  const { seat } = session
  if (frame.argc !== 1) return Handled.FORWARD
  if (seat.queued !== null) return unqueued(seat.queued)
  const sent = seat.pins === 0 ? sendWhole(session, frame) : undefined
  if (sent !== undefined) return sent
  const handled = session.seat.pin(Pin.MULTI)
  if (handled === Handled.FORWARD) seat.queued = new Queued(seat.pipeline!)
  return handled
}

export const watch: Handler = (session, frame) => {
  if (frame.argc < 2) return Handled.FORWARD
  const { queued } = session.seat
  return queued === null ? session.seat.pin(Pin.WATCH) : unqueued(queued)
}

/** Refused without the transaction coming to an end. */
function unqueued(queued: Queued): Handled {
  queued.skip()
  return Handled.FORWARD
}

export const unwatch: Handler = (session, frame) => {
  if (frame.argc === 1 && session.seat.pipeline !== null && !session.seat.inMulti) session.seat.unpin(Pin.WATCH)
  return Handled.FORWARD
}

export const exec: Handler = (session, frame) => ended(session, frame, true)
export const discard: Handler = (session, frame) => ended(session, frame, false)

function ended(session: Session, frame: Frame, executed: boolean): Handled {
  if (frame.argc !== 1 || session.seat.pipeline === null || !session.seat.inMulti) return Handled.FORWARD
  const { queued } = session.seat
  session.seat.queued = null
  session.seat.unpin(Pin.MULTI | Pin.WATCH)
  if (!executed || !queued?.hasSteps) return Handled.FORWARD
  const request = Buffer.from(frame.bytes.subarray(frame.start, frame.end))
  const answer: Rewrite = (reply, later) => queued.answer(session, reply, later)
  session.sendFor(new RewritingSink(session, answer, session), request, frame.command + 1)
  // Who the client is, what it speaks and whether it wants replies must be settled before its next request is looked at.
  session.awaitReplies()
  return Handled.SENT
}

/** What is malformed behind a transaction is found again when its turn comes. */
function scanWhole(scanner: RequestScanner, frame: Frame, position: number, limits: RequestLimits): number {
  try {
    return scanner.scan(frame.bytes, position, frame.limit, limits)
  } catch {
    return Scan.MORE
  }
}

/** Sends MULTI ... EXEC in one block if all of it is there and any connection can serve it. */
function sendWhole(session: Session, frame: Frame): Handled | undefined {
  const { host } = session
  const { scanner, table } = host
  if (session.facts.guarded || session.reply !== 'on') return undefined
  const { operations } = host
  operations[0] = frame.command + 1
  let position = frame.end
  for (let count = 1; count < MAX_BLOCK && position < frame.limit; ) {
    if (scanWhole(scanner, frame, position, host.requestLimits) !== Scan.FRAME) return undefined
    const command = table.lookup(frame.bytes, scanner.nameStart, scanner.nameEnd)
    position = scanner.end
    operations[count++] = command + 1
    if (waitsAlone(session, command + 1)) return undefined
    const name = command >= 0 ? host.names[command]! : ''
    if ((name === 'exec' || name === 'discard') && scanner.argc === 1) {
      session.send(frame.bytes, frame.start, position, count)
      return position
    }
    if (command < 0) return undefined
    if (host.isDenied(command) || (host.handlers[command] && !SAFE_IN_BLOCK.has(name))) return undefined
  }
  return undefined
}

/** Commands with handlers that inside a transaction are like any other. */
const SAFE_IN_BLOCK = new Set([
  'publish',
  'spublish',
  'blpop',
  'brpop',
  'brpoplpush',
  'blmove',
  'blmpop',
  'bzpopmin',
  'bzpopmax',
  'bzmpop',
  'xread',
  'xreadgroup',
  'watch',
  'multi',
  'pubsub',
  'ping',
  'wait',
  'waitaof',
  'script',
  'eval',
  'eval_ro',
  'evalsha',
  'evalsha_ro',
  'fcall',
  'fcall_ro',
  'unwatch',
  'acl',
  'info',
])

/** Whatever comes while a lost transaction is not over: nothing of it may run. */
export function afterLoss(session: Session, frame: Frame, name: string): Buffer | undefined {
  if (name === 'exec' && frame.argc === 1) {
    const reply = session.seat.aborted!
    session.seat.aborted = null
    return reply
  }
  if (name === 'discard' || name === 'unwatch' || name === 'multi' || name === 'watch') {
    if (name === 'discard') session.seat.aborted = null
    return OK
  }
  if (name === 'reset' || name === 'quit') {
    session.seat.aborted = null
    return undefined
  }
  return QUEUED
}
