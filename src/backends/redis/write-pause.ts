/** Whether the server lets writes wait (CLIENT PAUSE ... WRITE), as far as that has passed through here. */
import type { Clock } from '../../protocol.ts'

export class WritePause {
  readonly #clock: Clock
  /** On the clock's scale; 0 for none. */
  #until = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Redis keeps the later end of two pauses. */
  begin(durationMs: number): void {
    this.#until = Math.max(this.#until, this.#clock.now() + durationMs)
  }

  end(): void {
    this.#until = 0
  }

  get active(): boolean {
    if (this.#until === 0) return false
    if (this.#until < this.#clock.now()) this.#until = 0
    return this.#until > 0
  }
}
