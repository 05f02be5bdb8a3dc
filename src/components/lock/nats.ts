/**
 * Locks in NATS KV: a key holds the owner and the length of its lease, and its revision is the fencing token. No clock
 * is compared with another one: whoever finds a lock held may take it once it has seen the same revision for a whole
 * lease by its own clock. The sidecar that granted a lock takes it back on time, so that only the lock of one that died
 * lasts longer: until a lease after somebody first found it held.
 */
import * as z from 'zod/mini'
import type { LockGrant, LockHolder, LockRequest, LockStore } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import { Bucket, NatsClient, type NatsOptions, natsOptions } from '../clients/nats/index.ts'
import { parseHeld } from './nats-held.ts'
import { SeenLeases } from './seen-leases.ts'

const options = () =>
  z.strictObject({
    ...natsOptions(),
    bucket: z
      ._default(z.string().check(z.regex(/^[-\w]+$/)), 'portolan-lock')
      .apply(described('The KV bucket of the locks; made when it does not exist.')),
  })

export const natsLock: ComponentKind<'lock'> = {
  api: 'lock',
  type: 'nats',
  features: [
    'lock.try',
    'lock.wait',
    'lock.renew',
    'lock.fencing',
    'lock.owner-query',
    'lock.loss-event',
    'lock.linearizable',
  ],
  options,
  open: async (raw, context) => {
    const { bucket, ...rest } = raw as z.output<ReturnType<typeof options>>
    return new NatsLockStore(new Bucket(await NatsClient.open(rest as NatsOptions, context), bucket))
  },
}

/** How often a write that was overtaken by another one is tried anew. */
const MAX_ATTEMPTS = 20

class NatsLockStore implements LockStore {
  readonly #bucket: Bucket
  readonly #seen: SeenLeases
  /** Of the locks granted here: how the taking back is called off. */
  readonly #ends = new Map<string, () => void>()

  constructor(bucket: Bucket) {
    this.#bucket = bucket
    this.#seen = new SeenLeases(bucket.client.clock)
  }

  check(timeoutMs: number) {
    return this.#bucket.client.check(timeoutMs)
  }

  /** Locks outlive it: whoever holds them does not know of it. */
  async close(): Promise<void> {
    for (const cancel of this.#ends.values()) cancel()
    this.#ends.clear()
    await this.#bucket.client.close()
  }

  async tryLock({ resource, owner, leaseMs }: LockRequest): Promise<LockGrant | undefined> {
    const found = await this.#find(resource)
    if (found.held && found.remainingMs > 0) return undefined
    const revision = await this.#bucket.replace(resource, found.revision, JSON.stringify({ owner, leaseMs }))
    if (revision === undefined) return undefined
    this.#endIn(leaseMs, resource, revision)
    return { token: BigInt(revision) }
  }

  async unlock({ resource, owner }: Pick<LockRequest, 'resource' | 'owner'>) {
    return this.#replace(resource, owner, 'released' as const, () => undefined)
  }

  async renew({ resource, owner, leaseMs }: LockRequest) {
    const again = (token: number) => JSON.stringify({ owner, leaseMs, token })
    return this.#replace(resource, owner, 'renewed' as const, again, leaseMs)
  }

  async holder(resource: string): Promise<LockHolder | undefined> {
    const { held, remainingMs } = await this.#find(resource)
    return held && remainingMs > 0 ? { owner: held.owner, token: BigInt(held.token), remainingMs } : undefined
  }

  async whenFree(resource: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const entries = await this.#bucket.watch(resource)
    const stop = (): void => entries.stop()
    signal.addEventListener('abort', stop)
    let cancel = (): void => {}
    try {
      if (signal.aborted || !(await this.#find(resource)).held) return
      for await (const entry of entries) {
        cancel()
        if (entry.operation !== 'PUT') return
        const { revision } = entry
        const { leaseMs } = parseHeld(entry.string(), revision)
        cancel = this.#bucket.client.clock.after(this.#seen.remainingMs(resource, revision, leaseMs), stop)
      }
    } finally {
      cancel()
      signal.removeEventListener('abort', stop)
      stop()
    }
  }

  /** Writes to a lock of this owner, or deletes it. */
  async #replace<Done>(
    resource: string,
    owner: string,
    done: Done,
    value: (token: number) => string | undefined,
    leaseMs = 0,
  ): Promise<Done | 'absent' | 'others'> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const { held, revision } = await this.#find(resource)
      if (!held) return 'absent'
      if (held.owner !== owner) return 'others'
      const written = await this.#bucket.replace(resource, revision, value(held.token))
      if (written === undefined) continue
      this.#endIn(leaseMs, resource, written)
      return done
    }
    return 'others'
  }

  async #find(resource: string) {
    const { revision, value } = await this.#bucket.find(resource)
    if (value === undefined) {
      this.#seen.forget(resource)
      return { revision, held: undefined, remainingMs: 0 }
    }
    const held = parseHeld(value, revision)
    return { revision, held, remainingMs: this.#seen.remainingMs(resource, revision, held.leaseMs) }
  }

  /** Takes the lock back when its time is over, if nobody wrote to it since. `leaseMs` 0: it was given back. */
  #endIn(leaseMs: number, resource: string, revision: number): void {
    this.#ends.get(resource)?.()
    this.#ends.delete(resource)
    if (leaseMs === 0) return this.#seen.forget(resource)
    this.#seen.remainingMs(resource, revision, leaseMs)
    const cancel = this.#bucket.client.clock.after(leaseMs, () => {
      if (this.#ends.get(resource) === cancel) this.#ends.delete(resource)
      // If NATS is away, whoever finds it takes it over.
      this.#bucket.replace(resource, revision, undefined).catch(() => {})
    })
    this.#ends.set(resource, cancel)
  }
}
