/**
 * When to write: once per turn of the event loop, as late as requests keep coming in. Gathering the requests of all
 * sessions into one write is what makes a proxy cheap (bench/README.md, "quiescence"): nextTick runs after every
 * socket's callback and gathers nothing, a timer adds latency.
 * For a client alone it also polls (polling.ts): re-arming setImmediate keeps the loop out of epoll_wait.
 */
import { Polling } from './polling.ts'

export interface Flushable {
  /** Writes what has gathered. */
  flush(): void
}

/** Each further turn costs one epoll_wait(0), under a microsecond. */
const MAX_TURNS = 8

export class Turn {
  readonly #dirty: Flushable[] = []
  #armed = false
  #batch = 0
  #seen = 0
  #turns = 0
  readonly #polling = new Polling()

  /** Asks for a flush at the end of this turn; each Flushable asks once until it is flushed. */
  request(flushable: Flushable): void {
    this.#dirty.push(flushable)
    this.#batch++
    if (!this.#armed) {
      this.#armed = true
      setImmediate(this.#tick)
    }
  }

  /** Notes one more request for something that has already asked. */
  note(): void {
    this.#batch++
  }

  /** Notes that no reply is due any more: if that was polled for, the wait for the next request begins. */
  settled(): void {
    this.#polling.settled()
  }

  readonly #tick = (): void => {
    if (this.#batch > this.#seen && this.#turns < MAX_TURNS) {
      this.#seen = this.#batch
      this.#turns++
      setImmediate(this.#tick)
      return
    }
    if (this.#batch > 0) {
      const batch = this.#batch
      this.#batch = 0
      this.#seen = 0
      this.#turns = 0
      const dirty = this.#dirty
      // Flushing may ask for a further flush: those wait for the next turn.
      const count = dirty.length
      for (let i = 0; i < count; i++) dirty[i]!.flush()
      dirty.splice(0, count)
      this.#polling.sent(batch === 1)
    } else this.#polling.goesOn()
    if (this.#polling.on || this.#batch > 0) setImmediate(this.#tick)
    else this.#armed = false
  }
}

/** The turn of this process's one event loop: requests of all backends are gathered together. */
export const sharedTurn = new Turn()
