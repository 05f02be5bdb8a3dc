/** Layotto's locks: try, unlock and keep-alive. */
import type { LockRequest } from '../../../src/apis/index.ts'
import { storeOf } from '../dapr/index.ts'
import type { Method } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'

interface Request {
  readonly store_name: string
  readonly resource_id: string
  readonly lock_owner: string
  /** Seconds. */
  readonly expire: number
}

const UNLOCK = { released: 0, absent: 1, others: 2 } as const
const KEEP_ALIVE = { renewed: 0, absent: 1, others: 2 } as const

export function lockMethods({ services }: ServiceContext): Readonly<Record<string, Method>> {
  return {
    async TryLock(request: Request) {
      storeOf(services, 'lock', request.store_name)
      return { success: (await services.lock.acquire(request.store_name, toLock(request))) !== undefined }
    },
    async Unlock(request: Request) {
      storeOf(services, 'lock', request.store_name)
      return { status: UNLOCK[await services.lock.release(request.store_name, toLock(request))] }
    },
    async LockKeepAlive(request: Request) {
      storeOf(services, 'lock', request.store_name)
      return { status: KEEP_ALIVE[await services.lock.renew(request.store_name, toLock(request))] }
    },
  }
}

function toLock({ resource_id, lock_owner, expire }: Request): LockRequest {
  return { resource: resource_id, owner: lock_owner, leaseMs: expire * 1_000 }
}
