/** A bucket of so many that fills again over time: what a peer may ask for that costs us something and brings it nothing. */
import { connectionError } from '../../../codecs/http2/index.ts'

export class RateLimit {
  readonly #burst: number
  readonly #perMs: number
  #left: number
  #at: number

  constructor(burst: number, perSecond: number, now: number) {
    this.#burst = burst
    this.#perMs = perSecond / 1_000
    this.#left = burst
    this.#at = now
  }

  /** False when that is one too many. */
  take(now: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perMs)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}

/** What is borne of one peer. */
export class Patience {
  readonly #now: () => number
  /** Frames that make work and bring nothing. */
  readonly #noise: RateLimit
  /** Streams that are given up: callers do that too, whose store does not answer in time. */
  readonly #resets: RateLimit

  constructor(now: () => number) {
    this.#now = now
    this.#noise = new RateLimit(1_000, 100, now())
    this.#resets = new RateLimit(10_000, 1_000, now())
  }

  /** Throws ProtocolError when it is at its end. */
  noise(): void {
    if (!this.#noise.take(this.#now())) throw connectionError('ENHANCE_YOUR_CALM', 'too many frames for nothing')
  }

  reset(): void {
    if (!this.#resets.take(this.#now())) throw connectionError('ENHANCE_YOUR_CALM', 'too many streams for nothing')
  }
}
