/** One endpoint of a MySQL backend, and what is known of the server there. */
import type { Endpoint } from '../../net/index.ts'
import type { EndpointStatus } from '../../protocol.ts'
import type { EndpointOptions } from './options.ts'
import type { ServerRole } from './server-facts.ts'

/** `standby`: could be written to, but another one is. */
export type Role = 'primary' | 'replica' | 'standby' | 'unknown'

export class Member {
  readonly endpoint: Endpoint
  /** Its place in the configuration, from 1: for metrics, whose labels have no addresses. */
  readonly number: number
  /** As the configuration says; undefined where the server is asked. */
  readonly configured: EndpointOptions['role']
  role: Role = 'unknown'
  /** What the server said last; null while it cannot be asked, or is not. */
  seen: ServerRole | null = null
  /** Connections that nobody uses now. */
  idle = 0
  /** GTIDs that a replica is known to have applied, the latest of each source. */
  readonly reached = new Map<string, number>()

  constructor(endpoint: Endpoint, number: number, configured: EndpointOptions['role']) {
    this.endpoint = endpoint
    this.number = number
    this.configured = configured
  }

  /** Connections that are in use, or being opened. */
  get busy(): number {
    return this.endpoint.connections - this.idle
  }

  /** It does not answer any more. */
  lost(): void {
    this.endpoint.health = 'down'
    this.seen = null
    this.reached.clear()
  }

  /** May be written to, by configuration and by what the server says. */
  get writable(): boolean {
    if (this.seen === null || this.seen.readOnly || this.configured === 'replica') return false
    return this.configured === 'primary' || this.seen.replication === null || this.seen.replication?.stopped !== false
  }

  /** Seconds behind its source; null where that is not known. */
  get lagSeconds(): number | null {
    return this.seen?.replication?.lagSeconds ?? null
  }

  /** Up to date, as far as can be known: replicas of clouds often replicate below the sight of SQL. */
  isWithin(maxLagMs: number): boolean {
    if (this.seen === null) return false
    const { replication, readOnlyStorage } = this.seen
    if (replication === undefined) return true
    if (replication === null) return readOnlyStorage || this.configured === 'replica'
    return replication.running && replication.lagSeconds !== null && replication.lagSeconds * 1000 <= maxLagMs
  }

  status(): EndpointStatus {
    const { role, lagSeconds } = this
    return {
      ...this.endpoint.status(),
      ...(role !== 'unknown' && { role }),
      ...(role === 'replica' && lagSeconds !== null && { lagSeconds }),
    }
  }
}
