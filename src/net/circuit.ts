/**
 * Keeps from dialling an endpoint that has just failed several times: after 5 failures in a row it is left alone for a
 * second, doubling to 30 s with jitter; then one attempt decides.
 */
import type { Clock } from '../protocol.ts'

const FAILURES_TO_OPEN = 5
const FIRST_OPEN_MS = 1000
const MAX_OPEN_MS = 30_000

export class Circuit {
  readonly #clock: Clock
  #phase: 'closed' | 'open' | 'probing' = 'closed'
  #failures = 0
  #openMs = FIRST_OPEN_MS
  #openUntil = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether an attempt may begin now. */
  get allows(): boolean {
    return this.#phase === 'closed' || (this.#phase === 'open' && this.#clock.now() >= this.#openUntil)
  }

  /** True from opening until an attempt succeeds. */
  get isOpen(): boolean {
    return this.#phase !== 'closed'
  }

  /** An attempt begins; one of the three below must follow. */
  begin(): void {
    if (this.#phase === 'open') this.#phase = 'probing'
  }

  succeeded(): void {
    this.#phase = 'closed'
    this.#failures = 0
    this.#openMs = FIRST_OPEN_MS
  }

  failed(): void {
    this.#failures++
    // Attempts that were under way when it opened say nothing new.
    if (this.#phase === 'open' || (this.#phase === 'closed' && this.#failures < FAILURES_TO_OPEN)) return
    if (this.#phase === 'probing') this.#openMs = Math.min(2 * this.#openMs, MAX_OPEN_MS)
    this.#phase = 'open'
    // Between half and all of it, so that many sidecars do not come back at the same moment.
    this.#openUntil = this.#clock.now() + this.#openMs * (0.5 + Math.random() / 2)
  }

  /** The attempt ended without a result, such as by being cancelled. */
  abandoned(): void {
    if (this.#phase === 'probing') this.#phase = 'open'
  }
}
