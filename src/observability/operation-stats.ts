/**
 * Counts and durations by operation, for one listener: plain typed arrays, so that a request costs a few additions
 * (bench/README.md, "what metrics cost"). An operation is the id of a name plus one; 0 stands for unknown ones.
 */

import type { ProxyError } from '../errors.ts'
import { LATENCY_BOUNDS_SECONDS } from './families.ts'
import type { HistogramSample, Sample } from './metrics.ts'

/** What became of a request; the values of the label `outcome`. */
export const OUTCOMES = ['ok', 'error', 'timeout', 'lost', 'unavailable', 'refused'] as const
export const Outcome = { OK: 0, ERROR: 1, TIMEOUT: 2, LOST: 3, UNAVAILABLE: 4, REFUSED: 5 } as const
const WIDTH = OUTCOMES.length

/** Upper bounds of the buckets but the last. */
export const BOUNDS_MS: readonly number[] = LATENCY_BOUNDS_SECONDS.map(seconds => seconds * 1000)
/** How many buckets there are: the last one is for what is above all bounds. */
export const BUCKETS = BOUNDS_MS.length + 1

/** The histogram bucket of a duration. */
export function bucketOf(durationMs: number): number {
  let bucket = 0
  while (bucket < BUCKETS - 1 && durationMs > BOUNDS_MS[bucket]!) bucket++
  return bucket
}

/** What became of a request that got no reply. */
export function outcomeOf(error: ProxyError): number {
  if (error.code === 'upstream-timeout') return Outcome.TIMEOUT
  return error.retryable ? Outcome.UNAVAILABLE : Outcome.LOST
}

export class OperationStats {
  /** Requests that took longer are reported to their sink, in milliseconds. */
  slowMs: number
  readonly #names: () => readonly string[]
  #counts: Float64Array
  #buckets: Float64Array
  #sums: Float64Array

  /** `names` gives the operation of each id, and may grow; they become values of a label. */
  constructor(names: () => readonly string[], slowMs: number) {
    this.#names = names
    this.slowMs = slowMs
    const rows = names().length + 1
    this.#counts = new Float64Array(rows * WIDTH)
    this.#buckets = new Float64Array(rows * BUCKETS)
    this.#sums = new Float64Array(rows)
  }

  /** Counts a request that was answered after durationMs, which lies in the bucket given. */
  record(operation: number, outcome: number, bucket: number, durationMs: number): void {
    if (operation >= this.#sums.length) this.#grow(operation)
    this.#counts[operation * WIDTH + outcome]!++
    this.#buckets[operation * BUCKETS + bucket]!++
    this.#sums[operation]! += durationMs
  }

  /** Counts a request that was not answered by a backend. */
  count(operation: number, outcome: number): void {
    if (operation >= this.#sums.length) this.#grow(operation)
    this.#counts[operation * WIDTH + outcome]!++
  }

  #grow(operation: number): void {
    const rows = Math.max(operation + 1, this.#names().length + 1)
    const grown = (old: Float64Array, width: number) => {
      const next = new Float64Array(rows * width)
      next.set(old)
      return next
    }
    this.#counts = grown(this.#counts, WIDTH)
    this.#buckets = grown(this.#buckets, BUCKETS)
    this.#sums = grown(this.#sums, 1)
  }

  *requests(listener: string): Iterable<Sample> {
    for (let row = 0; row < this.#sums.length; row++) {
      for (let outcome = 0; outcome < WIDTH; outcome++) {
        const value = this.#counts[row * WIDTH + outcome]!
        if (value > 0)
          yield { labels: { listener, operation: this.#operation(row), outcome: OUTCOMES[outcome]! }, value }
      }
    }
  }

  *durations(listener: string): Iterable<HistogramSample> {
    for (let row = 0; row < this.#sums.length; row++) {
      const counts = this.#buckets.subarray(row * BUCKETS, (row + 1) * BUCKETS)
      if (counts.every(count => count === 0)) continue
      yield { labels: { listener, operation: this.#operation(row) }, counts, sum: this.#sums[row]! / 1000 }
    }
  }

  #operation(row: number): string {
    return row === 0 ? 'unknown' : (this.#names()[row - 1] ?? 'unknown')
  }
}
