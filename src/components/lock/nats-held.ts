/** What stands in NATS KV where a lock is held. */
import { ApiError } from '../../apis/index.ts'

export interface Held {
  readonly owner: string
  readonly leaseMs: number
  /** The revision of the grant; a renewal writes it down. */
  readonly token: number
}

export function parseHeld(text: string, revision: number): Held {
  try {
    const { owner, leaseMs, token = revision } = JSON.parse(text)
    if (typeof owner === 'string' && Number.isFinite(leaseMs) && Number.isSafeInteger(token))
      return { owner, leaseMs, token }
  } catch {}
  throw new ApiError('internal', 'where the lock is kept stands something else than a lock')
}
