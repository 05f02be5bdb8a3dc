/**
 * Keeps from dialling an endpoint that has just failed: after 5 failures in a row it is left alone for a second, doubling
 * to 30 s; then one attempt decides. Where that is wanted, the first failures are followed by shorter waits.
 */
import type { Clock } from '../protocol.ts'

const FAILURES_TO_OPEN = 5
const FIRST_OPEN_MS = 1000
const MAX_OPEN_MS = 30_000

export class Circuit {
  readonly #clock: Clock
  readonly #firstWaitMs: number
  readonly #maxOpenMs: number
  #failures = 0
  #retryAt = Number.NEGATIVE_INFINITY
  #probing = false

  /** `firstWaitMs`: the wait after the first failure, doubling up to the fifth; 0 for none before that. */
  constructor(clock: Clock, firstWaitMs = 0, maxOpenMs = MAX_OPEN_MS) {
    this.#clock = clock
    this.#firstWaitMs = firstWaitMs
    this.#maxOpenMs = maxOpenMs
  }

  /** Whether an attempt may begin now. */
  get allows(): boolean {
    return !this.#probing && this.waitMs === 0
  }

  /** True from opening until an attempt succeeds. */
  get isOpen(): boolean {
    return this.#failures >= FAILURES_TO_OPEN
  }

  /** Milliseconds until an attempt may begin; 0 for now. */
  get waitMs(): number {
    return Math.max(0, this.#retryAt - this.#clock.now())
  }

  /** An attempt begins, and while the circuit is open no other; one of the three below must follow. */
  begin(): void {
    this.#probing = this.isOpen
  }

  succeeded(): void {
    this.#failures = 0
    this.#retryAt = Number.NEGATIVE_INFINITY
    this.#probing = false
  }

  failed(): void {
    this.#probing = false
    // Attempts that were under way when another one failed say nothing new.
    if (this.waitMs > 0) return
    const failures = ++this.#failures
    const ms = this.isOpen
      ? Math.min(FIRST_OPEN_MS * 2 ** (failures - FAILURES_TO_OPEN), this.#maxOpenMs)
      : this.#firstWaitMs * 2 ** (failures - 1)
    // Between half and all of it, so that many sidecars do not come back at the same moment.
    this.#retryAt = this.#clock.now() + ms * (0.5 + Math.random() / 2)
  }

  /** The attempt ended without a result, such as by being cancelled. */
  abandoned(): void {
    this.#probing = false
  }
}
