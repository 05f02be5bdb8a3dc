/** Serves one request that has a handler or must be looked at. */
import { CommandFlag } from '../../codecs/redis/index.ts'
import { Outcome } from '../../src/observability/operation-stats.ts'
import { argumentsOf } from './arguments.ts'
import { type Frame, Handled, Pin } from './command-handler.ts'
import type { Session } from './session.ts'

const MINUS = 45
/** Replies before authentication at most, in bytes (Redis does the same since CVE-2025-21605). */
const MAX_EARLY_OUTPUT = 1024

/** Returns where to go on: at its start to wait. */
export function serve(session: Session, frame: Frame): number {
  const { facts } = session
  const operation = session.host.operationOf(frame)
  facts.lastOperation = operation
  facts.requestBytes = frame.end - frame.start
  if (session.reply === 'skip-next') session.reply = 'skip'
  const skipping = session.reply === 'skip'
  const next = handle(session, frame, operation)
  facts.requestBytes = 0
  if (skipping && next !== frame.start && session.reply === 'skip') session.reply = 'on'
  return next
}

function handle(session: Session, frame: Frame, operation: number): number {
  const { host } = session
  if (frame.command < 0 && isCrossProtocol(frame)) {
    host.protocolError('cross-protocol')
    session.destroy()
    return frame.end
  }
  const refusal = host.refusal(session, frame)
  if (refusal) {
    if (session.seat.inMulti) session.seat.poison()
    session.local(refusal)
    host.stats.count(operation, Outcome.REFUSED)
    if (session.facts.earlyOutput > MAX_EARLY_OUTPUT) session.finish()
    return frame.end
  }
  const handler = host.handlers[frame.command]
  session.answeredWith = 0
  let handled = waitsAlone(session, operation) ? session.seat.pin(Pin.BLOCK) : Handled.FORWARD
  if (handler && handled === Handled.FORWARD) handled = handler(session, frame)
  if (handled === Handled.WAIT) {
    session.awaitReplies()
    return frame.start
  }
  if (handled === Handled.SENT) return frame.end
  if (handled === Handled.DONE) {
    host.stats.count(operation, session.answeredWith === MINUS ? Outcome.ERROR : Outcome.OK)
    return frame.end
  }
  if (handled !== Handled.FORWARD) return handled
  host.operations[0] = operation
  session.send(frame.bytes, frame.start, frame.end, 1)
  return frame.end
}

/**
 * While the server lets writes wait they get connections of their own, as long as there are, so that no read waits
 * behind.
 */
export function waitsAlone(session: Session, operation: number): boolean {
  const { backend, pool, table } = session.host
  if (!backend.writePause.active || operation === 0 || session.seat.pipeline !== null) return false
  const { WRITE, MAY_REPLICATE } = CommandFlag
  return (table.flags[operation - 1]! & (WRITE | MAY_REPLICATE)) !== 0 && pool.hasRoom(session.protocol)
}

/** A browser or a script made to talk to us (Redis does the same): no reply that could be mistaken for one. */
function isCrossProtocol(frame: Frame): boolean {
  const name = argumentsOf(frame)[0]!.toString('latin1').toLowerCase()
  return name === 'post' || name === 'host:'
}
