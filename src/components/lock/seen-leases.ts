/** Judges leases by one clock: from when a write of a lock was first seen, at the latest a lease later it has run out. */
import type { Clock } from '../../protocol.ts'

/** The longest seen one is forgotten then, and judged anew when it is seen again: late, never too early. */
const MAX_SEEN = 10_000

export class SeenLeases {
  readonly #clock: Clock
  readonly #seen = new Map<string, { readonly revision: number; readonly until: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What is left at most of the lease that this revision of the resource's lock began; 0 when it has run out. */
  remainingMs(resource: string, revision: number, leaseMs: number): number {
    const now = this.#clock.now()
    const seen = this.#seen.get(resource)
    if (seen?.revision === revision) return Math.max(0, seen.until - now)
    // A late answer of an older revision must not take its place.
    if (seen && seen.revision > revision) return leaseMs
    this.#seen.delete(resource)
    this.#seen.set(resource, { revision, until: now + leaseMs })
    if (this.#seen.size > MAX_SEEN) this.#seen.delete(this.#seen.keys().next().value!)
    return leaseMs
  }

  forget(resource: string): void {
    this.#seen.delete(resource)
  }
}
