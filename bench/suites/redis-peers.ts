/** How the Redis suite starts its backend and its peers: near their defaults, one thread, one upstream. */

import { join } from 'node:path'
import type { Peer } from '../lib/suite.ts'
import { haproxyTcp, portolanPeer } from './peers.ts'

export const redisServer = {
  name: 'redis',
  version: ['redis-server', '--version'],
  launch: ({ port, folder }) => ({
    command: [
      ...['redis-server', '--bind', '127.0.0.1', '--port', `${port}`, '--dir', folder],
      ...['--save', '', '--appendonly', 'no', '--maxclients', '15000'],
    ],
  }),
} satisfies Peer

export const direct: Peer = { name: 'direct' }

export const haproxy = haproxyTcp()

export const twemproxy: Peer = {
  name: 'twemproxy',
  version: ['nutcracker', '-V'],
  launch: ({ port, adminPort, backendPort, folder }) => ({
    command: ['nutcracker', '-m', '512', '-a', '127.0.0.1', '-s', `${adminPort}`, '-c', join(folder, 'nutcracker.yml')],
    files: {
      'nutcracker.yml': `
redis:
  listen: 127.0.0.1:${port}
  redis: true
  hash: fnv1a_64
  distribution: ketama
  backlog: 1024
  preconnect: true
  auto_eject_hosts: false
  servers:
    - 127.0.0.1:${backendPort}:1
`,
    },
  }),
}

/** Portolan from a checkout, or from the entry file of one. */
export function portolan(name: string, path: string): Peer {
  return portolanPeer(
    name,
    path,
    ({ port, adminPort, backendPort }) => `
listeners:
  cache: { protocol: redis, address: 127.0.0.1:${port}, backend: cache }
backends:
  cache: { protocol: redis, endpoints: [127.0.0.1:${backendPort}] }
admin: { address: 127.0.0.1:${adminPort} }
`,
  )
}
