/**
 * One static buffer that all connections of a direction read into: reading and its callback are synchronous, so nothing
 * is allocated per read. Connections that cannot read into it (TLS) have their chunks copied to where a read would land.
 */
import type { Socket } from 'node:net'
import { adopt } from './adopt.ts'

/** What each read calls, with the socket as `this` and the number of bytes read. */
export type OnRead = (this: Socket, bytes: number) => boolean

export class ReadBuffer {
  /** Bytes that a callback may put in front of what was read: the beginning of a request that came in pieces. */
  readonly headroom: number
  /** Reads land behind the headroom. */
  readonly bytes: Buffer
  readonly #target: Uint8Array

  constructor(headroom: number, readBytes: number) {
    this.headroom = headroom
    this.bytes = Buffer.allocUnsafeSlow(headroom + readBytes)
    this.#target = this.bytes.subarray(headroom)
  }

  /** Returns a paused socket for the connection that reads into this buffer, or null where that cannot be had. */
  adopt(accepted: Socket, onRead: OnRead): Socket | null {
    // One function for all sockets: Node calls it as a method of the socket.
    return adopt(accepted, { buffer: this.#target, callback: onRead })
  }

  /** For sockets with 'data' events: copies the chunk in pieces to where a read would have put it. */
  feed(socket: Socket, chunk: Buffer, onRead: OnRead): void {
    for (let offset = 0; offset < chunk.length; ) {
      const n = chunk.copy(this.bytes, this.headroom, offset)
      offset += n
      onRead.call(socket, n)
    }
  }
}
