/**
 * The backend changes under live clients for one that has less than they have agreed on at their login: what they send
 * and get is translated, and what cannot be is refused command by command. The other product is played by a MariaDB with
 * less in its greeting, or is the one that PORTOLAN_TEST_MYSQL names as `user:password@host:port`.
 */
import mariadb from 'mariadb'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type Capabilities,
  CLIENT_CONNECT_WITH_DB,
  CLIENT_DEPRECATE_EOF,
  CLIENT_MULTI_RESULTS,
  CLIENT_MULTI_STATEMENTS,
  CLIENT_OPTIONAL_RESULTSET_METADATA,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PROTOCOL_41,
  CLIENT_PS_MULTI_RESULTS,
  CLIENT_QUERY_ATTRIBUTES,
  CLIENT_RESERVED2,
  CLIENT_SESSION_TRACK,
  CLIENT_TRANSACTIONS,
  COM_FIELD_LIST,
  COM_QUERY,
  COM_STMT_EXECUTE,
  COM_STMT_FETCH,
  COM_STMT_PREPARE,
  decodeTextResults,
  MARIADB_CLIENT_CACHE_METADATA,
  MARIADB_CLIENT_EXTENDED_METADATA,
  MARIADB_CLIENT_PROGRESS,
  MARIADB_CLIENT_STMT_BULK_OPERATIONS,
  PayloadWriter,
} from '../../../codecs/mysql/index.ts'
import { Client, type Reply } from '../../codecs/mysql/client.ts'
import { GreetingProxy } from '../../support/greeting-proxy.ts'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, row, value } from '../../support/mysql.ts'
import type { Portolan } from '../../support/portolan.ts'

const rig = new MysqlRig()
const opened: { close(): unknown }[] = []
let first: MariadbServer
let second: MariadbServer
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  const servers = [1, 2].map(async number => {
    const server = await startMariadb({ args: [`--server-id=${number}`, '--max-allowed-packet=64M'] })
    const direct = await rig.client(server.port, { multipleStatements: true })
    await direct.query(SETUP)
    return server
  })
  ;[first, second] = (await Promise.all(servers)) as [MariadbServer, MariadbServer]
  await rig.close()
})
afterAll(() => Promise.all([first.stop(), second.stop()]))
afterEach(async () => {
  for (const each of opened.splice(0)) each.close()
  await rig.close()
})

const SETUP = `
  CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, s VARCHAR(100) CHARACTER SET utf8mb4);
  INSERT INTO t (s) VALUES ('one'), (NULL), ('three');
  CREATE PROCEDURE p() BEGIN SELECT id, s FROM t WHERE id <= 3; SELECT 5; END`
const BASE =
  CLIENT_PROTOCOL_41 |
  CLIENT_RESERVED2 |
  CLIENT_TRANSACTIONS |
  CLIENT_PLUGIN_AUTH |
  CLIENT_CONNECT_WITH_DB |
  CLIENT_MULTI_STATEMENTS |
  CLIENT_MULTI_RESULTS |
  CLIENT_PS_MULTI_RESULTS
const MARIADB =
  MARIADB_CLIENT_PROGRESS |
  MARIADB_CLIENT_STMT_BULK_OPERATIONS |
  MARIADB_CLIENT_EXTENDED_METADATA |
  MARIADB_CLIENT_CACHE_METADATA

const backend = { credentials: { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }, pool: { max: 4 } }

const login = async (to: Portolan | number, capabilities: Capabilities) => {
  const port = typeof to === 'number' ? to : to.port()
  const client = await Client.login({ port, database: 'app' }, { capabilities })
  opened.push(client)
  return client
}

/** A reply as a client would be sent it, put together again. */
const textOf = ({ packets }: Reply, capabilities: Capabilities) => {
  let sequence = 1
  return decodeTextResults(
    Buffer.concat(packets.map(payload => new PayloadWriter().bytes(payload).packet(sequence++ & 0xff))),
    capabilities,
  )
}

const prepare = (client: Client, sql: string) =>
  client.command(Buffer.concat([Buffer.of(COM_STMT_PREPARE), Buffer.from(sql)]))

/** COM_STMT_EXECUTE without parameters. */
const execute = (id: number, flags = 0) => new PayloadWriter().u8(COM_STMT_EXECUTE).u32(id).u8(flags).u32(1).payload()

describe('a server with less in its greeting', () => {
  const LESS: readonly (readonly [string, Capabilities])[] = [
    ['CLIENT_DEPRECATE_EOF', { low: CLIENT_DEPRECATE_EOF, mariadb: 0 }],
    ['CLIENT_SESSION_TRACK', { low: CLIENT_SESSION_TRACK, mariadb: 0 }],
    ["MariaDB's extended capabilities", { low: 0, mariadb: MARIADB }],
    ['any of these', { low: CLIENT_DEPRECATE_EOF | CLIENT_SESSION_TRACK, mariadb: MARIADB }],
  ]
  const everything = { low: (BASE | CLIENT_DEPRECATE_EOF | CLIENT_SESSION_TRACK) >>> 0, mariadb: MARIADB }

  test.each(LESS)('without %s: all results are what the client has agreed on', async (_, without) => {
    const portolan = await rig.portolan(first.port, { backend })
    const proxy = await GreetingProxy.start(second.port, without)
    opened.push(proxy)
    const client = await login(portolan, everything)
    const answers = async () => {
      const text = await client.run(
        'SELECT 1 AS a, s FROM t ORDER BY id; DO 1; SELECT id FROM t WHERE id > 1; CALL p()',
      )
      const prepared = await prepare(client, 'SELECT s, id FROM t WHERE id <= 3 ORDER BY id')
      const { statementId } = prepared.tracker
      const executed = await client.command(execute(statementId))
      await client.command(execute(statementId, 1))
      const fetched = await client.command(new PayloadWriter().u8(COM_STMT_FETCH).u32(statementId).u32(10).payload())
      const fields = await client.command(Buffer.concat([Buffer.of(COM_FIELD_LIST), Buffer.from('t\0')]))
      await client.run('COMMIT')
      return {
        server: textOf(await client.run('SELECT @@server_id'), everything)[0]!.rows[0]![0],
        text: textOf(text, everything),
        prepared: prepared.packets.length,
        executed: executed.packets.slice(-4),
        fetched: fetched.packets.length,
        fields: fields.packets.length,
      }
    }
    const before = await answers()
    await portolan.reload({ endpoints: [proxy.port] })
    const after = await answers()
    expect(before.server).toBe('1')
    expect(after).toEqual({ ...before, server: '2' })
  })

  test('a client library of MariaDB goes on; only its bulk executions are refused', async () => {
    const portolan = await rig.portolan(first.port, { backend })
    const proxy = await GreetingProxy.start(second.port, { low: 0, mariadb: MARIADB })
    opened.push(proxy)
    const client = await mariadb.createConnection({
      ...{ host: '127.0.0.1', port: portolan.port(), user: 'app', password: 'app', database: 'app' },
    })
    opened.push({ close: () => client.destroy() })
    const insert = (values: string[]) =>
      client.batch(
        'INSERT INTO t (s) VALUES (?)',
        values.map(each => [each]),
      )
    const read = () => client.execute('SELECT id, s FROM t WHERE id <= ? ORDER BY id', [3])
    expect(await insert(['bulk', 'bulk'])).toMatchObject({ affectedRows: 2 })
    const before = await read()
    await portolan.reload({ endpoints: [proxy.port] })
    expect(await read()).toEqual(before)
    await expect(insert(['more', 'more'])).rejects.toMatchObject({ errno: 1235 })
    expect(await read()).toEqual(before)
    expect(await client.query("SELECT COUNT(*) AS n FROM t WHERE s = 'more'")).toEqual([{ n: 0n }])
  })
})

/** COM_QUERY with one attribute; or COM_STMT_EXECUTE with one, of a statement with one parameter, a string. */
const WITH_ATTRIBUTE = {
  query: (sql: string) =>
    new PayloadWriter()
      .u8(COM_QUERY)
      .lenenc(1)
      .lenenc(1)
      .u8(0)
      .u8(1)
      .u16(0xfd)
      .lenencString('trace')
      .lenencString('abc')
      .string(sql)
      .payload(),
  execute: (id: number, argument: string) =>
    new PayloadWriter()
      .u8(COM_STMT_EXECUTE)
      .u32(id)
      .u8(8)
      .u32(1)
      .lenenc(2)
      .u8(0)
      .u8(1)
      .u16(0xfd)
      .lenencString('')
      .u16(0xfd)
      .lenencString('trace')
      .lenencString(argument)
      .lenencString('abc')
      .payload(),
  executeLong: (id: number, argument: string) =>
    new PayloadWriter()
      .u8(COM_STMT_EXECUTE)
      .u32(id)
      .u8(8)
      .u32(1)
      .lenenc(1)
      .u8(0)
      .u8(1)
      .u16(0xfd)
      .lenencString('')
      .lenencString(argument)
      .payload(),
}
const given = /^(.*?):(.*)@(.*):(\d+)$/.exec(process.env['PORTOLAN_TEST_MYSQL'] ?? '')

describe.skipIf(!given)('MySQL and MariaDB', () => {
  const mysql = () => {
    const [, username, password, host, port] = given!
    process.env['MYSQL_TEST_OTHER'] = password
    const credentials = { username, password: { env: 'MYSQL_TEST_OTHER' } }
    return { endpoints: [`${host}:${port}`], backend: { ...backend, credentials } }
  }
  beforeAll(async () => {
    const [, user, password, , port] = given!
    const direct = await rig.client(Number(port), {
      user: user!,
      password: password!,
      multipleStatements: true,
      database: '',
    })
    await direct.query(`DROP DATABASE IF EXISTS app; CREATE DATABASE app; USE app; ${SETUP}`)
    await rig.close()
  })

  test('from MySQL: query attributes and the flag of metadata', async () => {
    const capabilities = {
      low:
        (BASE |
          CLIENT_DEPRECATE_EOF |
          CLIENT_SESSION_TRACK |
          CLIENT_QUERY_ATTRIBUTES |
          CLIENT_OPTIONAL_RESULTSET_METADATA) >>>
        0,
      mariadb: 0,
    }
    const portolan = await rig.portolan(first.port, mysql())
    const client = await login(portolan, capabilities)
    expect(client.capabilities.low & CLIENT_QUERY_ATTRIBUTES).not.toBe(0)
    const run = async (payload: Buffer) => {
      const reply = await client.command(payload)
      expect(reply.tracker.error).toBeNull()
      return reply
    }
    const { tracker } = await prepare(client, 'SELECT ? AS v')
    const id = tracker.statementId
    const read = async () => ({
      version: textOf(await run(WITH_ATTRIBUTE.query('SELECT VERSION()')), capabilities)[0]!.rows[0]![0]!,
      rows: textOf(await run(WITH_ATTRIBUTE.query('SELECT s FROM t WHERE id <= 3 ORDER BY id')), capabilities)[0]!.rows,
      executed: (await run(WITH_ATTRIBUTE.execute(id, 'argument'))).packets.at(-2)!.toString('latin1'),
      long: (await run(WITH_ATTRIBUTE.executeLong(id, 'x'.repeat(200_000)))).packets.at(-2)!.length,
      text: textOf(await run(WITH_ATTRIBUTE.query(`SELECT LENGTH('${'y'.repeat(200_000)}')`)), capabilities)[0]!.rows,
    })
    const before = await read()
    expect(before.version).not.toContain('MariaDB')
    await portolan.reload({ endpoints: [first.port], backend })
    const after = await read()
    expect(after).toEqual({ ...before, version: after.version })
    expect(after.version).toContain('MariaDB')
  })

  test('from MariaDB: a client library of MariaDB, its modes and its isolation', async () => {
    const portolan = await rig.portolan(first.port, { backend })
    const client = await mariadb.createConnection({
      ...{ host: '127.0.0.1', port: portolan.port(), user: 'app', password: 'app', database: 'app' },
    })
    opened.push({ close: () => client.destroy() })
    await client.query("SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES'), max_statement_time = 100")
    await client.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
    const read = () => client.execute('SELECT id, s FROM t WHERE id <= ? ORDER BY id', [3])
    const before = await read()
    await portolan.reload(mysql())
    expect(await read()).toEqual(before)
    const [{ mode, level }] = await client.query('SELECT @@sql_mode AS mode, @@transaction_isolation AS level')
    expect(mode).toContain('ANSI_QUOTES')
    expect(level).toBe('READ-COMMITTED')
    await portolan.reload({ endpoints: [first.port], backend })
    expect(await client.query('SELECT @@tx_isolation AS level')).toEqual([{ level: 'READ-COMMITTED' }])
  })

  test('MySQL does not tell the collation of SET NAMES: it moves all the same', async () => {
    const portolan = await rig.portolan(first.port, mysql())
    const [a, b] = await rig.clients(2, portolan, { charset: 'latin1' })
    await portolan.reload({ backend: { ...mysql().backend, pool: { max: 1 } } })
    await a!.query('SET NAMES utf8mb4 COLLATE utf8mb4_bin')
    await b!.query('SET NAMES utf8mb4')
    for (let i = 0; i < 2; i++) {
      expect(await value(a!, 'SELECT @@collation_connection')).toBe('utf8mb4_bin')
      expect(await value(b!, 'SELECT @@collation_connection')).toBe('utf8mb4_0900_ai_ci')
    }
  })

  test('from MySQL: a collation that MariaDB does not know', async () => {
    const portolan = await rig.portolan(first.port, mysql())
    const client = await rig.client(portolan, { charset: 'latin1' })
    await client.query("SET NAMES utf8mb4, time_zone = '+02:00'")
    expect(await value(client, 'SELECT @@collation_connection')).toBe('utf8mb4_0900_ai_ci')
    await portolan.reload({ endpoints: [first.port], backend })
    expect(await row(client, 'SELECT @@character_set_connection c, @@time_zone z')).toEqual({
      c: 'utf8mb4',
      z: '+02:00',
    })
  })
})
