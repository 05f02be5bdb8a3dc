/**
 * Locks in ZooKeeper. A lock is a node `<prefix>/held/<resource>` that names owner and lease and stays when a session
 * ends: a lease is neither shorter nor longer than was asked for because the sidecar that granted it is cut off or dead.
 * Its time is told by the leader's clock alone, from the node's last change to that of `<prefix>/clock`, which whoever
 * wants to know sets. A lease that ran out is replaced in one transaction, for the version that was seen; the fencing
 * token is the transaction that made the node. When the leader changes, the difference of the two clocks shortens or
 * lengthens the leases at that moment, so this lock is not linearizable over a failover without the token.
 */
import * as z from 'zod/mini'
import { DELETE, ERROR, EXISTS, GET_DATA, SET_DATA, type Stat, SYNC } from '../../../codecs/zookeeper/index.ts'
import { ApiError, type LockGrant, type LockHolder, type LockRequest, type LockStore } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import {
  makeNode,
  makingSteps,
  nodeName,
  nodePrefix,
  transact,
  unless,
  ZooKeeperClient,
  zookeeperOptions,
} from '../clients/zookeeper/index.ts'

const options = () => z.strictObject({ ...zookeeperOptions(), prefix: nodePrefix('/portolan/lock', 'the locks') })

export const zookeeperLock: ComponentKind<'lock'> = {
  api: 'lock',
  type: 'zookeeper',
  features: ['lock.try', 'lock.wait', 'lock.renew', 'lock.fencing', 'lock.owner-query', 'lock.loss-event'],
  options,
  open: async (raw, context) => {
    const { prefix, ...rest } = raw as z.output<ReturnType<typeof options>>
    return new ZooKeeperLockStore(new ZooKeeperClient(rest, context), prefix)
  },
}

/** A lock as it stands there. */
interface Found {
  readonly owner: string
  readonly stat: Stat
  /** Of its lease, at the moment when it was looked at; negative once it ran out. */
  readonly remainingMs: number
}

class ZooKeeperLockStore implements LockStore {
  readonly #client: ZooKeeperClient
  readonly #prefix: string
  /** For each lock granted here, by its path: calls off that it is cleared away when its lease runs out. */
  readonly #clearings = new Map<string, () => void>()

  constructor(client: ZooKeeperClient, prefix: string) {
    this.#client = client
    this.#prefix = prefix
  }

  check(timeoutMs: number) {
    return this.#client.check(timeoutMs)
  }

  /** Locks outlive it: whoever holds them does not know of it. */
  async close(): Promise<void> {
    for (const cancel of this.#clearings.values()) cancel()
    this.#clearings.clear()
    await this.#client.close()
  }

  async tryLock({ resource, owner, leaseMs }: LockRequest): Promise<LockGrant | undefined> {
    const path = this.#path(resource)
    const data = encoded(owner, leaseMs)
    const made = (await makeNode(this.#client, path, data)) ?? (await this.#takeOver(path, data))
    if (!made) return undefined
    this.#clearIn(leaseMs, path, made)
    return { token: made.czxid }
  }

  async unlock({ resource, owner }: Pick<LockRequest, 'resource' | 'owner'>) {
    const path = this.#path(resource)
    const found = await this.#look(path)
    if (!found || found.remainingMs <= 0) return 'absent'
    if (found.owner !== owner) return 'others'
    // Whoever renews or takes it at this moment is later.
    const deleted = this.#client.call(DELETE, { path, version: found.stat.version }).then(() => 'released' as const)
    return (await unless(deleted, ERROR.noNode, ERROR.badVersion)) ?? this.#whose(path, owner)
  }

  async renew({ resource, owner, leaseMs }: LockRequest) {
    const path = this.#path(resource)
    const found = await this.#look(path)
    if (!found || found.remainingMs <= 0) return 'absent'
    if (found.owner !== owner) return 'others'
    const request = { path, data: encoded(owner, leaseMs), version: found.stat.version }
    const stat = await unless(this.#client.call(SET_DATA, request), ERROR.noNode, ERROR.badVersion)
    if (!stat) return this.#whose(path, owner)
    this.#clearIn(leaseMs, path, stat)
    return 'renewed'
  }

  async holder(resource: string): Promise<LockHolder | undefined> {
    const found = await this.#look(this.#path(resource))
    if (!found || found.remainingMs <= 0) return undefined
    const { owner, stat, remainingMs } = found
    return { owner, token: stat.czxid, remainingMs }
  }

  async whenFree(resource: string, signal: AbortSignal): Promise<void> {
    const path = this.#path(resource)
    const connection = await this.#client.connection()
    await new Promise<void>((resolve, reject) => {
      let cancelTimer = (): void => {}
      const stop = (): void => {
        signal.removeEventListener('abort', stop)
        unlisten()
        cancelTimer()
        resolve()
      }
      // With the connection its watch is lost: asking again is what is left.
      const unlisten = connection.listen({ onEvent: event => event.path === path && stop(), onLost: stop })
      if (signal.aborted) return stop()
      signal.addEventListener('abort', stop)
      const watched = connection.call(EXISTS, { path, watch: true }, this.#client.requestTimeoutMs)
      unless(watched, ERROR.noNode)
        .then(stat => stat && this.#look(path))
        .then(found => {
          if (!found || found.remainingMs <= 0) return stop()
          cancelTimer = this.#client.clock.after(found.remainingMs, stop)
          if (signal.aborted) stop()
        })
        .catch(error => {
          reject(error)
          stop()
        })
    })
  }

  #path(resource: string): string {
    return `${this.#prefix}/held/${nodeName(resource)}`
  }

  /** Replaces a lock whose lease ran out; undefined if it has not, or somebody else was faster. */
  async #takeOver(path: string, data: Buffer): Promise<Stat | undefined> {
    const found = await this.#look(path)
    if (found && found.remainingMs > 0) return undefined
    const gone = found ? [{ delete: { path, version: found.stat.version } }] : []
    const steps = [...gone, ...makingSteps(this.#client, path, data)]
    const done = unless(transact(this.#client, steps), ERROR.noNode, ERROR.badVersion, ERROR.nodeExists)
    return (await done)?.at(-1)?.stat
  }

  /** After a change that came too late. */
  async #whose(path: string, owner: string) {
    const found = await this.#look(path)
    if (!found || found.remainingMs <= 0 || found.owner === owner) return 'absent'
    return 'others'
  }

  /** Reads a lock, and then the leader's clock: the requests follow each other on one connection. */
  async #look(path: string): Promise<Found | undefined> {
    const connection = await this.#client.connection()
    const timeoutMs = this.#client.requestTimeoutMs
    const synced = connection.call(SYNC, path, timeoutMs)
    const read = unless(connection.call(GET_DATA, { path, watch: false }, timeoutMs), ERROR.noNode)
    const clock = { path: `${this.#prefix}/clock`, data: null, version: -1 }
    const touched = unless(connection.call(SET_DATA, clock, timeoutMs), ERROR.noNode)
    const [, found, now] = await Promise.all([synced, read, touched]).catch(error => {
      // Whether the clock was set changes nothing for anybody.
      throw error.code === 'unknown' ? new ApiError('unavailable', error.message, { cause: error }) : error
    })
    if (!found) return undefined
    if (!now) {
      await makeNode(this.#client, clock.path, null)
      return this.#look(path)
    }
    const { owner, leaseMs } = decoded(found.data)
    return { owner, stat: found.stat, remainingMs: Number(found.stat.mtime + BigInt(leaseMs) - now.mtime) }
  }

  /** Clears the lock away when its lease ran out, so that those who wait hear of it. Else the next one who comes does. */
  #clearIn(leaseMs: number, path: string, { version, czxid }: Stat): void {
    this.#clearings.get(path)?.()
    const cancel = this.#client.clock.after(leaseMs, () => {
      this.#clearings.delete(path)
      void this.#clear(path, version, czxid).catch(() => {})
    })
    this.#clearings.set(path, cancel)
  }

  async #clear(path: string, version: number, czxid: bigint): Promise<void> {
    const found = await this.#look(path)
    if (found?.stat.czxid !== czxid || found.stat.version !== version) return
    if (found.remainingMs > 0) this.#clearIn(found.remainingMs, path, found.stat)
    else await this.#client.call(DELETE, { path, version })
  }
}

function encoded(owner: string, leaseMs: number): Buffer {
  return Buffer.from(JSON.stringify({ owner, leaseMs }))
}

function decoded(data: Buffer | null): { readonly owner: string; readonly leaseMs: number } {
  try {
    const { owner, leaseMs } = JSON.parse((data ?? '').toString())
    if (typeof owner === 'string' && Number.isSafeInteger(leaseMs)) return { owner, leaseMs }
  } catch {}
  throw new ApiError('internal', 'where the lock is kept stands something else')
}
