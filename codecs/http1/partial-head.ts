/** A head that does not come whole: its bytes, until the rest is there. */
import { HEAD_LIMITS, type HeadLimits } from './limits.ts'

const EMPTY = Buffer.alloc(0)

/**
 * Append what comes, then read from `bytes` between 0 and `length`, with `seen` as what was read before. Heads that come
 * whole never get here. It never takes more than a head may be long and one read; give the memory back with clear().
 */
export class PartialHead {
  bytes: Buffer = EMPTY
  length = 0
  /** Bytes that were there before the last append. */
  seen = 0

  append(view: Buffer, limits: HeadLimits = HEAD_LIMITS): void {
    const length = this.length + view.length
    if (length > this.bytes.length) {
      // Doubled, so that a head that comes byte by byte is not copied for each of them.
      const grown = Buffer.allocUnsafe(Math.max(length, Math.min(2 * this.bytes.length, limits.maxHeadBytes), 512))
      this.bytes.copy(grown, 0, 0, this.length)
      this.bytes = grown
    }
    view.copy(this.bytes, this.length)
    this.seen = this.length
    this.length = length
  }

  clear(): void {
    this.bytes = EMPTY
    this.length = 0
    this.seen = 0
  }
}
