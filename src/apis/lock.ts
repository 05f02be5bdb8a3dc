/** The API of locks: leases on a resource, held by an owner until they are given back or run out. */
import type { Features, Store } from './api.ts'

export const lockFeatures = {
  'lock.try': 'A lock is taken, or refused at once.',
  'lock.wait': 'A caller can wait for a lock.',
  'lock.renew': 'A holder can extend its lease.',
  'lock.fencing': 'Each grant has a number greater than that of every earlier grant of the resource.',
  'lock.owner-query': 'Anybody can ask who holds a lock.',
  'lock.loss-event': 'A holder is told when its lock is lost.',
  'lock.linearizable': 'There is one holder at most even while the store fails over.',
} as const satisfies Features

export interface LockRequest {
  readonly resource: string
  readonly owner: string
  readonly leaseMs: number
}

export interface LockGrant {
  /** The fencing token; undefined without that feature. */
  readonly token?: bigint
}

export interface LockHolder {
  readonly owner: string
  readonly token?: bigint
  readonly remainingMs?: number
}

export type UnlockOutcome = 'released' | 'absent' | 'others'
export type RenewOutcome = 'renewed' | 'absent' | 'others'

export interface LockStore extends Store {
  /** Undefined when somebody holds it, the same owner included. */
  tryLock(request: LockRequest): Promise<LockGrant | undefined>
  /** Never touches a lock of another owner. */
  unlock(request: Pick<LockRequest, 'resource' | 'owner'>): Promise<UnlockOutcome>
  renew?(request: LockRequest): Promise<RenewOutcome>
  /** Undefined when nobody holds it. */
  holder?(resource: string): Promise<LockHolder | undefined>
  /**
   * Waits until the lock may have become free, or the signal aborts; too early is allowed, too late is not. Without it
   * a caller that waits asks now and then.
   */
  whenFree?(resource: string, signal: AbortSignal): Promise<void>
}
