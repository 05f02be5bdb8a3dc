/** Leads from a socket to its session, without a closure for each connection. */
import type { Socket } from 'node:net'
import type { ReadBuffer } from '../../src/net/index.ts'
import type { Session } from './session.ts'

const SESSION = Symbol('session')
interface SessionSocket extends Socket {
  [SESSION]: Session
}

/** Has a session told what happens to its socket, which reads on from here; `adopted` when the read buffer has it. */
export function attach(session: Session, buffer: ReadBuffer, adopted: boolean): void {
  const socket = session.socket as SessionSocket
  socket[SESSION] = session
  if (!adopted) socket.on('data', (chunk: Buffer) => buffer.feed(socket, chunk, onRead))
  socket.on('error', onError)
  socket.on('end', onEnd)
  socket.on('close', onClose)
  socket.on('drain', onDrain)
  socket.resume()
}

/** For `ReadBuffer.adopt`. */
export function onRead(this: Socket, bytes: number): boolean {
  ;(this as SessionSocket)[SESSION].input.onRead(bytes)
  return true
}

function onError(): void {}

function onEnd(this: Socket): void {
  ;(this as SessionSocket)[SESSION].onEnd()
}

function onClose(this: Socket): void {
  ;(this as SessionSocket)[SESSION].destroy()
}

function onDrain(this: Socket): void {
  ;(this as SessionSocket)[SESSION].onDrain()
}
