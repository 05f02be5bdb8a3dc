/** Questions about the statement before, of clients whose statements take turns on one connection. */
import type { Connection } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, row, value } from '../../support/mysql.ts'
import { type Portolan, until } from '../../support/portolan.ts'

const rig = new MysqlRig()
let server: MariadbServer
let portolan: Portolan
let a: Connection
let b: Connection
const backend = { credentials: { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }, pool: { max: 1 } }
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  server = await startMariadb()
  const direct = await rig.client(server.port)
  await direct.query('CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, n BIGINT, s VARCHAR(40))')
  await rig.close()
})
afterAll(() => server.stop())
beforeEach(async () => {
  portolan = await rig.portolan(server.port, { backend })
  ;[a, b] = (await rig.clients(2, portolan, { multipleStatements: true })) as [Connection, Connection]
  await a.query("TRUNCATE t; INSERT INTO t (n, s) VALUES (1, 'a'), (2, 'b'), (3, 'c')")
})
afterEach(() => rig.close())

const THREE = 'SELECT n FROM t ORDER BY n LIMIT 3'
/** Leaves rows, a row count and warnings of its own on the connection. */
const disturb = async () => {
  await b.query("UPDATE t SET s = 'd' WHERE n IN (1, 2)")
  await b.query('SELECT 1')
}

test('FOUND_ROWS() and ROW_COUNT() within larger statements are the client’s', async () => {
  await a.query(THREE)
  await disturb()
  expect(await row(a, "SELECT FOUND_ROWS(), FOUND_ROWS() + 1 AS more, 'FOUND_ROWS()' AS text -- ROW_COUNT()")).toEqual({
    'FOUND_ROWS()': 3,
    more: 4,
    text: 'FOUND_ROWS()',
  })
  await a.query("UPDATE t SET s = 'e' WHERE n = 3")
  await disturb()
  await a.query('INSERT INTO t (n, s) VALUES (ROW_COUNT() + 10, "ROW_COUNT()")')
  expect(await row(a, 'SELECT n, s FROM t WHERE n > 3')).toEqual({ n: 11, s: 'ROW_COUNT()' })
  // What follows within a text asks about what is within it.
  await a.query(THREE)
  await disturb()
  const [results] = await a.query("SELECT FOUND_ROWS() AS f; UPDATE t SET s = 'f'; SELECT ROW_COUNT() + 0 AS r")
  expect(results).toMatchObject([[{ f: 3 }], { affectedRows: 4 }, [{ r: 4 }]])
  expect(portolan.metric('portolan_pinned_sessions')).toBe(0)
})

test('FOUND_ROWS() is about the last statement with rows, on whatever connection that was', async () => {
  await portolan.reload({ backend: { ...backend, pool: { max: 2 } } })
  await a.query(THREE)
  await b.query('SELECT n FROM t LIMIT 1')
  await a.query("UPDATE t SET s = 'g' WHERE n = 1")
  expect(await value(a, 'SELECT FOUND_ROWS() + 0')).toBe(3)
  expect(await value(b, 'SELECT FOUND_ROWS() + 0')).toBe(1)
})

test('prepared statements ask like others', async () => {
  const ask = async () => (await a.execute('SELECT FOUND_ROWS() + ? AS f', [10]))[0]
  for (const rows of [3, 2, 1]) {
    await a.query(`SELECT n FROM t LIMIT ${rows}`)
    await disturb()
    expect(await ask()).toEqual([{ f: rows + 10 }])
  }
})

test('warnings of another client are not shown', async () => {
  await a.query('SELECT 1')
  await expect(b.query('SELEC')).rejects.toThrow()
  expect((await a.query('SHOW WARNINGS'))[0]).toEqual([])
  await expect(b.query('SELEC')).rejects.toThrow()
  expect((await a.query('SHOW ERRORS LIMIT 5'))[0]).toEqual([])
  await expect(b.query('SELEC')).rejects.toThrow()
  expect(await row(a, 'SELECT @@warning_count AS w, @@session.error_count AS e')).toEqual({ w: 0, e: 0 })
  await a.query('SELECT 1')
  await expect(b.query('SELEC')).rejects.toThrow()
  await a.query('GET DIAGNOSTICS @n = NUMBER')
  expect(await value(a, 'SELECT @n')).toBe(0)
  await a.reset()
  await a.query('SELECT 1')
  await expect(b.query('SELEC')).rejects.toThrow()
  await expect(a.query('GET DIAGNOSTICS CONDITION 1 @m = MESSAGE_TEXT')).resolves.toBeDefined()
  expect(await value(a, 'SELECT @m')).toBeNull()
})

test('warnings of the client are, when its connection has been another one’s', async () => {
  const [warn, other] = ['SELECT 1 / 0', () => value(b, 'SELECT 2')]
  await a.query(warn)
  await other()
  expect((await a.query('SHOW COUNT(*) WARNINGS'))[0]).toEqual([{ '@@session.warning_count': 1 }])
  expect((await a.query('SHOW WARNINGS LIMIT 0, 5'))[0]).toMatchObject([{ Level: 'Warning', Code: 1365 }])
  expect((await a.query('SHOW WARNINGS LIMIT 5 OFFSET 1'))[0]).toEqual([])
  expect((await a.query('SHOW ERRORS'))[0]).toEqual([])
  await a.query(warn)
  await other()
  expect(await value(a, 'SELECT @@warning_count')).toBe(1)
  await a.query(warn)
  await other()
  await expect(a.query('GET DIAGNOSTICS CONDITION 1 @m = MESSAGE_TEXT')).rejects.toMatchObject({ errno: 1235 })
  await a.query("UPDATE t SET s = 'h'")
  await other()
  await a.query('GET DIAGNOSTICS @rows = ROW_COUNT, @n = NUMBER')
  expect(await row(a, 'SELECT @rows AS r, @n AS n')).toEqual({ r: 3, n: 0 })
})

test('CONNECTION_ID() in a larger statement is the server’s number of a connection that is the client’s from then on', async () => {
  await portolan.reload({ backend: { ...backend, pool: { max: 2 } } })
  expect(await value(a, 'SELECT CONNECTION_ID()')).toBe(a.threadId)
  const own = 'SELECT id FROM information_schema.processlist WHERE id = CONNECTION_ID()'
  const id = await value(a, own)
  expect(id).not.toBe(a.threadId)
  await until(() => portolan.metric('portolan_pinned_sessions', { reason: 'connection-id' }) === 1)
  await b.query('SELECT 1')
  expect(await value(a, own)).toBe(id)
  expect(await value(a, 'SELECT CONNECTION_ID()')).toBe(id)
})
