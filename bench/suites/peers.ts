/** The peers that every suite has: HAProxy as a blind relay, and Portolan. */

import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Launch, Peer, Placement } from '../lib/suite.ts'

/** HAProxy in TCP mode with one thread; `global` are further lines of its section of that name. */
export function haproxyTcp(global: readonly string[] = []): Peer {
  return {
    name: 'haproxy',
    version: ['haproxy', '-v'],
    launch: ({ port, backendPort, folder }) => ({
      command: ['haproxy', '-db', '-f', join(folder, 'haproxy.cfg')],
      files: {
        'haproxy.cfg': `
global
${['nbthread 1', ...global].map(line => `  ${line}`).join('\n')}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen backend
  bind 127.0.0.1:${port}
  server backend 127.0.0.1:${backendPort}
`,
      },
    }),
  }
}

/** Portolan from a checkout, or from the entry file of one, with this configuration and further files beside it. */
export function portolanPeer(
  name: string,
  path: string,
  configuration: (placement: Placement) => string,
  files: Readonly<Record<string, string>> = {},
): Peer {
  const entry = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, 'bin/portolan.cjs') : path
  return {
    name,
    launch: (placement): Launch => ({
      command: [placement.node, resolve(entry), 'run', '-c', join(placement.folder, 'portolan.yaml')],
      files: { ...files, 'portolan.yaml': configuration(placement) },
    }),
  }
}
