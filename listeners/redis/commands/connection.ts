/** SELECT, RESET and QUIT: they are true for the client, whatever the connections behind it. */
import { encodeCommand, encodeError, encodeSimple } from '../../../codecs/redis/index.ts'
import { argumentsOf } from '../arguments.ts'
import { Handled, type Handler } from '../command-handler.ts'
import { wrongArity } from '../errors.ts'
import { queue } from '../queued.ts'
import { RewritingSink } from '../rewriting-sink.ts'
import type { Session } from '../session.ts'

const OK = encodeSimple('OK')
const MINUS = 45

export const select: Handler = (session, frame) => {
  if (frame.argc !== 2) return session.seat.inMulti ? Handled.FORWARD : answer(session, wrongArity('select'))
  const text = argumentsOf(frame)[1]!.toString('latin1')
  // Whatever else the backend refuses in its own words.
  if (!/^(0|[1-9]\d{0,4})$/.test(text)) return Handled.FORWARD
  const database = Number(text)
  if (session.seat.inMulti) {
    const follow = (element: Buffer) => {
      if (element[0] === MINUS) return element
      session.database = database
      if (session.seat.pipeline !== null) session.seat.pipeline.database = database
      return element
    }
    return queue(session, frame, follow, Buffer.from(frame.bytes.subarray(frame.start, frame.end)))
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

/** As if the client had just connected. */
export const reset: Handler = (session, frame) => {
  if (frame.argc !== 1) return session.seat.inMulti ? Handled.FORWARD : answer(session, wrongArity('reset'))
  if (session.outstanding > 0) return Handled.WAIT
  // It undoes CLIENT REPLY OFF, but not the SKIP that it is itself the next command of.
  if (session.reply !== 'skip') session.reply = 'on'
  session.seat.aborted = null
  session.seat.leave()
  session.subscriptions?.close()
  session.subscriptions = null
  session.database = 0
  session.protocol = 2
  session.facts.name = ''
  session.host.users.signOut(session.facts)
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
