/** Locks for applications: waiting, renewing on somebody's behalf, and telling when a lock is lost. */
import {
  ApiError,
  type LockGrant,
  type LockHolder,
  type LockRequest,
  type LockStore,
  type RenewOutcome,
  type UnlockOutcome,
} from '../apis/index.ts'
import type { Clock } from '../protocol.ts'
import type { Directory } from './directory.ts'

/** How often a store that cannot tell is asked whether a lock has become free; each wait is longer, up to the second. */
const POLL_MS = [50, 1_000] as const
/** A lease that is held for a stream is renewed after this part of it. */
const RENEW_AT = 1 / 3

export interface Hold {
  readonly grant: LockGrant
  /** Settles when the lock is lost: with the reason. Never settles after release(). */
  readonly lost: Promise<string>
  release(): Promise<void>
}

export class LockService {
  readonly #directory: Directory
  readonly #clock: Clock

  constructor(directory: Directory, clock: Clock) {
    this.#directory = directory
    this.#clock = clock
  }

  /** Undefined when somebody else holds it, after waiting for it at most waitMs. */
  async acquire(name: string, request: LockRequest, waitMs = 0, signal?: AbortSignal): Promise<LockGrant | undefined> {
    const component = this.#directory.find('lock', name)
    check(request)
    this.#directory.require(component, 'lock.try', ...(waitMs > 0 ? (['lock.wait'] as const) : []))
    return (await this.#acquire(component.store, request, waitMs, signal))?.grant
  }

  async #acquire(store: LockStore, request: LockRequest, waitMs: number, signal: AbortSignal | undefined) {
    const deadline = this.#clock.now() + waitMs
    let pause: number = POLL_MS[0]
    while (true) {
      const askedAt = this.#clock.now()
      const grant = await store.tryLock(request)
      // Nobody is there any more to give it back.
      if (grant && signal?.aborted) await store.unlock(request)
      if (signal?.aborted) return undefined
      if (grant) return { grant, askedAt }
      const left = deadline - this.#clock.now()
      if (left <= 0) return undefined
      const patience = Math.min(left, store.whenFree ? left : pause * (0.5 + Math.random() / 2))
      await this.#freeOr(store, request.resource, patience, signal)
      pause = Math.min(pause * 2, POLL_MS[1])
    }
  }

  async renew(name: string, request: LockRequest): Promise<RenewOutcome> {
    const component = this.#directory.find('lock', name)
    check(request)
    this.#directory.require(component, 'lock.renew')
    return component.store.renew!(request)
  }

  async release(name: string, request: Omit<LockRequest, 'leaseMs'>): Promise<UnlockOutcome> {
    const component = this.#directory.find('lock', name)
    check({ ...request, leaseMs: 1 })
    return component.store.unlock(request)
  }

  async holder(name: string, resource: string): Promise<LockHolder | undefined> {
    const component = this.#directory.find('lock', name)
    this.#directory.require(component, 'lock.owner-query')
    return component.store.holder!(resource)
  }

  /** Takes a lock and renews it until it is released or lost; undefined as of acquire(). */
  async hold(name: string, request: LockRequest, waitMs: number, signal: AbortSignal): Promise<Hold | undefined> {
    const component = this.#directory.find('lock', name)
    this.#directory.require(component, 'lock.renew', 'lock.loss-event')
    check(request)
    this.#directory.require(component, ...(waitMs > 0 ? (['lock.wait'] as const) : []))
    const taken = await this.#acquire(component.store, request, waitMs, signal)
    return taken && new Holding(this, name, request, taken.grant, this.#clock, taken.askedAt)
  }

  /** Resolves when the lock may be free, after so many milliseconds, or when the caller has gone. */
  async #freeOr(store: LockStore, resource: string, ms: number, signal: AbortSignal | undefined): Promise<void> {
    const ending = new AbortController()
    const end = () => ending.abort()
    signal?.addEventListener('abort', end)
    const cancel = this.#clock.after(ms, end)
    const over = new Promise<void>(resolve => ending.signal.addEventListener('abort', () => resolve()))
    try {
      await Promise.race([over, store.whenFree?.(resource, ending.signal) ?? over])
    } finally {
      cancel()
      signal?.removeEventListener('abort', end)
      ending.abort()
    }
  }
}

class Holding implements Hold {
  readonly grant: LockGrant
  readonly lost: Promise<string>
  readonly #service: LockService
  readonly #name: string
  readonly #request: LockRequest
  readonly #clock: Clock
  #lose: (reason: string) => void = () => {}
  #cancel: () => void = () => {}
  #over = false
  /** Until when the lease is known to last: counted from before the store was asked. */
  #until: number

  constructor(
    service: LockService,
    name: string,
    request: LockRequest,
    grant: LockGrant,
    clock: Clock,
    askedAt: number,
  ) {
    this.grant = grant
    this.#service = service
    this.#name = name
    this.#request = request
    this.#clock = clock
    this.#until = askedAt + request.leaseMs
    this.lost = new Promise(resolve => {
      this.#lose = resolve
    })
    this.#later(request.leaseMs * RENEW_AT)
  }

  async release(): Promise<void> {
    if (this.#over) return
    this.#end()
    await this.#service.release(this.#name, this.#request)
  }

  #later(ms: number): void {
    this.#cancel = this.#clock.after(Math.max(1, ms), () => void this.#renew())
  }

  async #renew(): Promise<void> {
    const askedAt = this.#clock.now()
    if (askedAt >= this.#until) return this.#fail('its lease ran out before it could be renewed')
    // The answer may come too late to be of use.
    this.#cancel = this.#clock.after(this.#until - askedAt, () =>
      this.#fail('its lease ran out while the store did not answer'),
    )
    try {
      const outcome = await this.#service.renew(this.#name, this.#request)
      if (this.#over) return
      this.#cancel()
      if (outcome !== 'renewed')
        return this.#fail(outcome === 'absent' ? 'its lease ran out' : 'somebody else holds it')
      this.#until = askedAt + this.#request.leaseMs
      this.#later(this.#request.leaseMs * RENEW_AT)
    } catch {
      if (this.#over) return
      this.#cancel()
      this.#later(Math.min(1_000, this.#request.leaseMs / 10, Math.max(1, this.#until - this.#clock.now())))
    }
  }

  #fail(reason: string): void {
    if (this.#over) return
    this.#end()
    this.#lose(reason)
  }

  #end(): void {
    this.#over = true
    this.#cancel()
  }
}

function check({ resource, owner, leaseMs }: LockRequest): void {
  if (resource === '') throw new ApiError('invalid-argument', 'the resource is empty')
  if (owner === '') throw new ApiError('invalid-argument', 'the owner is empty')
  if (!(leaseMs > 0)) throw new ApiError('invalid-argument', 'the lease must be longer than zero')
}
