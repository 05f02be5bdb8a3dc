/**
 * Locks in Redis, as daprd keeps them: a key whose value is the owner and which expires with the lease. Beside it stands
 * a counter for fencing tokens, which the grant advances in the same step and which never expires. A failover of Redis
 * may lose a grant, so the lock is not linearizable.
 */
import * as z from 'zod/mini'
import type { LockGrant, LockHolder, LockRequest, LockStore, RenewOutcome, UnlockOutcome } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import { RedisClient, repeatable, Script } from '../clients/redis/index.ts'

const options = () =>
  z.strictObject({
    tokens: z
      ._default(z.string().check(z.minLength(1)), 'portolan:fencing')
      .apply(described('The hash that holds the last fencing token of each resource.')),
  })

export const redisLock: ComponentKind<'lock'> = {
  api: 'lock',
  type: 'redis',
  backend: 'redis',
  features: ['lock.try', 'lock.wait', 'lock.renew', 'lock.fencing', 'lock.owner-query', 'lock.loss-event'],
  options,
  open: async (raw, context) => {
    const { tokens } = raw as z.output<ReturnType<typeof options>>
    return new RedisLockStore(new RedisClient(context), tokens)
  },
}

/** The token of the grant, or nothing when somebody holds it. The token is in the holder's reach by the hash. */
const TAKE = new Script(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return redis.call('HINCRBY', KEYS[2], KEYS[1], 1)
end
return false
`)

/** 1 when it was given back, -1 when there is none, -2 when it is somebody else's: the numbers of daprd's own script. */
const GIVE_BACK = new Script(`
local owner = redis.call('GET', KEYS[1])
if not owner then return -1 end
if owner ~= ARGV[1] then return -2 end
return redis.call('DEL', KEYS[1])
`)

const EXTEND = new Script(`
local owner = redis.call('GET', KEYS[1])
if not owner then return -1 end
if owner ~= ARGV[1] then return -2 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`)

const LOOK = new Script(`
local owner = redis.call('GET', KEYS[1])
if not owner then return false end
return { owner, redis.call('HGET', KEYS[2], KEYS[1]) or '', redis.call('PTTL', KEYS[1]) }
`)

class RedisLockStore implements LockStore {
  readonly #client: RedisClient
  readonly #tokens: string

  constructor(client: RedisClient, tokens: string) {
    this.#client = client
    this.#tokens = tokens
  }

  check(timeoutMs: number) {
    return this.#client.check(timeoutMs)
  }

  async close(): Promise<void> {
    this.#client.close()
  }

  async tryLock({ resource, owner, leaseMs }: LockRequest): Promise<LockGrant | undefined> {
    const token = await TAKE.run(this.#client, [resource, this.#tokens], [owner, milliseconds(leaseMs)])
    return token === null ? undefined : { token: BigInt(token as number) }
  }

  async unlock({ resource, owner }: Pick<LockRequest, 'resource' | 'owner'>): Promise<UnlockOutcome> {
    const outcome = await GIVE_BACK.run(this.#client, [resource], [owner])
    return outcome === -2 ? 'others' : outcome === 1 ? 'released' : 'absent'
  }

  async renew({ resource, owner, leaseMs }: LockRequest): Promise<RenewOutcome> {
    const outcome = await EXTEND.run(this.#client, [resource], [owner, milliseconds(leaseMs)])
    return outcome === -2 ? 'others' : outcome === 1 ? 'renewed' : 'absent'
  }

  async holder(resource: string): Promise<LockHolder | undefined> {
    const found = await LOOK.run(this.#client, [resource, this.#tokens], []).catch(repeatable)
    if (found === null) return undefined
    const [owner, token, remainingMs] = found as [string, string, number]
    // A lock of daprd's has no token, and one without expiry no end.
    return {
      owner,
      ...(token === '' ? {} : { token: BigInt(token) }),
      ...(remainingMs < 0 ? {} : { remainingMs }),
    }
  }
}

function milliseconds(lease: number): string {
  return String(Math.max(1, Math.round(lease)))
}
