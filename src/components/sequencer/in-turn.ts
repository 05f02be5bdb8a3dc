/** Runs what concerns one key one after the other, so that callers of this process do not get in each other's way. */
import { ApiError } from '../../apis/index.ts'
import type { Clock } from '../../protocol.ts'

export class InTurn {
  readonly #clock: Clock
  readonly #maxWaitMs: number
  /** The last one of each key that has one under way. */
  readonly #last = new Map<string, Promise<unknown>>()

  /** Whoever has waited that long when its turn comes is refused: those behind a server that hangs give up together. */
  constructor(clock: Clock, maxWaitMs: number) {
    this.#clock = clock
    this.#maxWaitMs = maxWaitMs
  }

  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const latest = this.#clock.now() + this.#maxWaitMs
    const before = this.#last.get(key)
    const begin = (): Promise<T> => {
      if (this.#clock.now() < latest) return task()
      throw new ApiError('unavailable', `those before did not get an answer in ${this.#maxWaitMs} ms`)
    }
    const mine = before ? before.then(begin, begin) : task()
    this.#last.set(key, mine)
    try {
      return await mine
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key)
    }
  }
}
