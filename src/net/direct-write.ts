/**
 * Writes to TCP sockets past Node's stream layer, which for small replies costs about as much as everything else in user
 * land (bench/README.md). Off unless asked for: it takes `process.binding('stream_wrap')`, which is undocumented and
 * deprecated (DEP0111), the same from Node 20 to 26. Where anything is not as expected there is none, and the stream
 * layer serves.
 */
import type { Socket } from 'node:net'

interface WriteRequest {
  oncomplete: (this: WriteRequest, status: number) => void
  writer: DirectWriter | null
  /** Held until the kernel has taken them. */
  bytes: Uint8Array | null
}

interface Handle {
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number
}

interface StreamWrap {
  readonly WriteWrap: new () => WriteRequest
  readonly streamBaseState: Int32Array
  readonly kLastWriteWasAsync: number
}

/** Makes writers; one for all sockets of a listener, whose writes share a request while the kernel takes all at once. */
export class DirectWrites {
  readonly #wrap: StreamWrap
  #spare: WriteRequest | null = null

  private constructor(wrap: StreamWrap) {
    this.#wrap = wrap
  }

  /** Null where this Node does not offer what it takes. */
  static available(): DirectWrites | null {
    try {
      const { binding } = process as unknown as { binding?: (name: string) => Partial<StreamWrap> }
      const { WriteWrap, streamBaseState, kLastWriteWasAsync } = binding?.('stream_wrap') ?? {}
      if (typeof WriteWrap !== 'function' || !streamBaseState || typeof kLastWriteWasAsync !== 'number') return null
      return new DirectWrites({ WriteWrap, streamBaseState, kLastWriteWasAsync })
    } catch {
      return null
    }
  }

  /** A writer for the socket; null for one that has no such handle (TLS). `onDrained` is called as 'drain' is. */
  writer(socket: Socket, onDrained: () => void): DirectWriter | null {
    const handle = (socket as unknown as { _handle: Handle | null })._handle
    return handle && typeof handle.writeBuffer === 'function' ? new DirectWriter(this, handle, socket, onDrained) : null
  }

  /** Returns true when the kernel did not take all at once, false when it did, or the system's error. */
  write(writer: DirectWriter, handle: Handle, bytes: Uint8Array): boolean | number {
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = this.#wrap
    const request = this.#spare ?? new WriteWrap()
    this.#spare = null
    request.oncomplete = onComplete
    const error = handle.writeBuffer(request, bytes)
    if (error !== 0) return error
    if (streamBaseState[kLastWriteWasAsync] === 0) {
      this.#spare = request
      return false
    }
    request.writer = writer
    request.bytes = bytes
    return true
  }
}

export class DirectWriter {
  /** Bytes that the kernel has not taken yet. */
  pending = 0
  readonly #writes: DirectWrites
  readonly #handle: Handle
  readonly #socket: Socket
  readonly #onDrained: () => void

  constructor(writes: DirectWrites, handle: Handle, socket: Socket, onDrained: () => void) {
    this.#writes = writes
    this.#handle = handle
    this.#socket = socket
    this.#onDrained = onDrained
  }

  /** Returns true when the bytes are still held, so that their buffer must not be changed. */
  write(bytes: Uint8Array): boolean {
    const held = this.#writes.write(this, this.#handle, bytes)
    if (held === false) return false
    if (held === true) this.pending += bytes.length
    else this.#socket.destroy()
    return held === true
  }

  completed(bytes: number, status: number): void {
    this.pending -= bytes
    if (status < 0) this.#socket.destroy()
    else if (this.pending === 0) this.#onDrained.call(this.#socket)
  }
}

function onComplete(this: WriteRequest, status: number): void {
  const { writer, bytes } = this
  this.writer = null
  this.bytes = null
  if (writer && bytes) writer.completed(bytes.length, status)
}
