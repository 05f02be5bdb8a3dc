/** How the MySQL suite starts HAProxy and Portolan: near their defaults, one thread. */

import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Peer } from '../lib/suite.ts'
import { ACCOUNT } from './mysql-client.ts'

export const haproxy: Peer = {
  name: 'haproxy',
  version: ['haproxy', '-v'],
  launch: ({ port, backendPort, folder }) => ({
    command: ['haproxy', '-db', '-f', join(folder, 'haproxy.cfg')],
    files: {
      'haproxy.cfg': `
global
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen mysql
  bind 127.0.0.1:${port}
  server mysql 127.0.0.1:${backendPort}
`,
    },
  }),
}

/** The ways in which Portolan serves clients: everything else is the default. */
const MODES = [
  { suffix: 'session', pooling: 'session', pool: '{}' },
  { suffix: 'transaction', pooling: 'transaction', pool: '{}' },
  { suffix: 'pool20', pooling: 'transaction', pool: '{ max: 20 }' },
] as const

/** Portolan from a checkout, or from the entry file of one, in each mode. */
export function portolans(path: string, variant = ''): Peer[] {
  const entry = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, 'bin/portolan.cjs') : path
  return MODES.map(({ suffix, pooling, pool }) => ({
    name: `portolan-${suffix}${variant === '' ? '' : `:${variant}`}`,
    launch: ({ port, adminPort, backendPort, folder, node }) => ({
      command: [node, resolve(entry), 'run', '-c', join(folder, 'portolan.yaml')],
      files: {
        password: ACCOUNT,
        'portolan.yaml': `
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
      },
    }),
  }))
}
