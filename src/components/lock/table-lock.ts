/** Locks in a table of a database: what is the same whatever its SQL. */
import {
  ApiError,
  type FeatureId,
  type LockGrant,
  type LockHolder,
  type LockRequest,
  type LockStore,
  type RenewOutcome,
  type StoreFacts,
  type UnlockOutcome,
} from '../../apis/index.ts'
import { described, duration } from '../../config/index.ts'
import type { Clock } from '../../protocol.ts'

export const tableLockFeatures: readonly FeatureId[] = [
  'lock.try',
  'lock.wait',
  'lock.renew',
  'lock.fencing',
  'lock.owner-query',
  'lock.loss-event',
]

/** The option for those who wait. */
export const tableLockPolling = () => ({
  pollInterval: duration('200ms').apply(described('How often the table is looked at for those who wait for a lock.')),
})

/** A row for each resource: its owner, the end of its lease by the server's clock, and its last token. */
export interface LockTable {
  readonly clock: Clock
  /** Writes the row if its lease is over, and tells the token, which is greater than any before. */
  grant(request: LockRequest): Promise<bigint | undefined>
  /** Ends the lease if this owner holds it; false when it does not. */
  end(resource: string, owner: string): Promise<boolean>
  /** Lets the lease begin anew if this owner holds it; false when it does not, or when nothing changes by it. */
  extend(request: LockRequest): Promise<boolean>
  holder(resource: string): Promise<Required<LockHolder> | undefined>
  check(timeoutMs: number): Promise<StoreFacts>
  close(): Promise<void>
}

export const MAX_NAME_BYTES = 1024

export class TableLockStore implements LockStore {
  readonly #table: LockTable
  readonly #pollMs: number

  /** `pollMs`: how often the table is looked at for those who wait. */
  constructor(table: LockTable, pollMs: number) {
    this.#table = table
    this.#pollMs = pollMs
  }

  check(timeoutMs: number) {
    return this.#table.check(timeoutMs)
  }

  close(): Promise<void> {
    return this.#table.close()
  }

  async tryLock(request: LockRequest): Promise<LockGrant | undefined> {
    for (const each of [request.resource, request.owner]) checkName(each)
    const token = await this.#table.grant(request)
    return token === undefined ? undefined : { token }
  }

  async unlock({ resource, owner }: Pick<LockRequest, 'resource' | 'owner'>): Promise<UnlockOutcome> {
    if (await this.#table.end(resource, owner)) return 'released'
    const holder = await this.#table.holder(resource)
    return holder && holder.owner !== owner ? 'others' : 'absent'
  }

  async renew(request: LockRequest): Promise<RenewOutcome> {
    if (await this.#table.extend(request)) return 'renewed'
    const holder = await this.#table.holder(request.resource)
    if (!holder) return 'absent'
    // Its own, which it got just now, or whose end is the same already.
    return holder.owner === request.owner ? 'renewed' : 'others'
  }

  holder(resource: string): Promise<LockHolder | undefined> {
    return this.#table.holder(resource)
  }

  async whenFree(resource: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const holder = await this.#table.holder(resource)
      if (!holder) return
      await this.#pause(Math.min(this.#pollMs, holder.remainingMs + 1), signal)
    }
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const over = () => {
        cancel()
        signal.removeEventListener('abort', over)
        resolve()
      }
      const cancel = this.#table.clock.after(ms, over)
      signal.addEventListener('abort', over)
    })
  }
}

function checkName(name: string): void {
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw new ApiError('invalid-argument', `names of resources and owners have ${MAX_NAME_BYTES} bytes at most`)
}
