/** INFO is the backend's, but for the clients: it sees a few connections of the sidecar, of which applications know nothing. */
import { Handled, type Handler } from '../command-handler.ts'
import { RewritingSink } from '../rewriting-sink.ts'

const CLIENTS = /\r\nconnected_clients:(\d+)\r\n/
/** `$123\r\n`, or `=123\r\n` for RESP3. */
const HEAD = /^([$=])\d+\r\n/

export const info: Handler = (session, frame) => {
  if (session.seat.inMulti || session.reply !== 'on') return Handled.FORWARD
  const { host } = session
  const request = Buffer.from(frame.bytes.subarray(frame.start, frame.end))
  const rewrite = (reply: Buffer) => {
    const text = reply.toString('latin1')
    const found = CLIENTS.exec(text)
    const head = HEAD.exec(text)
    if (!found || !head) return reply
    const clients = Math.max(1, Number(found[1]) - host.backend.connections + host.sessions.size)
    const body = text.slice(head[0].length, -2).replace(CLIENTS, `\r\nconnected_clients:${clients}\r\n`)
    return Buffer.from(`${head[1]}${body.length}\r\n${body}\r\n`, 'latin1')
  }
  session.sendFor(new RewritingSink(session, rewrite), request, frame.command + 1)
  return Handled.SENT
}
