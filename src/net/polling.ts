/**
 * Whether to keep the event loop awake: a client alone sends its next request as soon as it has the reply, and a wake-up
 * out of epoll_wait costs more than the request. Requests that come later than that, or while another is under way, are of
 * many clients: for those polling would only burn CPU, and it stops by itself.
 */

/** How long a reply, and then the next request, is waited for. */
const WINDOW_MS = 0.1
/** A wait that paid earns one, a vain one costs one: polling ends when half of them are vain. */
const MAX_CREDIT = 16
/** Without credit, one request in this many tries again. */
const RETRY = 64

export class Polling {
  on = false
  #until = 0
  /** The reply is there: what is polled for is the next request. */
  #settled = false
  #credit = MAX_CREDIT
  #skipped = 0

  /** A request has gone out, or several; `alone`: one, and no other is under way. */
  sent(alone: boolean): void {
    if (this.on) this.#judge(this.#settled && alone)
    this.on = alone && this.#isWorthIt()
    this.#settled = false
    if (this.on) this.#until = performance.now() + WINDOW_MS
  }

  /** No reply is due any more: if that was polled for, the wait for the next request begins. */
  settled(): void {
    if (!this.on) return
    this.#settled = true
    this.#until = performance.now() + WINDOW_MS
  }

  /** To be asked in each turn in which nothing was sent: whether to go on. */
  goesOn(): boolean {
    if (!this.on || performance.now() <= this.#until) return this.on
    this.on = false
    this.#judge(false)
    return false
  }

  #judge(paid: boolean): void {
    this.#credit = paid ? Math.min(this.#credit + 1, MAX_CREDIT) : Math.max(this.#credit - 1, 0)
  }

  #isWorthIt(): boolean {
    if (this.#credit > 0) return true
    if (++this.#skipped < RETRY) return false
    this.#skipped = 0
    return true
  }
}

/** Polls for requests that leave as they come; those that are gathered have a Turn. */
export class Watch {
  readonly #polling = new Polling()
  #underWay = 0
  #armed = false

  /** A request goes out. */
  begin(): void {
    this.#underWay++
    this.#polling.sent(this.#underWay === 1)
    if (!this.#polling.on || this.#armed) return
    this.#armed = true
    setImmediate(this.#tick)
  }

  /** It has its reply, or will have none. */
  end(): void {
    this.#underWay--
    if (this.#underWay === 0) this.#polling.settled()
  }

  readonly #tick = (): void => {
    this.#armed = this.#polling.goesOn()
    if (this.#armed) setImmediate(this.#tick)
  }
}

/** The one of this process's event loop. */
export const sharedWatch = new Watch()
