/** From the options of a backend to its topology. */
import { Circuit, Endpoint, formatAddress } from '../../net/index.ts'
import type { DialerParts } from './dialer.ts'
import { Member } from './member.ts'
import type { EndpointOptions } from './options.ts'
import { PrimaryReplica, type PrimaryReplicaCalls } from './primary-replica.ts'
import { Standalone } from './standalone.ts'
import type { Topology } from './topology.ts'

/** The longest time for which a server that does not answer is left alone: clients may be waiting for it. */
const MAX_OPEN_MS = 1000

export function topologyOf(
  endpoints: readonly EndpointOptions[],
  { name: backend, options, runtime }: Pick<DialerParts, 'name' | 'options' | 'runtime'>,
  calls: Pick<PrimaryReplicaCalls, 'open' | 'onChange'>,
): Topology {
  const { clock, logger, metrics } = runtime
  const members = endpoints.map(
    ({ address, role }, index) =>
      new Member(new Endpoint(address, clock, new Circuit(clock, 0, MAX_OPEN_MS)), index + 1, role),
  )
  if (options.topology === 'standalone') return new Standalone(members, clock)
  const failovers = metrics.cell('portolan_upstream_failovers_total', { backend })
  const { checkInterval, maxReplicaLag, readFrom } = options
  const where = (member: Member | null) => member && formatAddress(member.endpoint.address)
  return new PrimaryReplica(
    members,
    { checkIntervalMs: checkInterval, maxLagMs: maxReplicaLag, fallBack: readFrom !== 'replica' },
    {
      ...calls,
      onPrimary(primary, before) {
        if (!primary) return logger.warn({ backend, before: where(before) }, 'no server can be written to')
        if (before && before !== primary) failovers.value++
        logger.info({ backend, primary: where(primary), before: where(before) }, 'the primary is found')
      },
      onSeveral(able) {
        logger.warn({ backend, servers: able.map(where) }, 'several servers can be written to')
      },
    },
    clock,
  )
}
