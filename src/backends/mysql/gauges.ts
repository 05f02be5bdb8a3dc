/** What metrics tell of a MySQL backend at each scrape. */
import type { Metrics } from '../../observability/metrics.ts'
import type { Member } from './member.ts'
import type { Pool } from './pool.ts'

/** Returns the functions that take the sources away. */
export function observePool(backend: string, metrics: Metrics, pool: Pool, isUp: () => boolean): (() => void)[] {
  const gauge = (value: () => number) => () => [{ labels: { backend }, value: value() }]
  return [
    metrics.source(
      'portolan_upstream_up',
      gauge(() => Number(isUp())),
    ),
    metrics.source(
      'portolan_upstream_in_flight',
      gauge(() => pool.lent),
    ),
    metrics.source(
      'portolan_upstream_queue',
      gauge(() => pool.waiting),
    ),
    metrics.source('portolan_upstream_connections', () => [
      { labels: { backend, use: 'exclusive' }, value: pool.lent },
      { labels: { backend, use: 'spare' }, value: pool.idle },
    ]),
  ]
}

/** The same for what is known of the servers. */
export function observeMembers(backend: string, metrics: Metrics, members: () => readonly Member[]): (() => void)[] {
  return [
    metrics.source('portolan_upstream_endpoint_up', () =>
      members().map(({ number, role, endpoint }) => ({
        labels: { backend, endpoint: String(number), role },
        value: Number(endpoint.health === 'up' && !endpoint.circuit.isOpen),
      })),
    ),
    metrics.source('portolan_upstream_lag_seconds', () =>
      members()
        .filter(({ role, lagSeconds }) => role === 'replica' && lagSeconds !== null)
        .map(({ number, lagSeconds }) => ({ labels: { backend, endpoint: String(number) }, value: lagSeconds! })),
    ),
  ]
}
