/** Dapr's locks: try and unlock. Keys are made as Dapr makes them, so that both can work on one store. */
import { ApiError } from '../../../src/apis/index.ts'
import type { Method } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'
import { storeOf } from './stores.ts'

interface TryLockRequest {
  readonly store_name: string
  readonly resource_id: string
  readonly lock_owner: string
  readonly expiry_in_seconds: number
}

const UNLOCK_STATUS = { released: 0, absent: 1, others: 2 } as const

export function lockMethods({ services, options }: ServiceContext): Readonly<Record<string, Method>> {
  return {
    async TryLockAlpha1({ store_name, resource_id, lock_owner, expiry_in_seconds }: TryLockRequest) {
      storeOf(services, 'lock', store_name)
      check(store_name, resource_id, lock_owner)
      if (expiry_in_seconds <= 0)
        throw new ApiError('invalid-argument', `ExpiryInSeconds is not positive in lock store ${store_name}`)
      const resource = keyOf(store_name, resource_id)
      const leaseMs = expiry_in_seconds * 1_000
      const grant = await services.lock.acquire(store_name, { resource, owner: lock_owner, leaseMs })
      return { success: grant !== undefined }
    },

    async UnlockAlpha1({ store_name, resource_id, lock_owner }: Omit<TryLockRequest, 'expiry_in_seconds'>) {
      storeOf(services, 'lock', store_name)
      check(store_name, resource_id, lock_owner)
      const outcome = await services.lock.release(store_name, {
        resource: keyOf(store_name, resource_id),
        owner: lock_owner,
      })
      return { status: UNLOCK_STATUS[outcome] }
    },
  }

  function keyOf(store: string, resource: string): string {
    const { appId, lockKeys } = options()
    if (lockKeys === 'none') return `lock||${resource}`
    return `lock||${lockKeys === 'appid' ? appId : store}||${resource}`
  }
}

function check(store: string, resource: string, owner: string): void {
  if (resource === '') throw new ApiError('invalid-argument', `ResourceId is empty in lock store ${store}`)
  if (owner === '') throw new ApiError('invalid-argument', `LockOwner is empty in lock store ${store}`)
}
