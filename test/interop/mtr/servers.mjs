// A mariadbd as mysql-test-run.pl would start it, and perhaps Portolan before it in such a way that no test can tell by
// port or socket: the server keeps its names, and Portolan has taken its place there.

import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../scripts/ports.mjs'
import { startServer } from '../lib/processes.mjs'
import { asRoot, optionFile, SUITE_DIR, TLS, templateData } from './suite.mjs'

const projectRoot = fileURLToPath(new URL('../../..', import.meta.url))
/** Servers write a lot that nobody keeps. */
const FAST_TMP = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

const tlsSettings = Object.entries(TLS).map(([name, file]) => `--ssl-${name}=${file}`)

/**
 * Few, so that clients do change connections, and as many as tests hold at a time by open transactions and locks: the
 * hungriest of the main suite have ten sessions that each wait for another.
 */
const UPSTREAM_CONNECTIONS = 12
/** Many tests end by waiting until no more sessions are at the server than at their begin. */
const IDLE_TIMEOUT = '500ms'

/** `{ vardir, port, socket, alive(), log(), stop() }` of a fresh server, and of what `through` puts before it. */
export async function startServers({ version, through, settings, timezone, pooling }) {
  const vardir = mkdtempSync(join(FAST_TMP, 'portolan-mtr-'))
  const datadir = join(vardir, 'mysqld.1', 'data')
  for (const name of ['tmp/mysqld.1', 'log', 'run', 'mysqld.1']) mkdirSync(join(vardir, name), { recursive: true })
  // A copy: the server reads no files outside of this folder (secure_file_priv).
  cpSync(join(SUITE_DIR, 'std_data'), join(vardir, 'std_data'), { recursive: true })
  cpSync(templateData(version), datadir, { recursive: true })
  const port = await freePort()
  const socket = join(vardir, 'tmp', 'mysqld.1.sock')
  const host = through === 'direct' ? '127.0.0.1' : '127.0.0.2'
  writeFileSync(join(vardir, 'my.cnf'), optionFile({ vardir, datadir, port, socket, bind: host }))
  const started = []
  const stop = async () => {
    for (const server of started.reverse()) await server.stop()
    rmSync(vardir, { recursive: true, force: true })
  }
  try {
    const args = [`--defaults-file=${vardir}/my.cnf`, '--defaults-group-suffix=.1', ...asRoot(), ...tlsSettings]
    args.push(...settings.map(setting => setting.replaceAll('$MYSQLTEST_VARDIR', vardir)))
    const env = { ...process.env, TZ: timezone, MYSQLTEST_VARDIR: vardir }
    started.push(await startServer('mariadbd', args, port, { host, env }))
    if (through !== 'direct') {
      const hidden = join(vardir, 'tmp', 'behind.sock')
      renameSync(socket, hidden)
      started.push(await startPortolan(vardir, { port, socket, hidden, pooling }))
    }
  } catch (error) {
    await stop()
    throw error
  }
  let isAlive = true
  for (const { exited } of started) {
    exited.then(() => {
      isAlive = false
    })
  }
  return { vardir, port, socket, alive: () => isAlive, log: () => started.at(-1).log(), stop }
}

/** Clients log in at the server with the names that they give; they have no passwords as long as no test gives them one. */
function startPortolan(vardir, { port, socket, hidden, pooling = 'transaction' }) {
  const tls = { cert: TLS.cert, key: TLS.key }
  const manner = pooling === 'relay' ? { authentication: 'relay' } : { pooling }
  const listener = { protocol: 'mysql', backend: 'server', tls, ...manner }
  const pool = { max: UPSTREAM_CONNECTIONS, idleTimeout: IDLE_TIMEOUT }
  const config = {
    admin: { address: false },
    listeners: {
      tcp: { ...listener, address: `127.0.0.1:${port}` },
      socket: { ...listener, address: `unix:${socket}` },
    },
    backends: { server: { protocol: 'mysql', endpoints: [`unix:${hidden}`], pool } },
  }
  const file = join(vardir, 'portolan.yaml')
  writeFileSync(file, JSON.stringify(config, null, 2)) // JSON is YAML
  const bin = process.env['PORTOLAN_BIN'] ?? join(projectRoot, 'bin', 'portolan.cjs')
  return startServer(process.execPath, [bin, 'run', '-c', file], port)
}
