/**
 * The way back to a client: bytes go straight to the socket while it takes them, and a client that does not read is
 * held up alone. Up to the first mark its replies wait in memory; from there on its requests are not read; from the
 * second on the backend connection that brings them is paused (slow-clients.ts decides which and for how long).
 */
import type { Socket } from 'node:net'
import type { Pipeline } from '../../src/backends/redis/index.ts'

export interface OutletLimits {
  /** Unsent bytes from which on no further request is read. */
  readonly highBytes: number
  /** Unsent bytes from which on no further reply is read. */
  readonly maxBytes: number
}

export class Outlet {
  /** Bytes handed over so far. */
  sent = 0
  /** The backend connection that is paused on this client's account. */
  stalled: Pipeline | null = null
  readonly #socket: Socket
  #corked = false

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Bytes that the kernel has not taken yet. */
  get waiting(): number {
    return this.#socket.writableLength
  }

  /**
   * Writes what lies between start and end of a buffer that is read into again. Returns true when the write still holds
   * the buffer.
   */
  writeView(bytes: Buffer, start: number, end: number): boolean {
    const socket = this.#socket
    this.sent += end - start
    if (socket.writableLength > 0) {
      socket.write(Buffer.from(bytes.subarray(start, end)))
      return false
    }
    socket.write(bytes.subarray(start, end))
    return socket.writableLength > 0
  }

  /** Writes a buffer that nobody changes. */
  write(bytes: Buffer): void {
    this.sent += bytes.length
    this.#socket.write(bytes)
  }

  /** Lets the backend connection read on. */
  releaseStalled(): void {
    const { stalled } = this
    this.stalled = null
    stalled?.unpause()
  }

  /** Gathers what is written until `uncork` into one system call. */
  cork(): void {
    if (this.#corked) return
    this.#corked = true
    this.#socket.cork()
  }

  uncork(): void {
    if (!this.#corked) return
    this.#corked = false
    this.#socket.uncork()
  }
}
