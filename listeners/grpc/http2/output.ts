/** What is written to one connection: gathered, and written once per turn of the loop or batch of reads. */
import type { Socket } from 'node:net'
import { DirectWriter } from '../../../src/net/index.ts'

const START_BYTES = 8 * 1024
/** Larger memory is not kept for the next batch. */
const KEEP_BYTES = 64 * 1024
/** Bytes waiting for the peer from which on nothing more should be added. */
const HIGH_BYTES = 256 * 1024

export class Output {
  readonly #writer: DirectWriter
  readonly #onDrained: () => void
  #bytes: Buffer | undefined
  #length = 0
  #waiting = 0
  #scheduled = false

  /** `onDrained`: after it was congested. */
  constructor(socket: Socket, onDrained: () => void) {
    this.#onDrained = onDrained
    this.#writer = new DirectWriter(socket, () => this.#onWritten())
  }

  /** The peer does not keep up. */
  get congested(): boolean {
    return this.#waiting + this.#length > HIGH_BYTES
  }

  write(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.memory.set(bytes, at)
  }

  /** Room for that many bytes, which must be written into `memory` there before anything else is asked for. */
  reserve(count: number): number {
    const at = this.#length
    const needed = at + count
    if (!this.#bytes) this.#bytes = Buffer.allocUnsafeSlow(Math.max(START_BYTES, needed))
    else if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, needed))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    this.#length = needed
    if (!this.#scheduled) {
      this.#scheduled = true
      // Answers that come out of one read of a store's are ready before this runs.
      process.nextTick(this.#flush)
    }
    return at
  }

  get memory(): Buffer {
    return this.#bytes!
  }

  readonly #flush = (): void => {
    this.#scheduled = false
    this.flush()
  }

  flush(): void {
    if (this.#length === 0) return
    const bytes = this.#bytes!
    const taken = this.#length
    this.#length = 0
    const mayReuse = this.#writer.writesViews && bytes.length <= KEEP_BYTES
    this.#waiting = this.#writer.write(bytes.subarray(0, taken))
    // The writer still needs it.
    if (this.#waiting > 0 || !mayReuse) this.#bytes = undefined
  }

  #onWritten(): void {
    const was = this.#waiting
    this.#waiting = this.#writer.waiting
    if (was > HIGH_BYTES && this.#waiting <= HIGH_BYTES) this.#onDrained()
  }
}
