/**
 * Finds a server for a new connection: by the topology, the first one that answers; and while there is none, waits for
 * one for as long as the backend's hold time.
 */
import { CLIENT_PROTOCOL_41, CLIENT_RESERVED2 } from '../../../codecs/mysql/index.ts'
import { ProxyError } from '../../errors.ts'
import type { Call } from './call.ts'
import type { Dialer, DialWish, Identity } from './dialer.ts'
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
  #learning: Promise<void> | null = null
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

  /** For a client that logs in itself, at the server that is written to. Rejects with ProxyError. */
  call(): Promise<Call> {
    return this.#hold('write', member => this.#dialer.call(member))
  }

  /** Reaches a server for its greeting, and logs in where there is an account of ours. Rejects with ProxyError. */
  learn(): Promise<void> {
    this.#learning ??= this.#learn().finally(() => {
      this.#learning = null
    })
    return this.#learning
  }

  async #learn(): Promise<void> {
    if (!this.#dialer.hasAccount) return this.#hold('write', ({ endpoint }) => this.#dialer.greet(endpoint))
    const upstream = await this.open({ identity: NOBODY, schema: null, purpose: 'write', pooled: false })
    upstream.destroy()
  }

  /** Why no connection can be opened at present; null when one can, as far as is known. */
  away(): ProxyError | null {
    const { lastError } = this.#dialer
    if (lastError && isAway(lastError)) return lastError
    return this.#topology().isLost ? this.#nowhere() : null
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
    let failure = this.#dialer.lastError ?? this.#nowhere()
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

  #nowhere(): ProxyError {
    const reason = this.#topology().members.find(({ endpoint }) => endpoint.lastError)?.endpoint.lastError
    const message = `no server of the backend can serve this at present${reason ? `: ${reason}` : ''}`
    return new ProxyError('upstream-away', message, { source: 'upstream', retryable: true })
  }
}

/** For a look at the server that is for no client. */
const NOBODY: Identity = {
  username: '',
  password: '',
  capabilities: { low: (CLIENT_PROTOCOL_41 | CLIENT_RESERVED2) >>> 0, mariadb: 0 },
  collation: 33,
  generation: 0,
}

/** Whether another attempt may help: a server that refuses will do so again. */
function isAway(error: ProxyError): boolean {
  if (error instanceof ServerRefusal) return error.serverCode === SHUTDOWN
  return error.source === 'upstream'
}
