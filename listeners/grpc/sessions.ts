/** The connections of a grpc listener: what their sockets say goes to their sessions. */
import type { Socket } from 'node:net'
import { type Accepted, ReadBuffer } from '../../src/net/index.ts'
import type { Http2Session } from './http2/index.ts'
import type { GrpcServer } from './server.ts'

const READ_BYTES = 64 * 1024
const SESSION = Symbol('session')
interface SessionSocket extends Socket {
  [SESSION]: Http2Session
}

export class Sessions {
  readonly #buffer = new ReadBuffer(0, READ_BYTES)
  readonly #all = new Set<Http2Session>()

  /** Returns the socket whose 'close' ends the connection. Who has not begun to speak HTTP/2 in `greetingMs` is cut off. */
  open(accepted: Accepted, server: GrpcServer, greetingMs: number): Socket {
    const { bytes } = this.#buffer
    const adopted = accepted.pristine
      ? this.#buffer.adopt(accepted.socket, function (this: Socket, count: number) {
          ;(this as SessionSocket)[SESSION].onBytes(bytes.subarray(0, count))
          return true
        })
      : null
    const socket = adopted ?? accepted.socket
    const session = server.session(socket)
    ;(socket as SessionSocket)[SESSION] = session
    this.#all.add(session)
    if (!adopted) socket.on('data', (chunk: Buffer) => session.onBytes(chunk))
    socket.on('error', () => {})
    // A client that has ended its side does not hear answers either, in practice.
    socket.on('end', () => session.onClosed())
    const late = setTimeout(() => session.hasGreeted || socket.destroy(), greetingMs).unref()
    socket.once('close', () => {
      clearTimeout(late)
      this.#all.delete(session)
      session.onClosed()
    })
    socket.resume()
    return socket
  }

  drain(): void {
    for (const session of this.#all) session.drain()
  }
}
