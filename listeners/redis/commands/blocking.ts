/** Commands that may keep a connection busy until something happens, and commands that are about their connection. */
import { encodeCommand } from '../../../codecs/redis/index.ts'
import { sendToNobody } from '../../../src/backends/redis/index.ts'
import { argumentsOf } from '../arguments.ts'
import { Handled, type Handler, Pin } from '../command-handler.ts'
import { MonitorSink } from '../monitor-sink.ts'
import type { Session } from '../session.ts'

/** Blocks unless inside a transaction. */
export const blocking: Handler = session => (session.seat.inMulti ? Handled.FORWARD : session.seat.pin(Pin.BLOCK))

/** XREAD and XREADGROUP block only when they say so. */
export const streamRead: Handler = (session, frame) => {
  if (session.seat.inMulti) return Handled.FORWARD
  for (const arg of argumentsOf(frame).slice(1)) {
    const word = arg.length <= 7 ? arg.toString('latin1').toLowerCase() : ''
    if (word === 'block') return session.seat.pin(Pin.BLOCK)
    if (word === 'streams') break
  }
  return Handled.FORWARD
}

const PING = encodeCommand(['PING'])

/**
 * WAIT and WAITAOF wait for what their own connection wrote last. On a connection of its own that is nothing, so a
 * command goes ahead: the server then notes the present offset for it, which covers the writes already answered.
 */
export const waiting: Handler = session => {
  const { seat } = session
  if (seat.inMulti) return Handled.FORWARD
  const handled = session.seat.pin(Pin.BLOCK)
  if (handled === Handled.FORWARD && seat.pins === Pin.BLOCK) sendToNobody(seat.pipeline!, PING)
  return handled
}

/** Replication: from here on the connection's bytes are no replies (an RDB file has no line behind it), but pass as they are. */
export const replication: Handler = (session, frame) => {
  if (session.seat.inMulti) return Handled.FORWARD
  if (session.outstanding > 0) return Handled.WAIT
  const handled = session.seat.pin(Pin.STREAM)
  const { pipeline } = session.seat
  if (handled !== Handled.FORWARD || pipeline === null) return handled
  if (!pipeline.ring.empty && !pipeline.raw) {
    // Redis refuses SYNC while any reply is on its way: that of the UNWATCH of who had the connection before, say.
    session.hold()
    session.host.clock.after(1, () => session.resumeReading())
    return Handled.WAIT
  }
  pipeline.raw = true
  pipeline.sendPiece(session, frame.bytes, frame.start, frame.end)
  return Handled.DONE
}

/** A replica tells of itself before SYNC, and acknowledges after it, to which nothing is answered. */
export const replicaConfiguration: Handler = (session, frame) =>
  session.seat.pipeline?.raw ? replication(session, frame) : session.seat.pin(Pin.STATE)

/** The connection becomes a stream of lines, until it ends. */
export const monitor: Handler = session => {
  if (session.seat.inMulti) return Handled.FORWARD
  const handled = session.seat.pin(Pin.STREAM)
  if (handled === Handled.FORWARD && session.seat.pipeline) session.seat.pipeline.subscriber = new MonitorSink(session)
  return handled
}

/** Leaves something behind on its connection that only its end takes away. */
export const stateful: Handler = session => session.seat.pin(Pin.STATE)

/** A script may keep its connection busy: only other scripts, and what the same client sends behind it, wait for that. */
export const runScript: Handler = (session, frame) => {
  session.host.operations[0] = session.host.operationOf(frame)
  session.send(frame.bytes, frame.start, frame.end, 1, true)
  return Handled.SENT
}

/** SCRIPT DEBUG makes the connection a debugger's; SCRIPT KILL and FUNCTION KILL are for a script that keeps it busy. */
export const script: Handler = (session, frame) => {
  if (session.seat.inMulti) return Handled.FORWARD
  const args = argumentsOf(frame)
  const word = args[1]?.toString('latin1').toLowerCase()
  if (word === 'debug' && args.length > 2) return session.seat.pin(Pin.STATE)
  // The call that may follow in the same piece then goes with it.
  if (word === 'load') return runScript(session, frame)
  return word === 'kill' ? past(session, args, session.host.operationOf(frame)) : Handled.FORWARD
}

export const shutdown: Handler = (session, frame) => past(session, argumentsOf(frame), frame.command + 1)

/**
 * Sends a command that must not wait behind what keeps the shared connection busy. A server that is busy lets it through
 * but not SELECT, so it goes by whatever connection there is.
 */
export function past(session: Session, args: readonly Buffer[], operation: number): Handled {
  if (session.seat.pipeline !== null) return Handled.FORWARD
  const handled = session.seat.pin(Pin.BLOCK, null)
  if (handled !== Handled.FORWARD) return handled
  const request = encodeCommand(args)
  session.host.operations[0] = operation
  session.send(request, 0, request.length, 1)
  // What comes next may be for another database.
  session.awaitReplies()
  return Handled.SENT
}
