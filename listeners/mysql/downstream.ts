/**
 * The client's side of a session: what it has sent, in packets, read ahead up to a bound; and what it gets, as fast as it
 * takes it.
 */
import { Buffer } from 'node:buffer'
import type { Released } from '../../src/backends/mysql/index.ts'
import { type ByteStream, type Intake, type IntakeSink, Pump, unsentBytes } from '../../src/net/index.ts'
import { ClientInput } from './client-input.ts'

/** Commands read ahead of the one that is being answered. */
const MAX_AHEAD_BYTES = 256 * 1024

/** Who reads. */
export interface DownstreamSink {
  /** So many bytes have come. */
  onInput(bytes: number): void
  /** The client has taken what it was behind with. */
  onDrained(): void
  /** The client sends no more. */
  onEnd(): void
}

export class Downstream implements IntakeSink {
  readonly stream: ByteStream
  readonly input: ClientInput
  readonly #sink: DownstreamSink
  readonly #intake: Intake | undefined
  readonly #pump: Pump
  #paused = false
  #closed = false
  #takenBytes = -1
  #takenAt = 0

  constructor(sink: DownstreamSink, { stream, intake, early }: Released, maxPacketBytes: number) {
    this.#sink = sink
    this.stream = stream
    this.#intake = intake
    this.input = new ClientInput(maxPacketBytes)
    // Clients may send their first command behind the login.
    this.input.add(early)
    this.#pump = new Pump({ target: stream, onDrained: () => sink.onDrained() })
  }

  /** Begins to read. */
  open(): void {
    const { stream } = this
    if (this.#intake) this.#intake.attach(this)
    else {
      stream.on('data', (chunk: Buffer) => {
        if (!this.push(chunk, true)) stream.pause()
      })
    }
    stream.resume()
  }

  push(bytes: Buffer, owned: boolean): boolean {
    if (this.#closed) return true
    this.input.add(owned ? bytes : Buffer.from(bytes))
    this.#sink.onInput(bytes.length)
    if (this.#isAhead) this.#paused = true
    return !this.#paused
  }

  onEnd(): void {
    this.#sink.onEnd()
  }

  /** Passes on bytes; false: read no more until onDrained(). */
  write(bytes: Buffer, owned: boolean): boolean {
    return this.#pump.push(bytes, owned)
  }

  /** The client does not take what it gets. */
  get full(): boolean {
    return this.#pump.full
  }

  /** Reads no more: the backend does not keep up. */
  pause(): void {
    this.#paused = true
    this.stream.pause()
  }

  /** Reads again, when there was a pause. */
  resume(): void {
    if (!this.#paused || this.#closed) return
    this.#paused = false
    this.#intake?.drained()
    this.stream.resume()
  }

  /** Reads again when little enough is left of what was read ahead. */
  goOn(): void {
    if (this.#paused && !this.#isAhead) this.resume()
  }

  get #isAhead(): boolean {
    return this.input.waiting > Math.max(MAX_AHEAD_BYTES, this.input.wanted)
  }

  /** Whether bytes have waited for the client for so long without it taking any; to be asked now and then. */
  isStalled(now: number, ms: number): boolean {
    const unsent = unsentBytes(this.stream)
    const taken = this.stream.bytesWritten - unsent
    if (unsent === 0 || taken !== this.#takenBytes) {
      this.#takenBytes = taken
      this.#takenAt = now
    }
    return now - this.#takenAt >= ms
  }

  /** What was written still reaches the client. */
  close(): void {
    this.#stop()
    this.stream.end()
    this.stream.resume()
  }

  destroy(): void {
    this.#stop()
    this.stream.destroy()
  }

  #stop(): void {
    this.#closed = true
    this.input.clear()
  }
}
