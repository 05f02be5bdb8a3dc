/**
 * Locks that Portolan keeps itself, over restarts and crashes. While the process runs, leases are measured by a clock
 * that nobody sets; over a restart by the time of day, and never as longer than they were asked for.
 */
import * as z from 'zod/mini'
import type { LockGrant, LockHolder, LockRequest, LockStore, RenewOutcome, UnlockOutcome } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import type { Clock } from '../../protocol.ts'
import { Durable, dataDirectory, type Journal } from '../clients/embedded/index.ts'
import { GrowingNumbers } from '../clients/memory/index.ts'
import { type Held, type Locks, lease, MemoryLockStore } from './memory.ts'

const options = () =>
  z.strictObject({
    dataDirectory: dataDirectory(),
    maxLocks: z
      ._default(z.int().check(z.minimum(1)), 100_000)
      .apply(described('Locks that may be held at a time; more are refused.')),
  })

export const embeddedLock: ComponentKind<'lock'> = {
  api: 'lock',
  type: 'embedded',
  features: ['lock.try', 'lock.wait', 'lock.renew', 'lock.fencing', 'lock.owner-query', 'lock.loss-event'],
  options,
  async open(config, { name, clock }) {
    const { dataDirectory, maxLocks } = config as z.output<ReturnType<typeof options>>
    return new EmbeddedLockStore(
      new Durable({
        api: 'lock',
        name,
        dataDirectory,
        load: journal => load(journal, clock),
        unload: ({ held }) => held.forEach(lock => void lock.cancelExpiry()),
        store: use => new MemoryLockStore(use, clock, maxLocks),
      }),
    )
  },
}

interface KeptLock {
  readonly resource: string
  readonly owner: string
  readonly token: string
  /** By the time of day. */
  readonly until: number
  readonly leaseMs: number
}

function load(journal: Journal, clock: Clock): Locks {
  const tokens = new GrowingNumbers()
  const kept = [...journal.entries<KeptLock>('held')]
  const last = journal.get<string>('tokens', 'last')
  if (last !== undefined) tokens.continue(BigInt(last))
  const locks: Locks = {
    held: new Map(),
    waiting: new Map(),
    tokens,
    keeper: {
      keep(resource, { owner, token }, leaseMs) {
        const lock: KeptLock = { resource, owner, token: String(token), until: Date.now() + leaseMs, leaseMs }
        journal.put('held', resource, lock)
        journal.put('tokens', 'last', tokens.last.toString())
      },
      forget: resource => journal.remove('held', resource),
    },
  }
  for (const { resource, owner, token, until, leaseMs } of kept) {
    const remainingMs = Math.min(until - Date.now(), leaseMs)
    if (remainingMs <= 0) {
      journal.remove('held', resource)
      continue
    }
    const lock: Held = { owner, token: BigInt(token), until: 0, cancelExpiry: () => {} }
    locks.held.set(resource, lock)
    lease(locks, clock, resource, lock, remainingMs)
  }
  return locks
}

class EmbeddedLockStore implements LockStore {
  readonly #durable: Durable<Locks, MemoryLockStore>

  constructor(durable: Durable<Locks, MemoryLockStore>) {
    this.#durable = durable
  }

  tryLock(request: LockRequest): Promise<LockGrant | undefined> {
    return this.#durable.call(memory => memory.tryLock(request))
  }

  unlock(request: Pick<LockRequest, 'resource' | 'owner'>): Promise<UnlockOutcome> {
    return this.#durable.call(memory => memory.unlock(request))
  }

  renew(request: LockRequest): Promise<RenewOutcome> {
    return this.#durable.call(memory => memory.renew(request))
  }

  holder(resource: string): Promise<LockHolder | undefined> {
    return this.#durable.call(memory => memory.holder(resource))
  }

  whenFree(resource: string, signal: AbortSignal): Promise<void> {
    return this.#durable.call(memory => memory.whenFree(resource, signal))
  }

  check(timeoutMs: number) {
    return this.#durable.check(timeoutMs)
  }

  close(): Promise<void> {
    return this.#durable.close()
  }
}
