/**
 * Locks in etcd v3. A lock is a key, bound to a lease of its own, whose value is the owner; the fencing token is the
 * revision that made the key. etcd's leases have whole seconds, at least about two, and count on when the leader changes;
 * so the sidecar that granted a lock takes it back on time, and only the lock of one that died lasts until etcd's lease
 * ends. The same keys as Layotto's.
 */
import * as z from 'zod/mini'
import type { LockGrant, LockHolder, LockRequest, LockStore } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import {
  COMPARE,
  EtcdClient,
  type EtcdOptions,
  EtcdWatch,
  etcdOptions,
  LEASE_GRANT,
  LEASE_REVOKE,
  LEASE_TIME_TO_LIVE,
  RANGE,
  readKeys,
  TXN,
} from '../clients/etcd/index.ts'

const options = () =>
  z.strictObject({
    ...etcdOptions(),
    prefix: z
      ._default(z.string(), '/portolan/lock/')
      .apply(described('Stands before the name of a resource; Layotto has `/layotto/`.')),
  })

export const etcdLock: ComponentKind<'lock'> = {
  api: 'lock',
  type: 'etcd',
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
    const { prefix, ...rest } = raw as z.output<ReturnType<typeof options>>
    return new EtcdLockStore(await EtcdClient.open(rest as EtcdOptions, context), prefix)
  },
}

class EtcdLockStore implements LockStore {
  readonly #client: EtcdClient
  readonly #prefix: string
  /** Of the leases granted here: when each is taken back, and how that is called off. */
  readonly #ends = new Map<bigint, { readonly at: number; readonly cancel: () => void }>()

  constructor(client: EtcdClient, prefix: string) {
    this.#client = client
    this.#prefix = prefix
  }

  check(timeoutMs: number) {
    return this.#client.check(timeoutMs)
  }

  /** Locks outlive it: whoever holds them does not know of it. */
  async close(): Promise<void> {
    for (const { cancel } of this.#ends.values()) cancel()
    this.#ends.clear()
    await this.#client.close()
  }

  async tryLock({ resource, owner, leaseMs }: LockRequest): Promise<LockGrant | undefined> {
    const key = this.#key(resource)
    // Who finds it taken makes no lease.
    if (await this.#find(key)) return undefined
    const lease = await this.#grant(leaseMs)
    try {
      const { succeeded, header } = await this.#client.call(TXN, {
        compare: [{ key, target: COMPARE.create, createRevision: 0n }],
        success: [{ put: { key, value: Buffer.from(owner), lease } }],
        failure: [],
      })
      if (succeeded) {
        this.#endIn(leaseMs, lease)
        return { token: header.revision }
      }
    } catch (error) {
      this.#revoke(lease)
      throw error
    }
    this.#revoke(lease)
    return undefined
  }

  async unlock({ resource, owner }: Pick<LockRequest, 'resource' | 'owner'>) {
    const key = this.#key(resource)
    const look = { range: { key } }
    const { succeeded, responses } = await this.#client.call(TXN, {
      compare: [{ key, target: COMPARE.value, value: Buffer.from(owner) }],
      success: [look, { delete: { key } }],
      failure: [look],
    })
    const found = responses[0]?.range?.kvs[0]
    if (!found) return 'absent'
    if (!succeeded) return 'others'
    this.#revoke(found.lease)
    return 'released'
  }

  async renew({ resource, owner, leaseMs }: LockRequest) {
    const key = this.#key(resource)
    const found = await this.#find(key)
    if (!found) return 'absent'
    if (found.value.toString() !== owner) return 'others'
    const lease = await this.#grant(leaseMs)
    const { succeeded } = await this.#client.call(TXN, {
      compare: [
        { key, target: COMPARE.create, createRevision: found.createRevision },
        { key, target: COMPARE.mod, modRevision: found.modRevision },
      ],
      success: [{ put: { key, value: found.value, lease } }],
      failure: [],
    })
    if (!succeeded) {
      this.#revoke(lease)
      return (await this.#find(key)) ? 'others' : 'absent'
    }
    this.#endIn(leaseMs, lease)
    this.#revoke(found.lease)
    return 'renewed'
  }

  async holder(resource: string): Promise<LockHolder | undefined> {
    const found = await this.#find(this.#key(resource))
    if (!found) return undefined
    const { lease, createRevision: token } = found
    const { ttl } = await this.#client.call(LEASE_TIME_TO_LIVE, { id: lease })
    const end = this.#ends.get(lease)
    const remainingMs = Math.max(0, end ? end.at - this.#client.clock.now() : Number(ttl) * 1_000)
    return { owner: found.value.toString(), token, remainingMs }
  }

  whenFree(resource: string, signal: AbortSignal): Promise<void> {
    const key = this.#key(resource)
    return new Promise(resolve => {
      const stop = (): void => {
        signal.removeEventListener('abort', stop)
        watch.close()
        resolve()
      }
      const watch = new EtcdWatch(this.#client, [{ key }], () => readKeys(this.#client, [key.toString()]), {
        onContents: kvs => kvs.length === 0 && stop(),
        onPut() {},
        onDelete: stop,
        // It says how things stand when it is over.
        onOutage() {},
      })
      if (signal.aborted) stop()
      else signal.addEventListener('abort', stop)
    })
  }

  #key(resource: string): Buffer {
    return Buffer.from(this.#prefix + resource)
  }

  async #find(key: Buffer) {
    return (await this.#client.call(RANGE, { key })).kvs[0]
  }

  async #grant(leaseMs: number): Promise<bigint> {
    return (await this.#client.call(LEASE_GRANT, { ttl: BigInt(Math.ceil(leaseMs / 1_000)) })).id
  }

  /** Takes the lease back when its time is over, and with it the lock if it still has this lease. */
  #endIn(leaseMs: number, lease: bigint): void {
    const { clock } = this.#client
    const cancel = clock.after(leaseMs, () => this.#revoke(lease))
    this.#ends.set(lease, { at: clock.now() + leaseMs, cancel })
  }

  /** If etcd is away, the lease ends by itself. */
  #revoke(lease: bigint): void {
    this.#ends.get(lease)?.cancel()
    this.#ends.delete(lease)
    if (lease !== 0n) this.#client.call(LEASE_REVOKE, { id: lease }).catch(() => {})
  }
}
