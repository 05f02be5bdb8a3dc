/** A request whose reply is changed on its way, in a transaction or out of one. */
import { type Frame, Handled } from './command-handler.ts'
import { queue } from './queued.ts'
import { RewritingSink } from './rewriting-sink.ts'
import type { Session } from './session.ts'

/** Sends the request in place of the frame's; `change` makes the client's reply out of the backend's. */
export function sendChanged(
  session: Session,
  frame: Frame,
  request: Buffer,
  change: (reply: Buffer) => Buffer,
): Handled {
  if (session.seat.inMulti) return queue(session, frame, change, request)
  session.sendFor(new RewritingSink(session, change), request, session.host.operationOf(frame))
  return Handled.SENT
}
