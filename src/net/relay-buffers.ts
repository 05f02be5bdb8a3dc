/**
 * Memory for reading what a relay passes on. Every connection reads into one small shared buffer, and what was read is
 * written out of it without a copy; when the kernel does not take all of it, the buffer stays with that write and the
 * others get another one. A connection that fills it gets a large buffer of its own until its stream thins out or ends
 * (bench/README.md: 2.1 GiB/s per core against 1.5 with 64 KiB).
 */
import type { OnReadOpts } from 'node:net'

const SHARED_BYTES = 64 * 1024
const LARGE_BYTES = 256 * 1024
/** A read that leaves a large buffer emptier than this gives it back. */
const THIN_BYTES = 32 * 1024
/** Buffers in use at a time, 32 MiB in all; beyond it bulk streams take the shared buffer too, and are copied out of it. */
const MAX_IN_USE = 128
/** Large buffers kept for reuse. */
const MAX_SPARE = 8

/** One instance serves any number of relays of one thread. */
export class RelayBuffers {
  readonly #spare: Buffer[] = []
  #shared: Buffer = Buffer.allocUnsafeSlow(SHARED_BYTES)
  #inUse = 0

  get shared(): Buffer {
    return this.#shared
  }

  /** No further buffer can be taken. */
  get exhausted(): boolean {
    return this.#inUse >= MAX_IN_USE
  }

  /** A large buffer, or none when too many are in use. */
  take(): Buffer | null {
    if (this.exhausted) return null
    this.#inUse++
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES)
  }

  /** Leaves the shared buffer to a write that still needs it: give it back like a large one. */
  takeShared(): Buffer {
    const taken = this.#shared
    this.#inUse++
    this.#shared = Buffer.allocUnsafeSlow(SHARED_BYTES)
    return taken
  }

  /** Returns what was taken, once nothing reads into it or writes out of it any more. */
  give(buffer: Buffer): void {
    this.#inUse--
    if (buffer.length === LARGE_BYTES && this.#spare.length < MAX_SPARE) this.#spare.push(buffer)
  }

  /** Returns one that a closing socket may still use: it is counted back and left to the garbage collector. */
  forget(): void {
    this.#inUse--
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
  /** What it reads into; null for the shared one. */
  #large: Buffer | null = null
  #held: Buffer | null = null
  #sink: IntakeSink | undefined

  constructor(buffers: RelayBuffers) {
    this.#buffers = buffers
  }

  readonly onread: OnReadOpts = {
    buffer: () => this.#large ?? this.#buffers.shared,
    callback: bytesRead => this.#read(bytesRead),
  }

  attach(sink: IntakeSink): void {
    this.#sink = sink
  }

  /** What was held has left. */
  drained(): void {
    if (this.#held) this.#buffers.give(this.#held)
    this.#held = null
  }

  /** Called within a push: its memory stays with whoever writes it, and reading goes on in other memory. */
  leave(): void {
    if (!this.#large) this.#buffers.takeShared()
    this.#buffers.forget()
    this.#large = null
  }

  /** The socket has closed. */
  close(): void {
    this.#sink = undefined
    if (this.#held) this.#buffers.forget()
    this.#held = null
    if (this.#large) this.#buffers.forget()
    this.#large = null
  }

  #read(bytesRead: number): boolean {
    const sink = this.#sink
    if (!sink) return false
    return this.#large ? this.#passLarge(sink, this.#large, bytesRead) : this.#passShared(sink, bytesRead)
  }

  #passShared(sink: IntakeSink, bytesRead: number): boolean {
    const buffers = this.#buffers
    const { shared } = buffers
    const bytes = shared.subarray(0, bytesRead)
    // When those who do not keep up are many, each holds no more than it has to.
    const copies = buffers.exhausted
    const goOn = sink.push(copies ? Buffer.from(bytes) : bytes, copies)
    if (!goOn && !copies) this.#hold(buffers.takeShared())
    if (bytesRead === shared.length && this.#sink) this.#large = buffers.take()
    return goOn
  }

  #passLarge(sink: IntakeSink, large: Buffer, bytesRead: number): boolean {
    if (!sink.push(large.subarray(0, bytesRead), false)) {
      this.#hold(large)
      this.#large = this.#buffers.take()
      return false
    }
    if (bytesRead < THIN_BYTES && this.#large === large) {
      this.#buffers.give(large)
      this.#large = null
    }
    return true
  }

  #hold(buffer: Buffer): void {
    if (this.#sink) this.#held = buffer
    else this.#buffers.forget()
  }
}
