/** Users of the listener who may do less than the account at the backend. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import type { Portolan } from '../../support/portolan.ts'

const rig = new MysqlRig()
let server: MariadbServer
let portolan: Portolan
const password = { env: 'MYSQL_TEST_PASSWORD' }
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  server = await startMariadb()
  const direct = await rig.client(server.port)
  await direct.query('CREATE TABLE t (id INT PRIMARY KEY)')
  await direct.query('CREATE DATABASE other')
  await rig.close()
})
afterAll(() => server.stop())
beforeEach(async () => {
  portolan = await rig.portolan(server.port, {
    listener: {
      users: [
        { name: 'reader', password, readOnly: true },
        { name: 'app', password, databases: ['app'] },
      ],
    },
    backend: { credentials: { username: 'app', password } },
  })
})
afterEach(() => rig.close())

test.each([
  'INSERT INTO t VALUES (1)',
  'select 1; delete from t',
  'CREATE TABLE u (a INT)',
  '/* SELECT */ UPDATE t SET id = 2',
  "SELECT * FROM t INTO OUTFILE '/nowhere'",
  'SET STATEMENT max_statement_time = 1 FOR DELETE FROM t',
  'CALL p()',
  "PREPARE s FROM 'DELETE FROM t'",
  'WITH x AS (SELECT 1) DELETE FROM t',
])('one who may only read is refused: %s', async sql => {
  const reader = await rig.client(portolan, { user: 'reader', multipleStatements: true })
  await expect(reader.query(sql)).rejects.toThrow("User 'reader' may only read")
  if (!sql.includes(';')) await expect(reader.execute(sql)).rejects.toThrow("User 'reader' may only read")
  expect(await value(reader, 'SELECT COUNT(*) FROM t')).toBe(0)
})

test('a long statement of one who may only read is refused, and the client goes on', async () => {
  const reader = await rig.client(portolan, { user: 'reader' })
  await expect(reader.query(`INSERT INTO t VALUES ('${'1'.repeat(300_000)}')`)).rejects.toThrow(/may only read/)
  expect(await value(reader, 'SELECT COUNT(*) FROM t')).toBe(0)
})

test('one who may only read may read, in transactions too', async () => {
  const reader = await rig.client(portolan, { user: 'reader' })
  await reader.beginTransaction()
  expect(await value(reader, 'SELECT COUNT(*) FROM t')).toBe(0)
  await reader.query("SET time_zone = '+01:00'")
  await reader.query('SHOW TABLES')
  await reader.commit()
})

test('databases that are not in the list cannot be chosen, in whatever way', async () => {
  await expect(rig.client(portolan, { database: 'other' })).rejects.toThrow(/Access denied .* to database 'other'/)
  const client = await rig.client(portolan)
  for (const sql of ['USE other', 'use `other`', '/* x */ USE other;']) {
    await expect(client.query(sql)).rejects.toThrow(/to database 'other'/)
  }
  await expect(client.changeUser({ user: 'app', password: 'app', database: 'other' } as never)).rejects.toThrow()
  const another = await rig.client(portolan, { multipleStatements: true })
  await another.query('SELECT 1; USE other').catch(() => {})
  await expect(another.query('SELECT 1')).rejects.toThrow()
})
