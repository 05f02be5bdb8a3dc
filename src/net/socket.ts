/** What net.Socket does not offer directly. */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'

/** A socket, or what stands before one and changes its bytes. */
export type ByteStream = Duplex & Pick<Socket, 'bytesWritten'>

/** Closes so that the peer cannot take it for an orderly end: a reset on TCP, no close_notify with TLS. */
export function reset(socket: Socket): void {
  if (socket.destroyed) return
  // Only TCP has a reset; on a unix socket the method throws.
  if (socket instanceof TLSSocket || socket.remoteFamily === undefined) socket.destroy()
  else socket.resetAndDestroy()
}

/**
 * Whether a TCP connection that has ended was reset in truth: libuv takes it for an end when data came with the reset, but
 * then there is no peer any more, although we have not ended. Node remembers a peer that was asked for before, and nothing
 * can be told.
 */
export function wasReset(socket: Socket): boolean {
  if (socket instanceof TLSSocket || socket.writableEnded) return false
  return socket.localAddress !== undefined && socket.remoteAddress === undefined
}

/**
 * Bytes that the kernel has not taken yet. Node knows how much of a write has left in `_handle.writeQueueSize`, which is
 * not documented; without it, whole writes are counted, and a very slow reader looks like one that has stopped.
 */
export function unsentBytes(stream: ByteStream): number {
  const { _handle: handle } = stream as ByteStream & { readonly _handle?: { readonly writeQueueSize?: unknown } | null }
  const exact = handle?.writeQueueSize
  return typeof exact === 'number' ? exact : stream.writableLength
}
