/** Clients that share few connections: each sees its own session, and only that. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, row, value } from '../../support/mysql.ts'
import type { Portolan } from '../../support/portolan.ts'

const rig = new MysqlRig()
let server: MariadbServer
let portolan: Portolan
beforeAll(async () => {
  server = await startMariadb()
  const direct = await rig.client(server.port)
  await direct.query('CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, s VARCHAR(100))')
  await direct.query('CREATE DATABASE other')
  await rig.close()
})
afterAll(() => server.stop())
beforeEach(async () => {
  const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  portolan = await rig.portolan(server.port, { backend: { credentials, pool: { max: 1 } } })
})
afterEach(() => rig.close())

const pair = async () => {
  const [a, b] = await rig.clients(2, portolan)
  return { a: a!, b: b! }
}

describe('over one connection', () => {
  test('each client has its own variables, character set and database', async () => {
    const { a, b } = await pair()
    await a.query("SET time_zone = '+03:00', sql_mode = 'ANSI_QUOTES'")
    await b.query('SET NAMES latin1')
    await b.query('USE other')
    for (let i = 0; i < 3; i++) {
      expect(await row(a, 'SELECT @@time_zone z, @@sql_mode m, DATABASE() d, @@character_set_client c')).toMatchObject({
        z: '+03:00',
        m: 'ANSI_QUOTES',
        d: 'app',
        c: 'utf8mb4',
      })
      expect(await row(b, 'SELECT @@time_zone z, DATABASE() d, @@character_set_client c')).toMatchObject({
        z: 'SYSTEM',
        d: 'other',
        c: 'latin1',
      })
    }
  })

  test('a variable is back at its default for one who has not set it', async () => {
    const { a, b } = await pair()
    const before = await value(b, 'SELECT @@sort_buffer_size')
    await a.query('SET sort_buffer_size = 65536')
    expect(await value(b, 'SELECT @@sort_buffer_size')).toBe(before)
    expect(await value(a, 'SELECT @@sort_buffer_size')).toBe(65536)
  })

  test('LAST_INSERT_ID() is the one of the client', async () => {
    const { a, b } = await pair()
    const [{ insertId }] = (await a.query("INSERT INTO t (s) VALUES ('a')")) as unknown as [{ insertId: number }]
    await b.query("INSERT INTO t (s) VALUES ('b')")
    expect(await value(a, 'SELECT LAST_INSERT_ID()')).toBe(insertId)
    expect(await value(b, 'SELECT LAST_INSERT_ID()')).toBe(insertId + 1)
    // A number of the client's own is told as inserted, but is none of the function's.
    await a.query('INSERT INTO t (id) VALUES (?)', [insertId + 1000])
    await b.query('DO 0')
    expect(await value(a, 'SELECT LAST_INSERT_ID()')).toBe(insertId)
  })

  test('prepared statements of several clients, with the same text and other types', async () => {
    const { a, b } = await pair()
    for (let i = 0; i < 3; i++) {
      const [ofA] = await a.execute('SELECT ? AS v', [i])
      const [ofB] = await b.execute('SELECT ? AS v', [`text ${i}`])
      expect(ofA).toMatchObject([{ v: i }])
      expect(ofB).toMatchObject([{ v: `text ${i}` }])
    }
    expect(await row(a, "SHOW STATUS LIKE 'Com_stmt_prepare'")).toBeDefined()
  })

  test('a transaction holds the connection: another client waits for its end', async () => {
    const { a, b } = await pair()
    await a.beginTransaction()
    await a.query("INSERT INTO t (s) VALUES ('in transaction')")
    let isServed = false
    const served = b.query('SELECT 1').then(() => {
      isServed = true
    })
    expect(await value(a, "SELECT COUNT(*) FROM t WHERE s = 'in transaction'")).toBe(1)
    expect(isServed).toBe(false)
    await a.rollback()
    await served
    expect(await value(b, "SELECT COUNT(*) FROM t WHERE s = 'in transaction'")).toBe(0)
  })

  test('a client that leaves within a transaction leaves nothing behind', async () => {
    const { a, b } = await pair()
    await a.query('SET @x = 5')
    await a.beginTransaction()
    await a.query("INSERT INTO t (s) VALUES ('left')")
    a.destroy()
    expect(await value(b, 'SELECT @x')).toBeNull()
    expect(await value(b, "SELECT COUNT(*) FROM t WHERE s = 'left'")).toBe(0)
  })

  test('COM_CHANGE_USER and COM_RESET_CONNECTION forget the session', async () => {
    const { a } = await pair()
    await a.query("SET @x = 1, time_zone = '+05:00'")
    await a.changeUser({ user: 'app', password: 'app', database: 'other' } as never)
    expect(await row(a, 'SELECT @x x, @@time_zone z, DATABASE() d')).toMatchObject({ x: null, z: 'SYSTEM', d: 'other' })
    await a.query("SET @x = 1, time_zone = '+05:00'")
    await a.reset()
    expect(await row(a, 'SELECT @x x, @@time_zone z, DATABASE() d')).toMatchObject({ x: null, z: 'SYSTEM', d: 'other' })
  })

  test('warnings of the last statement are there to be shown, although another client has the connection now', async () => {
    const { a, b } = await pair()
    await expect(a.query('SELEC')).rejects.toThrow(/SQL syntax/)
    expect(await value(b, 'SELECT 1')).toBe(1)
    const [warnings] = await a.query('SHOW WARNINGS')
    expect(warnings).toMatchObject([{ Level: 'Error', Code: 1064 }])
    expect(await value(b, 'SELECT 2')).toBe(2)
    await a.query('SELECT COUNT(*) FROM t')
    expect((await a.query('SHOW WARNINGS'))[0]).toEqual([])
  })

  test('the number of rows and of the connection are those of the client', async () => {
    const { a, b } = await pair()
    await a.query('SELECT 1 UNION SELECT 2 UNION SELECT 3')
    await b.query('INSERT INTO t (s) VALUES (1), (2)')
    expect(await value(a, 'SELECT FOUND_ROWS()')).toBe(3)
    await a.query('DO 0')
    expect(await value(b, 'SELECT ROW_COUNT() AS rows_changed')).toBe(2)
    expect(await value(a, 'SELECT CONNECTION_ID()')).toBe(a.threadId)
    expect(await value(b, 'SELECT CONNECTION_ID()')).toBe(b.threadId)
  })
})

test('over several connections, a client comes back to its own when it is free', async () => {
  const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
  const roomy = await rig.portolan(server.port, { backend: { credentials, pool: { max: 3 } } })
  const clients = await rig.clients(3, roomy)
  let marks = 0
  // CONNECTION_ID() is the client's own. The server may list the statement before still: each has another mark.
  const connection = () => `SELECT id FROM information_schema.processlist WHERE info LIKE '%mark ${++marks}.%'`
  for (const client of clients) await client.beginTransaction()
  const own = []
  for (const client of clients) own.push(await value(client, connection()))
  expect(new Set(own).size).toBe(3)
  for (const client of clients) await client.commit()
  for (const order of [
    [0, 1, 2],
    [0, 2, 1],
    [1, 1, 0],
    [2, 0, 0],
  ]) {
    for (const which of order) expect(await value(clients[which]!, connection())).toBe(own[which])
  }
})
