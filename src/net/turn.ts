/**
 * When to write: once per turn of the event loop, as late as requests keep coming in. Gathering the requests of all
 * sessions into one write is what makes a proxy cheap (bench/README.md, "quiescence"): nextTick runs after every
 * socket's callback and gathers nothing, a timer adds latency.
 *
 * For a client alone, which sends its next request as soon as it has the reply, it also polls: re-arming setImmediate
 * keeps the loop out of epoll_wait, whose wake-up costs more than the request. Requests that come later than that, or
 * while another is under way, are of many clients: for those polling would only burn CPU, and it stops by itself.
 */
export interface Flushable {
  /** Writes what has gathered. */
  flush(): void
}

/** Each further turn costs one epoll_wait(0), under a microsecond. */
const MAX_TURNS = 8
/** How long a reply, and then the next request, is waited for. */
const POLL_WINDOW_MS = 0.1
/** A wait that paid earns one, a vain one costs one: polling ends when half of them are vain. */
const MAX_CREDIT = 16
/** Without credit, one batch in this many tries again. */
const POLL_RETRY = 64

export class Turn {
  readonly #dirty: Flushable[] = []
  #armed = false
  #batch = 0
  #seen = 0
  #turns = 0
  #polling = false
  #pollUntil = 0
  /** The reply is there: what is polled for is the next request. */
  #settled = false
  #credit = MAX_CREDIT
  #skipped = 0

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
    if (!this.#polling) return
    this.#settled = true
    this.#pollUntil = performance.now() + POLL_WINDOW_MS
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
      if (this.#polling) this.#judge(this.#settled && batch === 1)
      this.#polling = batch === 1 && this.#worthPolling()
      this.#settled = false
      if (this.#polling) this.#pollUntil = performance.now() + POLL_WINDOW_MS
    } else if (this.#polling && performance.now() > this.#pollUntil) {
      this.#polling = false
      this.#judge(false)
    }
    if (this.#polling || this.#batch > 0) setImmediate(this.#tick)
    else this.#armed = false
  }

  #judge(paid: boolean): void {
    this.#credit = paid ? Math.min(this.#credit + 1, MAX_CREDIT) : Math.max(this.#credit - 1, 0)
  }

  #worthPolling(): boolean {
    if (this.#credit > 0) return true
    if (++this.#skipped < POLL_RETRY) return false
    this.#skipped = 0
    return true
  }
}

/** The turn of this process's one event loop: requests of all backends are gathered together. */
export const sharedTurn = new Turn()
