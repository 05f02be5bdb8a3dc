import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ControlConnection, ControlError } from '../../../src/backends/mysql/control.ts'
import { type ProbeTarget, probe } from '../../../src/backends/mysql/probe.ts'
import { productOf, replicationOf } from '../../../src/backends/mysql/server-facts.ts'
import type { Address, ClientTlsOptions } from '../../../src/config/index.ts'
import { type ClientTls, openClientTls } from '../../../src/net/index.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import type { EndpointProbe } from '../../../src/protocol.ts'
import { Authority } from '../../net/certificates.ts'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'

const ACCOUNTS = [
  "CREATE USER tls@'%' IDENTIFIED BY 'right' REQUIRE SSL",
  "CREATE USER locked@'%' IDENTIFIED BY 'right' ACCOUNT LOCK",
  "CREATE USER expired@'%' IDENTIFIED BY 'right' PASSWORD EXPIRE",
  "CREATE USER busy@'%' IDENTIFIED BY 'right' WITH MAX_USER_CONNECTIONS 1",
  "CREATE USER plain@'%' IDENTIFIED BY 'right'",
  'INSTALL SONAME "auth_ed25519"',
  "CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('right')",
  'INSTALL SONAME "auth_pam_v1"',
  "CREATE USER pam@'%' IDENTIFIED VIA pam",
]

let authority: Authority
let server: MariadbServer
const opened: (() => unknown)[] = []

beforeAll(async () => {
  authority = new Authority()
  const { cert, key } = authority.issue('server', 'server', 'IP:127.0.0.1,DNS:db.example')
  server = await startMariadb({ sql: ACCOUNTS, tls: { cert, key, ca: authority.cert } })
})

afterAll(async () => {
  for (const close of opened.splice(0)) close()
  await server.stop()
  authority.remove()
})

function tls(options: Partial<ClientTlsOptions> = {}): ClientTls {
  const context = openClientTls({ ca: authority.cert, verify: true, minVersion: 'TLSv1.2', ...options }, silentLogger)
  opened.push(() => context.close())
  return context
}

const ROOT = { tls: undefined, username: 'root', password: '', timeoutMs: 5_000 }

interface Wish {
  readonly username?: string
  readonly password?: string
  readonly tls?: ClientTls
  readonly address?: Address
  readonly timeoutMs?: number
}

async function look(wish: Wish = {}): Promise<EndpointProbe> {
  const { username = 'plain', password = 'right', address = { host: server.host, port: server.port } } = wish
  const account = { username, password: async () => password }
  const target: ProbeTarget = { account, tls: wish.tls, timeoutMs: wish.timeoutMs ?? 5_000 }
  const { ok, endpoints } = await probe([address], target)
  expect(ok).toBe(endpoints[0]!.ok)
  return endpoints[0]!
}

test('tells version, role, limits and how long an answer takes', async () => {
  const result = await look({ username: 'app', password: 'app' })
  expect(result).toMatchObject({
    ok: true,
    address: `127.0.0.1:${server.port}`,
    version: expect.stringMatching(/^MariaDB \d+\.\d+\.\d+$/),
    topology: 'primary, read-write',
    facts: {
      TLS: 'no',
      max_connections: expect.stringMatching(/^151, \d+ in use$/),
      max_prepared_stmt_count: '16382',
      wait_timeout: '28800',
    },
  })
  expect(result.latencyMs).toBeGreaterThan(0)
})

test('logs in with the plugin of the account', async () => {
  expect(await look({ username: 'ed' })).toMatchObject({ ok: true })
})

test('goes by unix socket, and says where the account may not see', async () => {
  const result = await look({ address: { path: server.socketPath } })
  expect(result).toMatchObject({ ok: true, topology: 'primary or replica: the account may not see, read-write' })
})

test('does TLS by the names and addresses of this backend', async () => {
  expect(await look({ tls: tls(), username: 'tls' })).toMatchObject({ ok: true, facts: { TLS: 'TLSv1.3' } })
  expect(await look({ tls: tls({ serverName: 'db.example' }) })).toMatchObject({ ok: true })
  const other = new Authority()
  const cases = [tls({ serverName: 'other.example' }), tls({ ca: undefined }), tls({ ca: other.cert })]
  other.remove()
  for (const context of cases) {
    const { failure } = await look({ tls: context })
    expect(failure).toMatchObject({ stage: 'tls', next: expect.stringContaining('`ca`') })
  }
  expect(await look({ tls: tls({ ca: undefined, verify: false }) })).toMatchObject({ ok: true })
})

describe('of a failure it tells stage, cause and what to do:', () => {
  test.each<[string, Wish, string, RegExp, RegExp]>([
    ['wrong password', { password: 'wrong' }, 'authenticate', /Access denied.*1045/, /credentials.*requires TLS/],
    ['no such account', { username: 'nobody' }, 'authenticate', /Access denied.*1045/, /credentials\.username/],
    ['account wants TLS', { username: 'tls' }, 'authenticate', /Access denied/, /requires TLS.*tls: \{\}/],
    ['locked account', { username: 'locked' }, 'authenticate', /locked/, /unlock/],
    ['expired password', { username: 'expired' }, 'query', /expired|password/i, /set a new password/],
    ['plugin unknown to us', { username: 'pam' }, 'authenticate', /plugin dialog/, /mysql_native_password/],
    ['nothing there', { address: { host: '127.0.0.1', port: 1 } }, 'connect', /refused/, /start the service/],
    ['no such name', { address: { host: 'no.such.invalid', port: 1 } }, 'resolve', /DNS/, /host name/],
    ['no such socket', { address: { path: '/no/such/socket' } }, 'connect', /no such socket/, /start the service/],
  ])('%s', async (_, wish, stage, cause, next) => {
    const { ok, failure } = await look(wish)
    expect(ok).toBe(false)
    expect(failure).toMatchObject({
      stage,
      cause: expect.stringMatching(cause),
      next: expect.stringMatching(next),
    })
  })

  test('too many connections of the account', async () => {
    const address = { host: server.host, port: server.port }
    const target = { address, tls: undefined, username: 'busy', password: 'right', timeoutMs: 5_000 }
    const first = await ControlConnection.open(target)
    opened.push(() => first.close())
    expect((await look({ username: 'busy' })).failure).toMatchObject({
      stage: 'authenticate',
      next: expect.stringContaining('limit'),
    })
  })

  test('a server that insists on TLS', async () => {
    const address = { path: server.socketPath }
    const root = await ControlConnection.open({ ...ROOT, address })
    opened.push(() => root.close())
    await root.query('SET GLOBAL require_secure_transport = ON')
    const { failure } = await look()
    await root.query('SET GLOBAL require_secure_transport = OFF')
    expect(failure).toMatchObject({ stage: 'authenticate', next: expect.stringContaining('`tls: {}`') })
  })

  test('an account that wants the password in clear where others could read it', async () => {
    const clear = await startMariadb({
      args: ['--plugin-load-add=auth_pam_v1', '--pam-use-cleartext-plugin=ON', '--ssl=OFF'],
      sql: ["CREATE USER pam@'%' IDENTIFIED VIA pam"],
    })
    opened.push(() => clear.stop())
    const inClear = await look({ username: 'pam', address: { host: clear.host, port: clear.port } })
    expect(inClear.failure).toMatchObject({ cause: expect.stringContaining('in clear (mysql_clear_password)') })
    expect(inClear.failure!.next).toContain('TLS')
    // By the socket it is sent, and the server has its own reason not to like it.
    const bySocket = await look({ username: 'pam', address: { path: clear.socketPath } })
    expect(bySocket.failure!.cause).toContain('1045')
  })

  test('a server without TLS, and without a place', async () => {
    const small = await startMariadb({ args: ['--max-connections=10', '--ssl=OFF'] })
    opened.push(() => small.stop())
    const address = { host: small.host, port: small.port }
    expect((await look({ address, tls: tls() })).failure).toMatchObject({
      stage: 'tls',
      cause: expect.stringContaining('does not offer it'),
    })
    const target = { address, tls: undefined, username: 'app', password: 'app', timeoutMs: 5_000 }
    const held: ControlConnection[] = []
    let full: unknown
    while (!full) {
      await ControlConnection.open(target).then(
        connection => held.push(connection),
        error => {
          full = error
        },
      )
    }
    expect(full).toMatchObject({ stage: 'authenticate', number: 1040 })
    const { failure } = await look({ address, username: 'app', password: 'app' })
    expect(failure).toMatchObject({ stage: 'authenticate', next: expect.stringContaining('max_connections') })
    const bare = await probe([address], { account: undefined, tls: undefined, timeoutMs: 5_000 })
    expect(bare.endpoints[0]!.failure).toMatchObject({ next: expect.stringContaining('max_connections') })
    for (const connection of held) connection.close()
  })

  test.each<[string, (socket: Socket) => void, RegExp]>([
    ['says nothing', () => {}, /not over within 300 ms/],
    ['closes', socket => socket.destroy(), /closed the connection/],
    ['speaks another protocol', socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), /closed the connection/],
  ])('a peer that %s', async (_, onConnection, cause) => {
    const peer = await listening(onConnection)
    const address = { host: '127.0.0.1', port: peer.port }
    const { failure } = await look({ address, timeoutMs: 300 })
    expect(failure).toMatchObject({ stage: 'authenticate', cause: expect.stringMatching(cause) })
  })

  test('a secret that cannot be read', async () => {
    const account = { username: 'app', password: () => Promise.reject(new Error('NAME is not set')) }
    const { endpoints } = await probe([{ host: server.host, port: server.port }], {
      account,
      tls: undefined,
      timeoutMs: 1,
    })
    expect(endpoints[0]!.failure).toMatchObject({
      cause: 'NAME is not set',
      next: expect.stringContaining('secret must be there'),
    })
  })
})

test('without credentials it looks at the greeting only', async () => {
  const address = { host: server.host, port: server.port }
  const { endpoints } = await probe([address], { account: undefined, tls: undefined, timeoutMs: 5_000 })
  expect(endpoints[0]).toMatchObject({
    ok: true,
    version: expect.stringMatching(/^MariaDB \d/),
    facts: { login: expect.stringContaining('not tried') },
  })
})

test('a replica tells where it replicates from, that it is read-only, and whether it runs', async () => {
  const replica = await startMariadb({
    args: ['--server-id=7', '--read-only=ON', '--skip-slave-start'],
    sql: ["CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1, MASTER_USER='x', MASTER_PASSWORD='x'"],
  })
  opened.push(() => replica.stop())
  const address = { host: replica.host, port: replica.port }
  expect(await look({ address, username: 'app', password: 'app' })).toMatchObject({
    topology: 'replica of 127.0.0.1:1, read-only',
    facts: { replication: 'stopped' },
  })
})

test('a control connection survives a refused statement, tells of its loss, and ends every wait', async () => {
  const address = { host: server.host, port: server.port }
  const target = { address, tls: tls(), username: 'app', password: 'app', timeoutMs: 5_000 }
  const [one, other] = [await ControlConnection.open(target), await ControlConnection.open(target)]
  opened.push(
    () => one.close(),
    () => other.close(),
  )
  const [row] = await one.query('SELECT CONNECTION_ID() AS id, NULL AS nothing')
  expect(row).toEqual({ id: expect.stringMatching(/^\d+$/), nothing: null })
  const id = Number(row!['id'])
  const slept = expect(one.query('SELECT SLEEP(60)')).rejects.toMatchObject({ stage: 'query', number: 1317 })
  await until(
    async () =>
      (await other.query(`SELECT 1 FROM information_schema.processlist WHERE id = ${id} AND state = 'User sleep'`))
        .length > 0,
  )
  await other.query(`KILL QUERY ${id}`)
  await slept
  expect(await one.query('SELECT 1 AS n')).toEqual([{ n: '1' }])
  await other.query(`KILL ${id}`)
  await expect(one.query('SELECT 1')).rejects.toBeInstanceOf(ControlError)

  const impatient = await ControlConnection.open({ ...target, timeoutMs: 1_000 })
  opened.push(() => impatient.close())
  await expect(impatient.query('SELECT SLEEP(60)')).rejects.toMatchObject({ stage: 'query', code: 'upstream-timeout' })
})

test.each([
  [{ version: '9.7.4', version_comment: 'MySQL Community Server - GPL' }, 'MySQL 9.7.4'],
  [{ version: '10.11.19-MariaDB-0+deb12u1', version_comment: 'Debian 12' }, 'MariaDB 10.11.19'],
  [{ version: '5.5.5-10.6.1-MariaDB-log' }, 'MariaDB 10.6.1'],
  [{ version: '8.0.36-28', version_comment: 'Percona Server (GPL), Release 28' }, 'Percona Server 8.0.36-28'],
  [{ version: '8.0.11-TiDB-v7.5.0', version_comment: 'TiDB Server (Apache License 2.0)' }, 'TiDB 7.5.0'],
  [
    { version: '8.0.32', aurora_version: '3.05.2', version_comment: 'Source distribution' },
    'Aurora MySQL 3.05.2 (MySQL 8.0.32)',
  ],
  [{ version: '8.0.30-Vitess', version_comment: 'Version: 22.0.0' }, 'Vitess 8.0.30'],
  [{ version: '5.7.25-OceanBase-v4.3.1.0' }, 'OceanBase 4.3.1.0'],
])('%o is %s', (variables, product) => {
  expect(productOf(new Map(Object.entries(variables)))).toBe(product)
})

test('replication is read in the words of both products', () => {
  const newer = {
    Source_Host: 'a',
    Source_Port: '1',
    Replica_IO_Running: 'Yes',
    Replica_SQL_Running: 'Yes',
    Seconds_Behind_Source: '3',
  }
  const older = {
    Master_Host: 'a',
    Master_Port: '1',
    Slave_IO_Running: 'Connecting',
    Slave_SQL_Running: 'Yes',
    Seconds_Behind_Master: null,
  }
  expect(replicationOf(newer)).toEqual({ source: 'a:1', running: true, stopped: false, lagSeconds: 3 })
  expect(replicationOf(older)).toEqual({ source: 'a:1', running: false, stopped: false, lagSeconds: null })
})

async function listening(onConnection: (socket: Socket) => void): Promise<{ port: number }> {
  const sockets = new Set<Socket>()
  const peer: Server = createServer(socket => {
    sockets.add(socket.on('error', () => {}))
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  await once(peer, 'listening')
  opened.push(() => {
    for (const socket of sockets) socket.destroy()
    peer.close()
  })
  return { port: (peer.address() as { port: number }).port }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 10))
}
