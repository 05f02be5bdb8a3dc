/**
 * Counts of whole numbers in buckets that grow with the value, as in HdrHistogram: exact below 256, at most 0.8 % wide
 * above, constant memory and a few operations per value.
 *
 *   index = shift * 128 + (value >>> shift), where shift leaves 8 significant bits
 */

const MAX_VALUE = 2 ** 32 - 1

export class Histogram {
  readonly #counts = new Float64Array(24 * 128 + 256)
  #total = 0
  #max = 0

  /** Values are rounded, and cut off at 2^32 - 1. */
  record(value: number): void {
    const whole = Math.min(Math.max(Math.round(value), 0), MAX_VALUE)
    const shift = Math.max(0, 24 - Math.clz32(whole))
    const index = shift * 128 + (whole >>> shift)
    this.#counts[index] = (this.#counts[index] as number) + 1
    this.#total++
    if (whole > this.#max) this.#max = whole
  }

  get count(): number {
    return this.#total
  }

  get max(): number {
    return this.#max
  }

  /** The smallest recorded value that at least this share (0 to 1) of all values does not exceed; 0 when empty. */
  quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#total))
    let seen = 0
    for (let index = 0; index < this.#counts.length; index++) {
      seen += this.#counts[index] as number
      if (seen >= rank) return Math.min(highestValue(index), this.#max)
    }
    return 0
  }
}

function highestValue(index: number): number {
  if (index < 256) return index
  const shift = (index >>> 7) - 1
  return ((index & 127) + 129) * 2 ** shift - 1
}
