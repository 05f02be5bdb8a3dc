// The servers that programs are compared before: fresh ones, on free loopback ports.

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../../scripts/ports.mjs'
import { startMariadb11 } from './mariadb11.mjs'
import { startMysql9 } from './mysql9.mjs'
import { startServer, withFolder } from './processes.mjs'
import { support } from './support.mjs'

/** A private redis-server that allows DEBUG, MODULE and protected settings; further arguments as on its command line. */
async function startRedis({ args: extra = [] } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-redis-'))
  const port = await freePort()
  const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', dir]
  args.push('--unixsocket', join(dir, 'redis.sock'))
  for (const group of ['protected-configs', 'debug-command', 'module-command']) args.push(`--enable-${group}`, 'yes')
  return withFolder(dir, await startServer('redis-server', [...args, ...extra].map(String), port))
}

/** The server of a name: `{ port, log(), exited, stop() }`. What a test may say of it, an argument of its module says too. */
export const servers = {
  redis: startRedis,
  mariadb: async options => supervised(await (await support('support/mariadb-server.ts')).startMariadb(options)),
  mariadb11: startMariadb11,
  mysql9: startMysql9,
}

function supervised(server) {
  // Tests see to the end of these themselves; what they say goes into the reason of a failed start.
  return { port: server.port, log: () => '', exited: new Promise(() => {}), stop: () => server.stop() }
}
