/**
 * Clients that go away at any byte, over four connections: whatever each was in the middle of, all connections are free
 * afterwards, no lock is left, and others are served. `VANISHING_CLIENTS` names how many, for a longer run.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  CLIENT_CONNECT_WITH_DB,
  CLIENT_LOCAL_FILES,
  CLIENT_MULTI_STATEMENTS,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PROTOCOL_41,
  CLIENT_RESERVED2,
  COM_CHANGE_USER,
  COM_INIT_DB,
  COM_QUERY,
  COM_QUIT,
  COM_RESET_CONNECTION,
  COM_STMT_CLOSE,
  COM_STMT_EXECUTE,
  COM_STMT_FETCH,
  COM_STMT_PREPARE,
  COM_STMT_SEND_LONG_DATA,
  encodePacket,
} from '../../../codecs/mysql/index.ts'
import { Client } from '../../codecs/mysql/client.ts'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import { type Portolan, until } from '../../support/portolan.ts'

const COUNT = Number(process.env['VANISHING_CLIENTS'] ?? 300)
const AT_ONCE = 24
const CONNECTIONS = 4
const CAPABILITIES =
  CLIENT_PROTOCOL_41 |
  CLIENT_RESERVED2 |
  CLIENT_PLUGIN_AUTH |
  CLIENT_CONNECT_WITH_DB |
  CLIENT_LOCAL_FILES |
  CLIENT_MULTI_STATEMENTS

const rig = new MysqlRig()
let server: MariadbServer
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  server = await startMariadb({
    sql: [
      'CREATE DATABASE other',
      'CREATE TABLE app.t (id INT PRIMARY KEY, c INT)',
      'INSERT INTO app.t VALUES (1, 0), (2, 0), (3, 0)',
      'CREATE TABLE app.file (line VARCHAR(100))',
    ],
  })
})
afterAll(() => server.stop())
afterEach(() => rig.close())

const below = (n: number) => Math.floor(Math.random() * n)
const oneOf = <T>(items: readonly T[]): T => items[below(items.length)]!
/** Small numbers as often as large ones. */
const bytesUpTo = (max: number) => Math.floor(Math.exp(Math.random() * Math.log(max)))

/** How a connection ends: FIN both ways, RST, or FIN one way while the other side is not read any more. */
const ENDS: readonly ((socket: Socket) => void)[] = [
  socket => socket.destroy(),
  socket => socket.resetAndDestroy(),
  socket => socket.pause().end(),
]

/** Passes a number of bytes one way or the other, and then the client has gone. */
function mortal(client: Socket, port: number): void {
  const toProxy = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const end = oneOf(ENDS)
  let sent = below(2) === 0 ? bytesUpTo(30_000) : Number.POSITIVE_INFINITY
  let received = Number.isFinite(sent) && below(2) === 0 ? Number.POSITIVE_INFINITY : bytesUpTo(300_000)
  let isOver = false
  const die = () => {
    if (isOver) return
    isOver = true
    end(toProxy)
    client.destroy()
  }
  client.on('error', die).on('close', die)
  toProxy
    .on('error', die)
    .on('end', () => toProxy.destroy())
    .on('close', die)
  client.on('data', bytes => {
    toProxy.write(bytes.subarray(0, Math.max(0, sent)))
    sent -= bytes.length
    if (sent <= 0) die()
  })
  toProxy.on('data', bytes => {
    if (!isOver) client.write(bytes)
    received -= bytes.length
    if (received <= 0) die()
  })
}

async function startMortality(port: number) {
  const relay = createServer(socket => mortal(socket, port)).listen(0, '127.0.0.1')
  await once(relay, 'listening')
  return { port: (relay.address() as AddressInfo).port, close: () => relay.close() }
}

const command = (code: number, ...parts: readonly (Buffer | string)[]) =>
  Buffer.concat([Buffer.of(code), ...parts.map(part => Buffer.from(part as string))])
const int = (n: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(n)
  return bytes
}

/** What a client may be in the middle of. */
const STEPS: readonly ((client: Client) => Promise<unknown>)[] = [
  client => client.query('SELECT 1'),
  client => client.query('SELECT SLEEP(0.02)'),
  client => client.query('SELECT nothing'),
  client => client.query("SELECT CAST('a' AS INT)"),
  client => client.query("SELECT seq, REPEAT('x', 200) FROM seq_1_to_5000"),
  client => client.query(`SELECT LENGTH('${'x'.repeat(300_000)}')`),
  client => client.query(`SET time_zone = '+0${below(9)}:00'`),
  client => client.query('SET @@sql_select_limit = 1000'),
  client => client.query(oneOf(['SET NAMES latin1', 'SET NAMES utf8mb4 COLLATE utf8mb4_bin'])),
  client => client.query(`SET autocommit = ${below(2)}`),
  client => client.query('SELECT GET_LOCK("lock", 0)'),
  client => client.query('CREATE TEMPORARY TABLE IF NOT EXISTS mine (a INT)'),
  client => client.query('SELECT LAST_INSERT_ID()'),
  client => client.query('SELECT 1; SELECT SLEEP(0.01); SELECT 2'),
  client => client.query('DO 1; SELECT nothing; DO 2'),
  client => client.command(command(COM_INIT_DB, oneOf(['app', 'other', 'missing']))),
  client => client.command(command(COM_RESET_CONNECTION)),
  client =>
    client.command(changeUser(oneOf(['app', 'nobody'])), 0, ({ sequence }) =>
      encodePacket(sequence + 1, Buffer.alloc(below(2) * 20)),
    ),
  async client => {
    await client.query('BEGIN')
    await client.query(`UPDATE app.t SET c = c + 1 WHERE id = ${1 + below(3)}`)
    await client.query(oneOf(['COMMIT', 'ROLLBACK']))
  },
  async client => {
    const load = command(COM_QUERY, "LOAD DATA LOCAL INFILE 'any' INTO TABLE app.file")
    const file = [encodePacket(2, Buffer.from('a line\n'.repeat(5000))), encodePacket(3, Buffer.alloc(0))]
    await client.command(load, 0, () => Buffer.concat(file))
  },
  async client => {
    const { tracker } = await client.command(command(COM_STMT_PREPARE, oneOf(STATEMENTS)))
    const id = tracker.statementId
    if (below(2) === 0) client.send(command(COM_STMT_SEND_LONG_DATA, int(id), Buffer.alloc(2), 'x'.repeat(1000)))
    const cursor = Buffer.of(below(2))
    const values = [Buffer.of(0, 1, 0xfc, 0, 3), 'abc']
    await client.command(command(COM_STMT_EXECUTE, int(id), cursor, int(1), ...values))
    if (cursor[0] === 1) await client.command(command(COM_STMT_FETCH, int(id), int(3)))
    client.send(command(COM_STMT_CLOSE, int(id)))
  },
  async client =>
    client.command(command(COM_QUERY, `KILL ${oneOf(['', 'QUERY '])}${client.greeting.connectionId - below(20)}`)),
  async client => client.send(command(COM_QUERY, 'SELECT SLEEP(0.01)')),
  async client => {
    client.send(command(COM_QUERY, 'SELECT SLEEP(10)'))
    client.send(command(COM_QUIT))
    client.close()
  },
  async client => {
    client.send(command(COM_QUIT))
    await client.closed()
  },
]

const STATEMENTS = [
  'SELECT ? AS a',
  'SELECT seq, ? FROM seq_1_to_100',
  'INSERT INTO app.file VALUES (?)',
  'SELECT nothing, ?',
]

const changeUser = (user: string) =>
  command(COM_CHANGE_USER, user, '\0', Buffer.of(0), 'app\0', Buffer.of(45, 0), 'mysql_native_password\0')

async function live(port: number): Promise<void> {
  let client: Client | undefined
  try {
    client = await Client.login(
      { port, database: oneOf(['', 'app', 'other']) },
      { capabilities: { low: CAPABILITIES >>> 0, mariadb: 0 } },
    )
    for (;;) await oneOf(STEPS)(client)
  } catch {
    // It has died.
  } finally {
    client?.close()
  }
}

async function isFree(portolan: Portolan): Promise<void> {
  await until(() => portolan.connections() === 0, 'all clients have gone')
  await until(() => portolan.metric('portolan_upstream_in_flight') === 0, 'all connections are free')
  expect(portolan.metric('portolan_upstream_queue')).toBe(0)
  expect(portolan.metric('portolan_pinned_sessions')).toBe(0)
  const clients = await rig.clients(CONNECTIONS, portolan)
  for (const client of clients) await client.beginTransaction()
  for (const client of clients) expect(await value(client, 'SELECT COUNT(*) FROM t')).toBe(3)
  for (const client of clients) await client.rollback()
  const direct = await rig.client(server.port)
  await direct.query('SET SESSION lock_wait_timeout = 1')
  await direct.query('ALTER TABLE t COMMENT = "nobody has it"')
  expect(await value(direct, 'SELECT IS_FREE_LOCK("lock")')).toBe(1)
}

const backend = {
  credentials: { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } },
  pool: { max: CONNECTIONS, waitTimeout: '5s' },
}

test.each(['transaction', 'session'])(
  'pooling: %s',
  async pooling => {
    const portolan = await rig.portolan(server.port, { listener: { pooling }, backend })
    const mortality = await startMortality(portolan.port())
    let left = COUNT
    const lives = Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await live(mortality.port)
    })
    await Promise.all(lives)
    mortality.close()
    await isFree(portolan)
  },
  600_000,
)

const login = (portolan: Portolan) =>
  Client.login({ port: portolan.port(), database: 'app' }, { capabilities: { low: CAPABILITIES >>> 0, mariadb: 0 } })

test('a client that does not say who it is now: others have its connection, and it is closed', async () => {
  const portolan = await rig.portolan(server.port, {
    listener: { authenticationTimeout: '3s' },
    backend: { ...backend, pool: { max: 1, waitTimeout: '2s' } },
  })
  const client = await login(portolan)
  await client.run('SET @mine = 1')
  await expect(client.command(changeUser('app'))).rejects.toThrow('awaits auth')
  expect(await value(await rig.client(portolan), 'SELECT 1')).toBe(1)
  await client.closed()
})

test('the last cursor is closed behind SET NAMES, whose collation is not known yet: others have the connection', async () => {
  const portolan = await rig.portolan(server.port, { backend: { ...backend, pool: { max: 1, waitTimeout: '2s' } } })
  const client = await login(portolan)
  const { tracker } = await client.command(command(COM_STMT_PREPARE, 'SELECT seq FROM seq_1_to_100'))
  const id = int(tracker.statementId)
  await client.command(command(COM_STMT_EXECUTE, id, Buffer.of(1), int(1)))
  await client.run('SET NAMES latin1')
  client.send(command(COM_STMT_CLOSE, id))
  expect(await value(await rig.client(portolan), 'SELECT 1')).toBe(1)
  expect((await client.run('SELECT 1')).tracker.error).toBeNull()
})
