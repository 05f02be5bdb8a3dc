/**
 * The upstream connections of a backend and who waits for one. Connections are alike within a group: same purpose, account,
 * capabilities and collation; the bound holds for all groups together. An idle connection in the wanted state is preferred,
 * so that nothing need be sent in front of the request; a client's last one most of all.
 */
import { ProxyError } from '../../errors.ts'
import type { Clock } from '../../protocol.ts'
import { prolong, serverIdleMs } from './idle.ts'
import { IdleList } from './idle-list.ts'
import type { Purpose } from './topology.ts'
import type { Upstream } from './upstream.ts'

/** What kind of connection a session needs. */
export interface Want {
  /** Names the group. */
  readonly group: string
  /** SessionState.key of the session. */
  readonly key: string
  /** Of a reader the connections may lead to several servers: one goes to the least busy. */
  readonly purpose: Purpose
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
  /** Why no connection can be opened at present; null when one can, as far as is known. */
  away(): ProxyError | null
}

export interface PoolLimits {
  readonly max: number
  readonly waitMs: number
  /** How long while the backend is away, if that is longer. */
  readonly holdMs: number
  readonly maxWaiting: number
  readonly idleMs: number
}

/** Opens a connection for a waiter's group; calls back once, with the reason if it failed. */
export type Open = (waiter: Waiter, done: (upstream: Upstream | null, error?: ProxyError) => void) => void

/** Who has waited longer gets a connection of its group made in the place of one that others of another group would take. */
const OVERDUE_MS = 100
/** Whether a connection that was idle for so long has been closed meanwhile is looked at before it is lent. */
const FRESH_MS = 1000

export class Pool {
  readonly #calls: PoolCalls
  readonly #clock: Clock
  readonly #limits: PoolLimits
  /** By group. */
  readonly #idle = new Map<string, IdleList>()
  readonly #waiting = new Set<Waiter>()
  readonly #since = new Map<Waiter, number>()
  /** Open or being opened. */
  #size = 0
  #opening = 0
  #idleCount = 0
  #serving: NodeJS.Immediate | null = null
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
    const upstream = idle?.choose(want)
    if (!upstream || this.#clock.now() - upstream.idleSince > FRESH_MS) return null
    return this.#lend(idle!, upstream)
  }

  /** Waits for a connection; a new one is opened if the bound allows. Returns the function that cancels. */
  wait(waiter: Waiter): () => void {
    const refusal = this.#refusal()
    if (refusal) {
      waiter.onNoUpstream(refusal)
      return () => {}
    }
    this.#waiting.add(waiter)
    this.#since.set(waiter, this.#clock.now())
    if (this.#idle.get(waiter.group)?.newest) this.#serveSoon()
    else this.#grow(waiter)
    return () => this.#leave(waiter)
  }

  #refusal(): ProxyError | null {
    if (this.#closed)
      return new ProxyError('upstream-closed', 'the backend is closed', { source: 'portolan', retryable: true })
    const { maxWaiting } = this.#limits
    if (this.#waiting.size < maxWaiting) return null
    return new ProxyError('pool-full', `${maxWaiting} clients wait for a connection already`, {
      source: 'portolan',
      retryable: true,
    })
  }

  /**
   * Idle connections are lent once the event loop has come round: of one that the server has closed, its end has been
   * read by then, although it came together with the client's request.
   */
  #serveSoon(): void {
    this.#serving ??= setImmediate(() => {
      this.#serving = null
      for (const waiter of [...this.#waiting]) {
        // One before it may have given its connection back at once, and so to this one.
        if (!this.#waiting.has(waiter)) continue
        const idle = this.#idle.get(waiter.group)
        const upstream = idle?.choose(waiter)
        if (!upstream) {
          this.#grow(waiter)
          continue
        }
        this.#leave(waiter)
        waiter.onUpstream(this.#lend(idle!, upstream))
      }
    })
  }

  /** Takes back a connection that can serve anyone of its group. */
  release(upstream: Upstream): void {
    const now = this.#clock.now()
    if (this.#closed || upstream.isExpired(now)) {
      upstream.destroy()
      return
    }
    const first = this.#waiting.values().next().value
    const kin = first && this.#isOverdue(first, upstream.group) ? undefined : this.#firstOf(upstream.group)
    if (kin) {
      this.#leave(kin)
      kin.onUpstream(upstream)
      return
    }
    if (first) {
      // Its room is wanted for a connection of another kind.
      upstream.destroy()
      return
    }
    upstream.idle = true
    upstream.idleSince = now
    upstream.facts.member.idle++
    this.#idleCount++
    let idle = this.#idle.get(upstream.group)
    if (!idle) {
      idle = new IdleList()
      this.#idle.set(upstream.group, idle)
    }
    idle.add(upstream)
  }

  #firstOf(group: string): Waiter | undefined {
    for (const waiter of this.#waiting) if (waiter.group === group) return waiter
    return undefined
  }

  /** One of another group has waited while those of this group took turns. One at a time: a new connection takes its time. */
  #isOverdue(first: Waiter, group: string): boolean {
    return first.group !== group && this.#opening === 0 && this.#clock.now() - this.#since.get(first)! > OVERDUE_MS
  }

  /** A connection has closed, whatever it was doing. */
  onClosed(upstream: Upstream): void {
    this.#size--
    if (upstream.idle) {
      this.#unidle(upstream)
      const { idleIn: idle } = upstream
      idle?.remove(upstream)
      if (idle?.newest === null) this.#idle.delete(upstream.group)
    }
    const next = this.#waiting.values().next().value
    if (next) this.#grow(next)
  }

  /** To be called now and then: ends waits that took too long, and closes what has been idle or open for too long. */
  sweep(): void {
    const now = this.#clock.now()
    const { waitMs, holdMs, max } = this.#limits
    const away = this.#calls.away()
    const patienceMs = away ? Math.max(waitMs, holdMs) : waitMs
    for (const waiter of [...this.#waiting]) {
      if (now - this.#since.get(waiter)! < patienceMs) break
      this.#leave(waiter)
      const message = `no connection to the backend became free within ${waitMs} ms; all ${max} are in use`
      waiter.onNoUpstream(away ?? new ProxyError('pool-timeout', message, { source: 'portolan', retryable: true }))
    }
    const { idleMs } = this.#limits
    this.closeIdle(each => {
      const quietMs = now - each.idleSince
      return quietMs > idleMs || each.isExpired(now) || (quietMs > serverIdleMs(each) && !prolong(each))
    })
  }

  /** Closes what is idle, and whatever else comes back. Those who wait get an error. */
  close(error: ProxyError): void {
    this.#closed = true
    this.#clear(error)
  }

  /** Closes idle connections: all, or some. */
  closeIdle(which: (upstream: Upstream) => boolean = () => true): void {
    for (const idle of [...this.#idle.values()]) {
      for (const upstream of [...idle]) if (which(upstream)) upstream.destroy()
    }
  }

  #clear(error: ProxyError): void {
    for (const waiter of [...this.#waiting]) {
      this.#leave(waiter)
      waiter.onNoUpstream(error)
    }
    this.closeIdle()
  }

  #lend(idle: IdleList, upstream: Upstream): Upstream {
    idle.remove(upstream)
    this.#unidle(upstream)
    return upstream
  }

  #unidle(upstream: Upstream): void {
    upstream.idle = false
    upstream.facts.member.idle--
    this.#idleCount--
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
    for (const [name, idle] of this.#idle) if (name !== group && idle.newest !== null) return [...idle].at(-1)
    return undefined
  }
}
