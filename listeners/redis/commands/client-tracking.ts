/** CLIENT TRACKING and what belongs to it: the server sends its messages to a connection, so the client gets one of its own. */
import { encodeCommand, encodeInteger } from '../../../codecs/redis/index.ts'
import { type Frame, Handled, Pin } from '../command-handler.ts'
import { sendChanged } from '../send-changed.ts'
import type { Session } from '../session.ts'
import { answer } from './connection.ts'

const PLUS = 43

/** REDIRECT names one of our clients: that one gets a connection of its own too, whose id the server knows. */
export function tracking(session: Session, args: readonly Buffer[], frame: Frame): Handled {
  const handled = session.seat.pin(Pin.STATE)
  if (handled !== Handled.FORWARD) return handled
  const at = args.findIndex((arg, i) => i > 2 && arg.toString('latin1').toLowerCase() === 'redirect') + 1
  const id = at > 0 && at < args.length ? Number(args[at]!.toString('latin1')) : -1
  const target = session.host.sessions.get(id)
  if (target && target.seat.pipeline === null) {
    session.hold()
    target.seat.pinLater(Pin.STATE, () => session.resumeReading())
    return Handled.WAIT
  }
  const serverId = target?.seat.pipeline?.serverId
  const request = encodeCommand(args.map((arg, i) => (i === at && serverId !== undefined ? String(serverId) : arg)))
  const on = args[2]!.toString('latin1').toLowerCase() === 'on'
  return sendChanged(session, frame, request, reply => {
    if (reply[0] === PLUS) session.facts.redirect = on ? (target?.id ?? 0) : -1
    return reply
  })
}

/** CLIENT GETREDIR. */
export function getRedirection(session: Session): Handled {
  return answer(session, encodeInteger(session.facts.redirect))
}

/** The server's answer, with our id of the client that gets the messages. */
export function trackingInfo(session: Session, args: readonly Buffer[], frame: Frame): Handled {
  const handled = session.seat.pin(Pin.STATE)
  if (handled !== Handled.FORWARD) return handled
  return sendChanged(session, frame, encodeCommand(args), reply => {
    const text = reply.toString('latin1').replace(/(redirect\r\n:)[1-9]\d*/, `$1${session.facts.redirect}`)
    return Buffer.from(text, 'latin1')
  })
}

/** CLIENT CACHING is about the next command of the same connection. */
export function caching(session: Session): Handled {
  return session.seat.pin(Pin.STATE)
}
