/**
 * Memory for reading what a relay passes on. All connections read into one small buffer. Node asks where the next read of a
 * connection goes long before it comes, so this buffer stays the same for ever, and nothing is written out of it: what has
 * come is moved to another one, out of which it is written, and which stays with the write when the kernel does not take
 * all of it. A connection that fills the small buffer gets a large one of its own until its stream thins out or ends; out
 * of that one it is written without a move (bench/README.md: 2.1 GiB/s per core against 1.5 with 64 KiB).
 */
import type { OnReadOpts } from 'node:net'
import { Prefixes } from './prefixes.ts'

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
  readonly #arrival = new Prefixes(SHARED_BYTES)
  readonly #spare: Buffer[] = []
  #outgoing = new Prefixes(SHARED_BYTES)
  #inUse = 0

  /** What all connections read into that have no buffer of their own. */
  get arrival(): Buffer {
    return this.#arrival.bytes
  }

  /** The first bytes of `arrival`, copied. */
  copy(length: number): Buffer {
    return Buffer.from(this.#arrival.first(length))
  }

  /** The first bytes of `arrival`, moved to where they can be written out of. */
  move(length: number): Buffer {
    const bytes = this.#outgoing.first(length)
    bytes.set(this.#arrival.first(length))
    return bytes
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

  /** Leaves what was moved last to a write that still needs it: give it back like a large buffer. */
  takeMoved(): Buffer {
    const taken = this.#outgoing.bytes
    this.#inUse++
    this.#outgoing = new Prefixes(SHARED_BYTES)
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
  /** What it reads into; null for what all read into. */
  #large: Buffer | null = null
  #held: Buffer | null = null
  /** The next read goes where the one before went. */
  #stays = false
  #sink: IntakeSink | undefined

  constructor(buffers: RelayBuffers) {
    this.#buffers = buffers
  }

  readonly onread: OnReadOpts = {
    buffer: () => this.#next(),
    callback: (bytesRead, target) => {
      const goOn = this.#read(bytesRead)
      this.#stays = target === (this.#large ?? this.#buffers.arrival)
      return goOn
    },
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
    if (!this.#large) this.#buffers.takeMoved()
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

  /** Asked for before the first read, and behind each. */
  #next(): Buffer {
    // Then Node keeps what it has; to be told the same again costs it a few calls.
    if (this.#stays) return undefined as unknown as Buffer
    return this.#large ?? this.#buffers.arrival
  }

  #read(bytesRead: number): boolean {
    const sink = this.#sink
    if (!sink) return false
    return this.#large ? this.#passLarge(sink, this.#large, bytesRead) : this.#passShared(sink, bytesRead)
  }

  #passShared(sink: IntakeSink, bytesRead: number): boolean {
    const buffers = this.#buffers
    // When those who do not keep up are many, each holds no more than it has to.
    const copies = buffers.exhausted
    const goOn = sink.push(copies ? buffers.copy(bytesRead) : buffers.move(bytesRead), copies)
    if (!goOn && !copies) this.#hold(buffers.takeMoved())
    if (bytesRead === SHARED_BYTES && this.#sink) this.#large = buffers.take()
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
