/**
 * Gives an accepted connection what Node offers only to dialled ones: reading into a buffer of ours. Its handle is moved
 * to a new socket. That takes undocumented properties, the same from Node 20 to 26 since Node's own accept path uses
 * them; where they are missing the answer is null, and the connection keeps its 'data' events.
 */
import { type OnReadOpts, Socket } from 'node:net'

interface Internals {
  _handle: object | null
  _server: object | null
  server?: object | null
}

/** For a socket that is paused and was never read from. The new one is paused too and counts for the same server. */
export function adopt(accepted: Socket, onread: OnReadOpts): Socket | null {
  const from = accepted as unknown as Internals
  const { _handle: handle, _server: server } = from
  if (!handle || !server || !('reading' in handle)) return null
  from._handle = null
  from._server = null
  const socket = new Socket({ handle, allowHalfOpen: true, pauseOnCreate: true, onread } as object)
  const to = socket as unknown as Internals
  to._server = server
  to.server = server
  return socket
}
