/**
 * When to write: once per turn of the event loop, as late as requests keep coming in. Gathering the requests of all
 * sessions into one write is what makes a proxy cheap (bench/README.md, "quiescence"): nextTick runs after every
 * socket's callback and gathers nothing, a timer adds latency.
 *
 * While one or two requests are under way it also polls: re-arming setImmediate keeps the loop out of epoll_wait, whose
 * wake-up costs more than the request. Polling that does not pay (nothing came within the window) stops by itself.
 */
export interface Flushable {
  /** Writes what has gathered. */
  flush(): void
}

/** Each further turn costs one epoll_wait(0), under a microsecond. */
const MAX_TURNS = 8
const POLL_WINDOW_MS = 0.1
/** Batches above this are load, where the next wake-up is never far and polling only burns CPU. */
const POLL_MAX_BATCH = 2
/** A window that paid earns this many further ones that need not. */
const POLL_CREDIT = 8
/** Without credit, one batch in this many tries again. */
const POLL_RETRY = 64

export class Turn {
  readonly #dirty: Flushable[] = []
  #armed = false
  #batch = 0
  #seen = 0
  #turns = 0
  #pollUntil = 0
  #polling = false
  #credit = POLL_CREDIT
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

  /** Notes that bytes came in: the wait that is polled for is over, and the next one begins. */
  activity(): void {
    if (!this.#polling) return
    if (this.#credit < POLL_CREDIT) this.#credit = POLL_CREDIT
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
      this.#polling = batch <= POLL_MAX_BATCH && this.#worthPolling()
      if (this.#polling) this.#pollUntil = performance.now() + POLL_WINDOW_MS
    } else if (this.#polling && performance.now() > this.#pollUntil) {
      this.#polling = false
      this.#credit--
    }
    if (this.#polling || this.#batch > 0) setImmediate(this.#tick)
    else this.#armed = false
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
