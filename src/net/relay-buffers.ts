/**
 * Memory for reading what a relay passes on. Every connection reads into one small shared buffer and its bytes are
 * copied out: cheap while they are few. A connection that fills it gets a large buffer of its own, out of which views
 * are written without a copy, until its stream thins out or ends (bench/README.md: 2.1 GiB/s per core against 1.5 with
 * 64 KiB). A shared buffer cannot be written out of: the kernel may not take all, and the next connection's read would
 * overwrite what still has to leave.
 */
import type { OnReadOpts } from 'node:net'

const SHARED_BYTES = 64 * 1024
const LARGE_BYTES = 256 * 1024
/** A read that leaves a large buffer emptier than this gives it back. */
const THIN_BYTES = 32 * 1024
/** Large buffers in use at a time, 32 MiB in all; beyond it bulk streams take the shared buffer too. */
const MAX_LARGE = 128
/** Large buffers kept for reuse. */
const MAX_SPARE = 8

/** One instance serves any number of relays of one thread. */
export class RelayBuffers {
  readonly shared: Buffer = Buffer.allocUnsafeSlow(SHARED_BYTES)
  readonly #spare: Buffer[] = []
  #inUse = 0

  /** A large buffer, or the shared one when too many are in use. */
  take(): Buffer {
    if (this.#inUse >= MAX_LARGE) return this.shared
    this.#inUse++
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES)
  }

  /** Returns what take() gave, once nothing reads into it or writes out of it any more. */
  give(buffer: Buffer): void {
    if (buffer === this.shared) return
    this.#inUse--
    if (this.#spare.length < MAX_SPARE) this.#spare.push(buffer)
  }

  /** Returns one that a closing socket may still use: it is counted back and left to the garbage collector. */
  forget(buffer: Buffer): void {
    if (buffer !== this.shared) this.#inUse--
  }
}

/** Where an intake puts what it read. */
export interface IntakeSink {
  /**
   * Takes bytes. Owned memory is given up by the caller; other memory may be reused at once when the answer is true,
   * and only after the intake's drained() when it is false. False also means: read no more until then.
   */
  push(bytes: Buffer, owned: boolean): boolean
}

/** Reads one plain socket for a relay. Create it before the socket, and hand `onread` to whoever makes the socket. */
export class Intake {
  readonly #buffers: RelayBuffers
  #buffer: Buffer
  #held: Buffer | undefined
  #sink: IntakeSink | undefined

  constructor(buffers: RelayBuffers) {
    this.#buffers = buffers
    this.#buffer = buffers.shared
  }

  readonly onread: OnReadOpts = {
    buffer: () => this.#buffer,
    callback: bytesRead => this.#read(bytesRead),
  }

  attach(sink: IntakeSink): void {
    this.#sink = sink
  }

  /** What was held has left. */
  drained(): void {
    if (this.#held) this.#buffers.give(this.#held)
    this.#held = undefined
  }

  /** Called within a push: its memory stays with whoever writes it, and reading goes on in other memory. */
  leave(): void {
    if (this.#buffer !== this.#buffers.shared) this.#buffers.forget(this.#buffer)
    this.#buffer = this.#buffers.shared
  }

  /** The socket has closed. */
  close(): void {
    this.#sink = undefined
    if (this.#held) this.#buffers.forget(this.#held)
    this.#held = undefined
    this.#buffers.forget(this.#buffer)
    this.#buffer = this.#buffers.shared
  }

  #read(bytesRead: number): boolean {
    const sink = this.#sink
    if (!sink) return false
    const buffer = this.#buffer
    const { shared } = this.#buffers
    if (buffer === shared) {
      if (bytesRead === buffer.length) this.#buffer = this.#buffers.take()
      return sink.push(Buffer.from(buffer.subarray(0, bytesRead)), true)
    }
    if (!sink.push(buffer.subarray(0, bytesRead), false)) {
      this.#held = buffer
      this.#buffer = this.#buffers.take()
      return false
    }
    if (bytesRead < THIN_BYTES && this.#buffer === buffer) {
      this.#buffers.give(buffer)
      this.#buffer = shared
    }
    return true
  }
}
