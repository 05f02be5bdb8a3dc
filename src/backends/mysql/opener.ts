/**
 * Finds a server for a new connection: by the topology, the first one that answers; and while there is none, waits for
 * one for as long as the backend's hold time.
 */
import { ProxyError } from '../../errors.ts'
import type { Dialer, DialWish } from './dialer.ts'
import type { Member } from './member.ts'
import { ServerRefusal } from './server-refusal.ts'
import type { Purpose, Topology } from './topology.ts'
import type { Upstream } from './upstream.ts'

/** From one round of attempts to the next, unless the topology changes. */
const RETRY_MS = 250
/** A server says so while it goes. */
const SHUTDOWN = 1053

export class Opener {
  readonly #dialer: Dialer
  readonly #topology: () => Topology
  readonly #holdMs: number
  readonly #now: () => number
  #closed = false

  constructor(dialer: Dialer, topology: () => Topology, holdMs: number, now: () => number) {
    this.#dialer = dialer
    this.#topology = topology
    this.#holdMs = holdMs
    this.#now = now
  }

  /** Rejects with ProxyError. */
  open(wish: DialWish): Promise<Upstream> {
    return this.#hold(wish.purpose, member => this.#dialer.dial(member, wish))
  }

  /** For the greeting of the server that is written to. Rejects with ProxyError. */
  greet(): Promise<void> {
    return this.#hold('write', ({ endpoint }) => this.#dialer.greet(endpoint))
  }

  /** Why no connection can be opened at present; null when one can, as far as is known. */
  away(): ProxyError | null {
    const { lastError } = this.#dialer
    if (lastError && isAway(lastError)) return lastError
    return this.#topology().members.length > 0 && this.#topology().isLost ? NO_PRIMARY() : null
  }

  close(): void {
    this.#closed = true
  }

  async #hold<Result>(purpose: Purpose, attempt: (member: Member) => Promise<Result>): Promise<Result> {
    const deadline = this.#now() + this.#holdMs
    for (;;) {
      try {
        return await this.#first(purpose, attempt)
      } catch (error) {
        if (!(error instanceof ProxyError)) throw error
        const leftMs = deadline - this.#now()
        if (leftMs <= 0 || this.#closed || !isAway(error)) throw error
        this.#topology().onTrouble()
        await this.#topology().change(Math.min(RETRY_MS, leftMs))
      }
    }
  }

  /** Tries the candidates in their order. A server that refuses is one that was reached. */
  async #first<Result>(purpose: Purpose, attempt: (member: Member) => Promise<Result>): Promise<Result> {
    let failure = this.#dialer.lastError ?? NO_PRIMARY()
    for (const member of this.#topology().candidates(purpose)) {
      try {
        return await attempt(member)
      } catch (error) {
        if (!(error instanceof ProxyError) || !isAway(error)) throw error
        failure = error
      }
    }
    throw failure
  }
}

/** Whether another attempt may help: a server that refuses will do so again. */
function isAway(error: ProxyError): boolean {
  if (error instanceof ServerRefusal) return error.serverCode === SHUTDOWN
  return error.source === 'upstream'
}

const NO_PRIMARY = () =>
  new ProxyError('upstream-away', 'no server of the backend can serve this at present', {
    source: 'upstream',
    retryable: true,
  })
