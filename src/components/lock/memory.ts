/** Locks in the memory of this process: for applications that share one sidecar, and for tests. */
import * as z from 'zod/mini'
import type { LockGrant, LockHolder, LockRequest, LockStore, RenewOutcome, UnlockOutcome } from '../../apis/index.ts'
import { ApiError } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import type { Clock } from '../../protocol.ts'
import { type DataUse, GrowingNumbers, SharedData } from '../clients/memory/index.ts'

const options = () =>
  z.strictObject({
    maxLocks: z
      ._default(z.int().check(z.minimum(1)), 100_000)
      .apply(described('Locks that may be held at a time; more are refused.')),
  })

export interface Held {
  readonly owner: string
  readonly token: bigint
  until: number
  cancelExpiry: () => void
}

/** Where grants are kept, if anywhere. */
export interface LockKeeper {
  keep(resource: string, lock: Held, leaseMs: number): void
  forget(resource: string): void
}

export interface Locks {
  readonly keeper?: LockKeeper
  readonly held: Map<string, Held>
  /** Those who wait for a resource. */
  readonly waiting: Map<string, Set<() => void>>
  readonly tokens: GrowingNumbers
}

const shared = new SharedData<Locks>(() => ({ held: new Map(), waiting: new Map(), tokens: new GrowingNumbers() }))

export const memoryLock: ComponentKind<'lock'> = {
  api: 'lock',
  type: 'memory',
  features: ['lock.try', 'lock.wait', 'lock.renew', 'lock.fencing', 'lock.owner-query', 'lock.loss-event'],
  options,
  async open(config, { name, clock }) {
    const { maxLocks } = config as z.output<ReturnType<typeof options>>
    return new MemoryLockStore(shared.use(name), clock, maxLocks)
  },
}

export class MemoryLockStore implements LockStore {
  readonly #use: DataUse<Locks>
  readonly #clock: Clock
  readonly #maxLocks: number

  constructor(use: DataUse<Locks>, clock: Clock, maxLocks: number) {
    this.#use = use
    this.#clock = clock
    this.#maxLocks = maxLocks
  }

  async tryLock({ resource, owner, leaseMs }: LockRequest): Promise<LockGrant | undefined> {
    const { held, tokens } = this.#use.data
    if (this.#find(resource)) return undefined
    if (held.size >= this.#maxLocks) throw new ApiError('exhausted', `more than ${this.#maxLocks} locks are held`)
    const lock: Held = { owner, token: tokens.next(), until: 0, cancelExpiry: () => {} }
    held.set(resource, lock)
    lease(this.#use.data, this.#clock, resource, lock, leaseMs)
    return { token: lock.token }
  }

  async unlock({ resource, owner }: Pick<LockRequest, 'resource' | 'owner'>): Promise<UnlockOutcome> {
    const lock = this.#find(resource)
    if (!lock) return 'absent'
    if (lock.owner !== owner) return 'others'
    free(this.#use.data, resource, lock)
    return 'released'
  }

  async renew({ resource, owner, leaseMs }: LockRequest): Promise<RenewOutcome> {
    const lock = this.#find(resource)
    if (!lock) return 'absent'
    if (lock.owner !== owner) return 'others'
    lease(this.#use.data, this.#clock, resource, lock, leaseMs)
    return 'renewed'
  }

  async holder(resource: string): Promise<LockHolder | undefined> {
    const lock = this.#find(resource)
    return lock && { owner: lock.owner, token: lock.token, remainingMs: lock.until - this.#clock.now() }
  }

  async whenFree(resource: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted || !this.#find(resource)) return
    const { waiting } = this.#use.data
    let waiters = waiting.get(resource)
    if (!waiters) waiting.set(resource, (waiters = new Set()))
    await new Promise<void>(resolve => {
      const done = () => {
        waiters.delete(done)
        if (waiters.size === 0 && waiting.get(resource) === waiters) waiting.delete(resource)
        signal.removeEventListener('abort', done)
        resolve()
      }
      waiters.add(done)
      signal.addEventListener('abort', done)
    })
  }

  async check() {
    return this.#use.check()
  }

  async close(): Promise<void> {
    this.#use.close()
  }

  /** The lock, unless its lease has run out: a timer may be late. */
  #find(resource: string): Held | undefined {
    const lock = this.#use.data.held.get(resource)
    if (!lock || lock.until > this.#clock.now()) return lock
    free(this.#use.data, resource, lock)
    return undefined
  }
}

/** Lets the lock be held for so long from now on. */
export function lease(locks: Locks, clock: Clock, resource: string, lock: Held, leaseMs: number): void {
  lock.cancelExpiry()
  lock.until = clock.now() + leaseMs
  lock.cancelExpiry = clock.after(leaseMs, () => free(locks, resource, lock))
  locks.keeper?.keep(resource, lock, leaseMs)
}

function free({ held, waiting, keeper }: Locks, resource: string, lock: Held): void {
  if (held.get(resource) !== lock) return
  lock.cancelExpiry()
  held.delete(resource)
  keeper?.forget(resource)
  for (const done of [...(waiting.get(resource) ?? [])]) done()
}
