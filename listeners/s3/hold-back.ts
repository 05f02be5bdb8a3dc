/** Of a payload that is passed on while it comes, the last byte stays here until all is verified: without it nobody stores anything. */
export class HoldBack {
  readonly #sink: (bytes: Buffer, owned: boolean) => void
  #missing: number
  #held: Buffer | undefined

  /** `length`: of all that will be passed; more must not come. */
  constructor(length: number, sink: (bytes: Buffer, owned: boolean) => void) {
    this.#missing = length
    this.#sink = sink
  }

  pass(view: Buffer, owned: boolean): void {
    this.#missing -= view.length
    if (this.#missing > 0 || view.length === 0) return this.#sink(view, owned)
    this.#held = Buffer.from(view.subarray(-1))
    if (view.length > 1) this.#sink(view.subarray(0, -1), owned)
  }

  /** Everything is as it should be. */
  release(): void {
    if (this.#held) this.#sink(this.#held, true)
    this.#held = undefined
  }
}
