/** Who waits for a private connection while all are lent: first come, first served, each with a deadline. */
import type { ProxyError } from '../../errors.ts'
import type { Clock } from '../../protocol.ts'
import type { Pipeline } from './pipeline.ts'

/** Exactly one of the two is called, unless the waiter gives up. */
export interface PrivateWaiter {
  onPrivate(pipeline: Pipeline): void
  onNoPrivate(error: ProxyError): void
}

/** One that waits, or waited: `cancel` is what its giving up means, which may change once it is served. */
export interface Waiting {
  readonly waiter: PrivateWaiter
  readonly protocol: 2 | 3
  readonly database: number | null
  readonly cancelDeadline: () => void
  cancel: () => void
}

export class PrivateQueue {
  readonly #clock: Clock
  #waiting: Waiting[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get length(): number {
    return this.#waiting.length
  }

  /** Those that want a connection of that RESP version. */
  count(protocol: 2 | 3): number {
    return this.#waiting.reduce((count, { protocol: wanted }) => count + (wanted === protocol ? 1 : 0), 0)
  }

  /** Whether one of them cares for no database. */
  takesAnyDatabase(protocol: 2 | 3): boolean {
    return this.#waiting.some(waiting => waiting.protocol === protocol && waiting.database === null)
  }

  /** Returns a function that gives up. */
  add(
    waiter: PrivateWaiter,
    protocol: 2 | 3,
    database: number | null,
    waitMs: number,
    tooLate: () => ProxyError,
  ): () => void {
    const waiting: Waiting = {
      waiter,
      protocol,
      database,
      cancelDeadline: this.#clock.after(waitMs, () => {
        this.#drop(waiting)
        waiter.onNoPrivate(tooLate())
      }),
      cancel: () => this.#drop(waiting),
    }
    this.#waiting.push(waiting)
    return () => waiting.cancel()
  }

  /** Takes out the first that wants that RESP version; it is the caller's to serve, and to say what cancels that. */
  take(protocol: 2 | 3): Waiting | undefined {
    const next = this.#waiting.find(waiting => waiting.protocol === protocol)
    if (next) this.#drop(next)
    return next
  }

  /** Sends away those that want that RESP version, or all. */
  refuse(error: ProxyError, protocol?: 2 | 3): void {
    for (const waiting of this.#waiting.filter(each => protocol === undefined || each.protocol === protocol)) {
      this.#drop(waiting)
      waiting.waiter.onNoPrivate(error)
    }
  }

  #drop(waiting: Waiting): void {
    waiting.cancelDeadline()
    this.#waiting = this.#waiting.filter(other => other !== waiting)
  }
}
