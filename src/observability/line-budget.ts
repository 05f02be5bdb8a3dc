/** How many lines a log may take between two sweeps: when something goes wrong at every request, logging must not make it worse. */
export class LineBudget {
  readonly #most: number
  #asked = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Whether there is a line left. */
  take(): boolean {
    return ++this.#asked <= this.#most
  }

  /** Begins anew, and tells how many have got no line. To be called once a second. */
  renew(): number {
    const refused = Math.max(0, this.#asked - this.#most)
    this.#asked = 0
    return refused
  }
}
