/** Commands that change the session itself, and those that merely pass, of clients that share connections. */
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  CLIENT_CONNECT_WITH_DB,
  CLIENT_MULTI_RESULTS,
  CLIENT_MULTI_STATEMENTS,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PROTOCOL_41,
  CLIENT_RESERVED2,
  CLIENT_TRANSACTIONS,
  COM_BINLOG_DUMP,
  COM_CHANGE_USER,
  COM_DEBUG,
  COM_PING,
  COM_PROCESS_INFO,
  COM_PROCESS_KILL,
  COM_QUERY,
  COM_REFRESH,
  COM_SET_OPTION,
  COM_STATISTICS,
  type ErrorPacket,
  encodeChangeUser,
} from '../../../codecs/mysql/index.ts'
import { Client } from '../../codecs/mysql/client.ts'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, row, value } from '../../support/mysql.ts'
import type { Portolan } from '../../support/portolan.ts'
import { TamperingProxy } from '../../support/tampering-proxy.ts'

const rig = new MysqlRig()
const clients: Client[] = []
let server: MariadbServer
let portolan: Portolan
const backend = { credentials: { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }, pool: { max: 1 } }
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  server = await startMariadb({ args: ['--log-bin', '--server-id=1'] })
})
afterAll(() => server.stop())
beforeEach(async () => {
  portolan = await rig.portolan(server.port, { backend })
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await rig.close()
})

const PLAIN =
  (CLIENT_PROTOCOL_41 |
    CLIENT_RESERVED2 |
    CLIENT_TRANSACTIONS |
    CLIENT_PLUGIN_AUTH |
    CLIENT_MULTI_RESULTS |
    CLIENT_CONNECT_WITH_DB) >>>
  0

async function raw(low = PLAIN): Promise<Client> {
  const client = await Client.login({ port: portolan.port(), database: 'app' }, { capabilities: { low, mariadb: 0 } })
  clients.push(client)
  return client
}

const errorOf = async (sent: ReturnType<Client['query']>): Promise<ErrorPacket | null> => (await sent).tracker.error

test('COM_SET_OPTION concerns the client that sends it, on whatever connection', async () => {
  const [one, many] = [await raw(), await raw((PLAIN | CLIENT_MULTI_STATEMENTS) >>> 0)]
  const both = 'SELECT 1; SELECT 2'
  for (let i = 0; i < 2; i++) {
    expect(await errorOf(one.query(both))).toMatchObject({ code: 1064 })
    expect((await many.run(both)).tracker.results).toBe(2)
  }
  expect((await one.command(Buffer.of(COM_SET_OPTION, 0, 0))).packets).toEqual([Buffer.of(0xfe, 0, 0, 2, 0)])
  await many.command(Buffer.of(COM_SET_OPTION, 1, 0))
  for (let i = 0; i < 2; i++) {
    expect((await one.run(both)).tracker.results).toBe(2)
    expect(await errorOf(many.query(both))).toMatchObject({ code: 1064 })
  }
  expect(portolan.metric('portolan_pinned_sessions', { reason: 'unexplained-state' })).toBe(0)
  expect(await errorOf(one.command(Buffer.of(COM_SET_OPTION, 7, 0)))).toMatchObject({ code: 1047 })
})

test('COM_CHANGE_USER to a database that is not there: the error of the server, in its place', async () => {
  const client = await raw()
  const change = { user: 'app', proof: Buffer.alloc(0), collation: 45, authPlugin: 'mysql_native_password' }
  const packet = encodeChangeUser({ ...change, database: 'nowhere', attributes: [] }, client.capabilities)
  client.send(packet.subarray(4))
  // Throws when the sequence id is not the next one.
  const { tracker } = await client.receive(COM_CHANGE_USER, 0, () => Buffer.of(0, 0, 0, 2))
  expect(tracker.error).toMatchObject({ code: 1049, sqlState: '42000' })
})

test('a refused COM_CHANGE_USER: with MariaDB the client stays who it was, in a fresh session, three times', async () => {
  const client = await rig.client(portolan)
  await client.query('CREATE TEMPORARY TABLE mine (n INT)')
  const there = { user: 'app', password: 'app', database: 'app' }
  for (const errno of [1049, 1049, 1049, 1047, 1047]) {
    await client.query("SET @x = 1, time_zone = '+03:00'")
    await expect(client.changeUser({ ...there, database: 'nowhere' })).rejects.toMatchObject({ errno })
    const left = await row(client, "SELECT DATABASE() AS db, @x IS NULL AND @@time_zone = 'SYSTEM' AS fresh")
    expect(left).toEqual({ db: 'app', fresh: 1 })
    await expect(client.query('SELECT * FROM mine')).rejects.toMatchObject({ errno: 1146 })
  }
  await expect(client.changeUser(there)).rejects.toMatchObject({ errno: 1047 })
})

test('a refused COM_CHANGE_USER: MySQL closes', async () => {
  const proxy = await TamperingProxy.start(server.port)
  proxy.onResponse = bytes => Buffer.from(bytes.toString('latin1').replaceAll('MariaDB', 'MySQL__'), 'latin1')
  const client = await rig.client(await rig.portolan(proxy.port, { backend }))
  const gone = once(client, 'end')
  await expect(client.changeUser({ user: 'app', database: 'nowhere' })).rejects.toMatchObject({ errno: 1049 })
  await gone
  proxy.close()
})

test('a database that is gone is told in the words of the server, and the client goes on', async () => {
  const [a, b] = await rig.clients(2, portolan)
  await a!.query('CREATE DATABASE passing')
  await a!.query('USE passing')
  await b!.query('DROP DATABASE passing')
  await expect(a!.query('SELECT 1')).rejects.toMatchObject({ errno: 1049 })
  await a!.query('USE app')
  expect(await value(a!, 'SELECT DATABASE()')).toBe('app')
})

test('COM_PROCESS_KILL ends a client by the number that it knows', async () => {
  const [victim, other] = [await raw(), await raw()]
  const id = Buffer.alloc(5)
  id[0] = COM_PROCESS_KILL
  id.writeUInt32LE(victim.greeting.connectionId, 1)
  expect(await errorOf(other.command(id))).toBeNull()
  await victim.closed()
  // Nobody has that number: the server says so.
  id.writeUInt32LE(4_000_000_000, 1)
  expect(await errorOf(other.command(id))).toMatchObject({ code: 1094 })
})

test('what asks the server something passes, and ties nobody', async () => {
  const client = await raw()
  for (const command of [COM_PING, COM_DEBUG, COM_STATISTICS, COM_PROCESS_INFO]) {
    expect(await errorOf(client.command(Buffer.of(command)))).toBeNull()
  }
  const REFRESH_LOG = 2
  expect(await errorOf(client.command(Buffer.of(COM_REFRESH, REFRESH_LOG)))).toBeNull()
  expect(portolan.metric('portolan_pinned_sessions')).toBe(0)
})

test('COM_BINLOG_DUMP: the events of the log, on a connection that serves nobody else', async () => {
  await portolan.reload({ backend: { ...backend, pool: { max: 2 } } })
  const direct = await rig.client(server.port)
  const [rows] = (await direct.query('SHOW MASTER STATUS')) as unknown as [{ File: string }[]]
  const replica = await raw()
  await replica.run('SET @master_binlog_checksum = @@global.binlog_checksum, @mariadb_slave_capability = 4')
  const dump = Buffer.concat([Buffer.of(COM_BINLOG_DUMP, 4, 0, 0, 0, 1, 0, 77, 0, 0, 0), Buffer.from(rows[0]!.File)])
  const { tracker } = await replica.command(dump)
  expect(tracker.error).toBeNull()
  expect(tracker.packets).toBeGreaterThan(1)
  // The server closes the connection behind the log.
  expect(portolan.metric('portolan_pins_total', { reason: 'replication' })).toBe(1)
  const other = await rig.client(portolan)
  expect(await value(other, 'SELECT 1')).toBe(1)
})

test('a client of MySQL 8 speaks UTF-8 with MariaDB, which does not know its collation', async () => {
  const client = await rig.client(portolan, { charset: 'UTF8MB4_0900_AI_CI' })
  expect(await value(client, 'SELECT @@character_set_client')).toBe('utf8mb4')
  expect(await value(client, "SELECT HEX('\u00e9')")).toBe('C3A9')
})

// Taken for an escape, the backslash would hide the lock, and the next client would have it.
const lock = (quoted: Buffer) =>
  Buffer.concat([Buffer.from("SELECT '"), quoted, Buffer.from("', GET_LOCK('half', 0) -- '")])

test('a backslash that is half a character escapes nothing: SET NAMES gbk', async () => {
  const client = await raw()
  await client.run('SET NAMES gbk')
  const sql = lock(Buffer.of(0xbf, 0x5c))
  expect(await errorOf(client.command(Buffer.concat([Buffer.of(COM_QUERY), sql])))).toBeNull()
  expect(portolan.metric('portolan_pinned_sessions', { reason: 'user-lock' })).toBe(1)
})

test('a backslash that is half a character escapes nothing: a login with gbk', async () => {
  const client = await rig.client(portolan, { charset: 'GBK_CHINESE_CI' })
  await client.query(lock(Buffer.from('\u7e17')).toString())
  expect(portolan.metric('portolan_pinned_sessions', { reason: 'user-lock' })).toBe(1)
})
