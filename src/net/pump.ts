/** One direction of a relay: what comes in is written at once, and reading pauses while the target does not keep up. */
import type { Writable } from 'node:stream'
import type { Cell } from '../observability/metrics.ts'
import { DirectWriter } from './direct-writer.ts'
import type { IntakeSink } from './relay-buffers.ts'

/** Owned memory may wait up to this much; a view out of a read buffer may not wait at all. */
const MAX_PENDING_BYTES = 64 * 1024
/** Views that have to wait in a stream are copied up to this length, so that reading goes on. */
const MAX_COPY_BYTES = 32 * 1024

export interface PumpOptions {
  readonly target: Writable
  /** How many bytes belong to this pump; endless when not given. */
  readonly limit?: number
  /** Counts the bytes, such as for a metric. */
  readonly counter?: Cell
  /** Sees the bytes before they leave; they must not be kept. */
  readonly tap?: (bytes: Buffer) => void
  /** The target has caught up: what was held is free, and more may be pushed. */
  onDrained(): void
  /** A write failed; without this the target is destroyed, whatever its peer has said before. */
  readonly onFailed?: (error: Error) => void
}

export class Pump implements IntakeSink {
  readonly #options: PumpOptions
  readonly #writer: DirectWriter
  #bytes = 0
  #remaining: number
  #waiting = 0
  #full = false

  constructor(options: PumpOptions) {
    this.#options = options
    this.#writer = new DirectWriter(options.target, () => this.#onWritten(), options.onFailed)
    this.#remaining = options.limit ?? Number.POSITIVE_INFINITY
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Bytes still to come; 0 when a counted pump is done. */
  get remaining(): number {
    return this.#remaining
  }

  /** True while the target keeps others waiting. */
  get full(): boolean {
    return this.#full
  }

  /** Writes the bytes, or as many of their first as remain: the rest is the caller's. */
  push(bytes: Buffer, owned: boolean): boolean {
    let chunk = bytes.length > this.#remaining ? bytes.subarray(0, this.#remaining) : bytes
    const { length } = chunk
    if (length === 0) return !this.#full
    const { counter, tap } = this.#options
    this.#bytes += length
    this.#remaining -= length
    if (counter) counter.value += length
    if (tap) tap(chunk)
    let isOwned = owned
    // What is behind others waits for certain, and so does what is to be encrypted.
    if (!owned && length <= MAX_COPY_BYTES && (this.#waiting > 0 || !this.#writer.writesViews)) {
      chunk = Buffer.from(chunk)
      isOwned = true
    }
    this.#waiting = this.#writer.write(chunk)
    if (this.#waiting === 0 || (isOwned && this.#waiting <= MAX_PENDING_BYTES)) return true
    this.#full = true
    return false
  }

  #onWritten(): void {
    if (this.#waiting === 0) return
    this.#waiting = this.#writer.waiting
    if (!this.#full || this.#waiting > 0) return
    this.#full = false
    this.#options.onDrained()
  }
}
