// What can stand between a program and its server.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../scripts/ports.mjs'
import { startServer, withFolder } from './processes.mjs'

const projectRoot = fileURLToPath(new URL('../../..', import.meta.url))

/** Portolan in front of a port. `extra` adds options of the listener and the backend, and environment. */
async function startPortolan(protocol, serverPort, extra = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-'))
  const port = await freePort()
  const config = {
    admin: { address: false, ...extra.admin },
    listeners: { main: { protocol, address: `127.0.0.1:${port}`, backend: 'main', ...extra.listener } },
    backends: { main: { protocol, endpoints: [`127.0.0.1:${serverPort}`], ...extra.backend }, ...extra.otherBackends },
  }
  const file = join(dir, 'portolan.yaml')
  writeFileSync(file, JSON.stringify(config, null, 2)) // JSON is YAML
  const bin = process.env['PORTOLAN_BIN'] ?? join(projectRoot, 'bin', 'portolan.cjs')
  const env = { ...process.env, ...extra.env }
  return withFolder(dir, await startServer(process.execPath, [bin, 'run', '-c', file], port, { env }))
}

/** HAProxy as a blind relay: what is lost through it is lost through any proxy. */
async function startHaproxy(_, serverPort) {
  const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-haproxy-'))
  const port = await freePort()
  const file = join(dir, 'haproxy.cfg')
  writeFileSync(
    file,
    `global\n  maxconn 4000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 10m\n  timeout server 10m\n` +
      `listen main\n  bind 127.0.0.1:${port}\n  server main 127.0.0.1:${serverPort}\n`,
  )
  return withFolder(dir, await startServer('haproxy', ['-db', '-f', file], port))
}

/** Each starts one in front of a server's port: `{ port, log(), exited, stop() }`. */
export const proxies = { portolan: startPortolan, haproxy: startHaproxy }
