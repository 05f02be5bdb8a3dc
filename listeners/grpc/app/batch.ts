/** Gathers events until there are enough, or the first has waited long enough. */
import type { Clock } from '../../../src/protocol.ts'

export class Batch<Item> {
  readonly #max: number
  readonly #waitMs: number
  readonly #clock: Clock
  readonly #take: (items: readonly Item[]) => void
  #items: Item[] = []
  #cancel: () => void = () => {}

  constructor(max: number, waitMs: number, clock: Clock, take: (items: readonly Item[]) => void) {
    this.#max = max
    this.#waitMs = waitMs
    this.#clock = clock
    this.#take = take
  }

  add(item: Item): void {
    this.#items.push(item)
    if (this.#items.length >= this.#max) return this.#flush()
    if (this.#items.length === 1) this.#cancel = this.#clock.after(this.#waitMs, () => this.#flush())
  }

  #flush(): void {
    this.#cancel()
    const items = this.#items
    this.#items = []
    if (items.length > 0) this.#take(items)
  }
}
