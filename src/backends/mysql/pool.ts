/**
 * The upstream connections of a backend and who waits for one. Connections are alike within a group: same account, same
 * capabilities, same collation; the bound holds for all groups together. An idle connection in the wanted state is
 * preferred, so that nothing need be sent in front of the request; a client's last one most of all.
 */
import { ProxyError } from '../../errors.ts'
import type { Clock } from '../../protocol.ts'
import type { Upstream } from './upstream.ts'

/** What kind of connection a session needs. */
export interface Want {
  /** Names the group. */
  readonly group: string
  /** SessionState.key of the session. */
  readonly key: string
  /** The connection that it had last. */
  readonly preferred: Upstream | null
}

/** One who waits for a connection. Exactly one of the two is called, unless the wait is cancelled. */
export interface Waiter extends Want {
  onUpstream(upstream: Upstream): void
  onNoUpstream(error: ProxyError): void
}

export interface PoolCalls {
  readonly open: Open
  /** Somebody waits, and no further connection may be opened. */
  onShortage(): void
}

export interface PoolLimits {
  readonly max: number
  readonly waitMs: number
  readonly idleMs: number
}

/** Opens a connection for a waiter's group; calls back once, with the reason if it failed. */
export type Open = (waiter: Waiter, done: (upstream: Upstream | null, error?: ProxyError) => void) => void

/** Look at no more idle connections than this for one in the wanted state. */
const MAX_LOOK = 16

export class Pool {
  readonly #calls: PoolCalls
  readonly #clock: Clock
  readonly #limits: PoolLimits
  /** By group, the one used last at the end. */
  readonly #idle = new Map<string, Upstream[]>()
  readonly #waiting = new Set<Waiter>()
  readonly #since = new Map<Waiter, number>()
  /** Open or being opened. */
  #size = 0
  #opening = 0
  #idleCount = 0
  #closed = false

  constructor(calls: PoolCalls, clock: Clock, limits: PoolLimits) {
    this.#calls = calls
    this.#clock = clock
    this.#limits = limits
  }

  get size(): number {
    return this.#size
  }

  get idle(): number {
    return this.#idleCount
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Connections that serve somebody now. */
  get lent(): number {
    return this.#size - this.#idleCount - this.#opening
  }

  /** An idle connection, at once, or null: then wait(). Those who wait already come first. */
  take(want: Want): Upstream | null {
    if (this.#idleCount === 0 || this.#waiting.size > 0) return null
    const idle = this.#idle.get(want.group)
    if (!idle || idle.length === 0) return null
    const { preferred } = want
    if (preferred?.idle && preferred.group === want.group) {
      const index = idle.lastIndexOf(preferred)
      if (index >= 0) return this.#lend(idle, index)
    }
    let index = idle.length - 1
    const last = Math.max(0, idle.length - MAX_LOOK)
    for (let i = index; i >= last; i--) {
      if (idle[i]!.state.key === want.key) {
        index = i
        break
      }
    }
    return this.#lend(idle, index)
  }

  /** Waits for a connection; a new one is opened if the bound allows. Returns the function that cancels. */
  wait(waiter: Waiter): () => void {
    if (this.#closed) {
      waiter.onNoUpstream(
        new ProxyError('upstream-closed', 'the backend is closed', { source: 'portolan', retryable: true }),
      )
      return () => {}
    }
    this.#waiting.add(waiter)
    this.#since.set(waiter, this.#clock.now())
    this.#grow(waiter)
    return () => this.#leave(waiter)
  }

  /** Takes back a connection that can serve anyone of its group. */
  release(upstream: Upstream): void {
    if (this.#closed || upstream.expired) {
      upstream.destroy()
      return
    }
    for (const waiter of this.#waiting) {
      if (waiter.group !== upstream.group) continue
      this.#leave(waiter)
      waiter.onUpstream(upstream)
      return
    }
    const other = this.#waiting.values().next().value
    if (other) {
      // Its room is wanted for a connection of another kind.
      upstream.destroy()
      return
    }
    upstream.idle = true
    upstream.idleSince = this.#clock.now()
    this.#idleCount++
    const idle = this.#idle.get(upstream.group)
    if (idle) idle.push(upstream)
    else this.#idle.set(upstream.group, [upstream])
  }

  /** A connection has closed, whatever it was doing. */
  onClosed(upstream: Upstream): void {
    this.#size--
    if (upstream.idle) {
      upstream.idle = false
      this.#idleCount--
      const idle = this.#idle.get(upstream.group)
      const index = idle ? idle.indexOf(upstream) : -1
      if (index >= 0) idle!.splice(index, 1)
      if (idle?.length === 0) this.#idle.delete(upstream.group)
    }
    const next = this.#waiting.values().next().value
    if (next) this.#grow(next)
  }

  /** To be called now and then: ends waits that took too long, and closes what has been idle or open for too long. */
  sweep(): void {
    const now = this.#clock.now()
    for (const waiter of [...this.#waiting]) {
      if (now - this.#since.get(waiter)! < this.#limits.waitMs) break
      this.#leave(waiter)
      waiter.onNoUpstream(
        new ProxyError(
          'pool-timeout',
          `no connection to the backend became free within ${this.#limits.waitMs} ms; all ${this.#limits.max} are in use`,
          { source: 'portolan', retryable: true },
        ),
      )
    }
    for (const idle of [...this.#idle.values()]) {
      for (const upstream of [...idle]) {
        if (now - upstream.idleSince > this.#limits.idleMs || upstream.expired) upstream.destroy()
      }
    }
  }

  /** Closes what is idle, and whatever else comes back. Those who wait get an error. */
  close(error: ProxyError): void {
    this.#closed = true
    this.#clear(error)
  }

  /** Closes what is idle: its server is not to be used any more. */
  renew(): void {
    for (const idle of [...this.#idle.values()]) for (const upstream of [...idle]) upstream.destroy()
  }

  #clear(error: ProxyError): void {
    for (const waiter of [...this.#waiting]) {
      this.#leave(waiter)
      waiter.onNoUpstream(error)
    }
    this.renew()
  }

  #lend(idle: Upstream[], index: number): Upstream {
    const upstream = idle[index]!
    if (index === idle.length - 1) idle.pop()
    else idle.splice(index, 1)
    upstream.idle = false
    this.#idleCount--
    return upstream
  }

  #leave(waiter: Waiter): void {
    this.#waiting.delete(waiter)
    this.#since.delete(waiter)
  }

  /** Opens one more connection for whoever waits, making room among the idle ones of other groups. */
  #grow(waiter: Waiter): void {
    if (this.#opening >= this.#waiting.size) return
    if (this.#size >= this.#limits.max) {
      const spare = this.#spareOf(waiter.group)
      // Its end makes room, and calls again.
      if (spare) spare.destroy()
      else this.#calls.onShortage()
      return
    }
    this.#size++
    this.#opening++
    this.#calls.open(waiter, (upstream, error) => {
      this.#opening--
      if (upstream) return this.release(upstream)
      this.#size--
      // The one who asked is told; others wait on for a connection that comes back, or for their own attempt.
      if (this.#waiting.has(waiter)) {
        this.#leave(waiter)
        waiter.onNoUpstream(error!)
      }
      const next = this.#waiting.values().next().value
      if (next) this.#grow(next)
    })
  }

  #spareOf(group: string): Upstream | undefined {
    for (const [name, idle] of this.#idle) if (name !== group) return idle[0]
    return undefined
  }
}
