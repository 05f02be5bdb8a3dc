/** A bucket of so many that fills again over time: what a peer may ask for that costs us something and brings it nothing. */
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
