/** `portolan.v1.Lock`. */
import type { LockGrant } from '../../../src/apis/index.ts'
import type { Call, Method, Outgoing } from '../rpc.ts'
import { type Integer, toNumber } from '../schema.ts'
import type { ServiceContext } from '../services.ts'

interface Request {
  readonly component: string
  readonly resource: string
  readonly owner: string
  readonly lease_ms: Integer
  readonly wait_ms: Integer
}

const RENEW = { renewed: 0, absent: 1, others: 2 } as const
const RELEASE = { released: 0, absent: 1, others: 2 } as const
const REFUSED = { state: 0 }

export function lockMethods({ services: { lock } }: ServiceContext): Readonly<Record<string, Method>> {
  return {
    async Acquire(request: Request, call: Call) {
      const waitMs = toNumber(request.wait_ms)
      const signal = waitMs > 0 ? call.signal : undefined
      const grant = await lock.acquire(request.component, leaseOf(request), waitMs, signal)
      return { acquired: grant !== undefined, ...tokenOf(grant) }
    },

    async Renew(request: Request) {
      return { outcome: RENEW[await lock.renew(request.component, leaseOf(request))] }
    },

    async Release({ component, resource, owner }: Request) {
      return { outcome: RELEASE[await lock.release(component, { resource, owner })] }
    },

    async GetHolder({ component, resource }: Request) {
      const holder = await lock.holder(component, resource)
      if (!holder) return { held: false }
      const { owner, remainingMs } = holder
      return {
        held: true,
        owner,
        ...tokenOf(holder),
        ...(remainingMs === undefined ? {} : { remaining_ms: remainingMs }),
      }
    },

    async Hold(request: Request, out: Outgoing) {
      const hold = await lock.hold(request.component, leaseOf(request), toNumber(request.wait_ms), out.signal)
      if (!hold) {
        out.write(REFUSED)
        return out.end()
      }
      const release = () => void hold.release().catch(() => {})
      if (out.signal.aborted) return release()
      out.signal.addEventListener('abort', release, { once: true })
      out.write({ state: 1, ...tokenOf(hold.grant) })
      await hold.lost
      out.write({ state: 2 })
      out.end()
    },
  }
}

function leaseOf({ resource, owner, lease_ms }: Request) {
  return { resource, owner, leaseMs: toNumber(lease_ms) }
}

function tokenOf(grant: LockGrant | undefined): { readonly token?: string } {
  return grant?.token === undefined ? {} : { token: String(grant.token) }
}
