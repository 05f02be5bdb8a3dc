/** What the memory components share: data that belongs to a name, and numbers that grow over restarts of the process. */
import { ApiError, type StoreFacts } from '../../../apis/index.ts'

/**
 * Data under the names of components. Stores of the same name work on the same data as long as one of them is open, so
 * that it outlives a reload, which opens the new store before it closes the old one.
 */
export class SharedData<T> {
  readonly #entries = new Map<string, { readonly data: T; users: number }>()
  readonly #make: () => T

  constructor(make: () => T) {
    this.#make = make
  }

  use(name: string): DataUse<T> {
    let entry = this.#entries.get(name)
    if (!entry) this.#entries.set(name, (entry = { data: this.#make(), users: 0 }))
    entry.users++
    const { data } = entry
    return new DataUse(name, data, () => {
      if (--entry.users === 0 && this.#entries.get(name) === entry) this.#entries.delete(name)
    })
  }
}

/** One store's hold on the data of its name. */
export class DataUse<T> {
  readonly #name: string
  readonly #data: T
  readonly #release: () => void
  #open = true

  constructor(name: string, data: T, release: () => void) {
    this.#name = name
    this.#data = data
    this.#release = release
  }

  /** Throws an ApiError once it was closed. */
  get data(): T {
    if (this.#open) return this.#data
    throw new ApiError('unavailable', `component ${this.#name} is closed`)
  }

  check(): StoreFacts {
    void this.data
    return {}
  }

  close(): void {
    if (this.#open) this.#release()
    this.#open = false
  }
}

/**
 * Numbers each greater than the one before, also than those of an earlier process on this machine: whoever kept one must
 * not take it for a new one. They begin with the time of day in microseconds, which is more than was ever given out.
 */
export class GrowingNumbers {
  #last = BigInt(Date.now()) * 1_000n

  /** From a number that was given before, should the time of day have been set back meanwhile. */
  continue(after: bigint): void {
    if (after > this.#last) this.#last = after
  }

  /** The one that was given last; none yet where nothing was. */
  get last(): bigint {
    return this.#last
  }

  next(): bigint {
    return ++this.#last
  }
}
