/** How the MySQL suite starts HAProxy and Portolan: near their defaults, one thread. */

import { join } from 'node:path'
import type { Peer } from '../lib/suite.ts'
import { ACCOUNT } from './mysql-client.ts'
import { haproxyTcp, portolanPeer } from './peers.ts'

export const haproxy = haproxyTcp(['maxconn 4000'])

/** The ways in which Portolan serves clients: everything else is the default. */
const MODES = [
  { suffix: 'session', pooling: 'session', pool: '{}' },
  { suffix: 'transaction', pooling: 'transaction', pool: '{}' },
  { suffix: 'pool20', pooling: 'transaction', pool: '{ max: 20 }' },
] as const

/** Portolan from a checkout, or from the entry file of one, in each mode. */
export function portolans(path: string, variant = ''): Peer[] {
  return MODES.map(({ suffix, pooling, pool }) =>
    portolanPeer(
      `portolan-${suffix}${variant === '' ? '' : `:${variant}`}`,
      path,
      ({ port, adminPort, backendPort, folder }) => `
listeners:
  orders: { protocol: mysql, address: 127.0.0.1:${port}, backend: orders, pooling: ${pooling} }
backends:
  orders:
    protocol: mysql
    endpoints: [127.0.0.1:${backendPort}]
    credentials: { username: ${ACCOUNT}, password: { file: ${join(folder, 'password')} } }
    pool: ${pool}
admin: { address: 127.0.0.1:${adminPort} }
`,
      { password: ACCOUNT },
    ),
  )
}
