/** What others' suites (test/interop/mtr) have shown to differ from the server itself, on the smallest scale. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, row, value } from '../../support/mysql.ts'
import type { Portolan } from '../../support/portolan.ts'

const rig = new MysqlRig()
let server: MariadbServer
let portolan: Portolan
beforeAll(async () => {
  server = await startMariadb()
})
afterAll(() => server.stop())
beforeEach(async () => {
  portolan = await start(1)
})
afterEach(() => rig.close())

const start = (max: number) => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
  return rig.portolan(server.port, { backend: { credentials, pool: { max } } })
}

const pair = async () => {
  const [a, b] = await rig.clients(2, portolan)
  return { a: a!, b: b! }
}

test('the collation that SET NAMES chooses moves with the client, though the server does not tell it', async () => {
  const { a, b } = await pair()
  for (const [names, collation] of [
    ['utf8mb4 COLLATE utf8mb4_bin', 'utf8mb4_bin'],
    ['koi8r', 'koi8r_general_ci'],
  ]) {
    await a.query(`SET NAMES ${names}`)
    await b.query('SET NAMES latin1')
    expect(await value(a, 'SELECT @@collation_connection')).toBe(collation)
    expect(await value(b, 'SELECT @@collation_connection')).toBe('latin1_swedish_ci')
  }
})

test('the collation moves also when it was chosen within a transaction', async () => {
  const { a, b } = await pair()
  await a.query('BEGIN')
  await a.query('SET NAMES utf8mb4 COLLATE utf8mb4_bin')
  await a.query('COMMIT')
  await b.query('SET NAMES latin1')
  expect(await value(a, 'SELECT @@collation_connection')).toBe('utf8mb4_bin')
})

test('results of a compound statement with a cursor of its own', async () => {
  const [a] = await rig.clients(1, portolan, { multipleStatements: true })
  const [results] = await a!.query('FOR r IN (SELECT seq FROM seq_1_to_3) DO SELECT r.seq AS s; END FOR')
  expect((results as unknown[]).slice(0, 3)).toMatchObject([[{ s: 1 }], [{ s: 2 }], [{ s: 3 }]])
  expect(await value(a!, 'SELECT 1')).toBe(1)
})

test('CONNECTION_ID() within a statement stays the same', async () => {
  portolan = await start(3)
  const { a, b } = await pair()
  await a.query('CREATE OR REPLACE TABLE work (owner BIGINT)')
  await a.query('INSERT INTO work VALUES (NULL)')
  await a.query('UPDATE work SET owner = CONNECTION_ID()')
  await b.query('BEGIN')
  await b.query('DO 1')
  expect(await value(a, 'SELECT COUNT(*) FROM work WHERE owner = CONNECTION_ID()')).toBe(1)
  expect(await value(b, 'SELECT COUNT(*) FROM work WHERE owner = CONNECTION_ID()')).toBe(0)
})

test('who logs in after a change of rights is served by a connection from after it; who was there before is not', async () => {
  portolan = await rig.portolan(server.port, {
    listener: { users: [{ name: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }, { name: 'limited' }] },
  })
  const admin = await rig.client(portolan)
  await admin.query('CREATE OR REPLACE USER limited')
  await admin.query('GRANT SELECT ON app.* TO limited')
  const as = { user: 'limited', password: '' }
  const before = await rig.client(portolan, as)
  await expect(before.query('CREATE TABLE app.forbidden (a INT)')).rejects.toThrow('denied')
  await admin.query('GRANT CREATE, DROP ON app.* TO limited')
  const after = await rig.client(portolan, as)
  await after.query('CREATE TABLE app.allowed (a INT)')
  await expect(before.query('DROP TABLE app.allowed')).rejects.toThrow('denied')
  await after.query('DROP TABLE app.allowed')
})

test('defaults of variables are those of the time of the login', async () => {
  portolan = await start(3)
  const { a } = await pair()
  const before = await value(a, 'SELECT @@sort_buffer_size')
  await a.query('SET GLOBAL sort_buffer_size = 65536')
  const c = await rig.client(portolan)
  expect(await value(c, 'SELECT @@sort_buffer_size')).toBe(65536)
  await a.query(`SET GLOBAL sort_buffer_size = ${before}`)
  expect(await value(c, 'SELECT @@sort_buffer_size')).toBe(65536)
})

test('warnings of preparing a statement are there also when it was prepared before', async () => {
  const { a } = await pair()
  const sql = 'SELECT COUNT(*) FROM information_schema.schemata INTO @x'
  for (let i = 0; i < 2; i++) {
    await a.prepare(sql)
    expect(await row(a, 'SHOW WARNINGS')).toMatchObject({ Code: 1287 })
    a.unprepare(sql)
  }
})

test('a statement that is not prepared over and over is closed with its client', async () => {
  const { a } = await pair()
  const prepared = () => row(a, "SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")
  const before = await prepared()
  await a.query('CREATE OR REPLACE TABLE forced (a INT)')
  for (const [sql, kept] of [
    ['ALTER TABLE forced FORCE', 0],
    ['SELECT a FROM forced', 1],
  ] as const) {
    await a.prepare(sql)
    a.unprepare(sql)
    expect(Number((await prepared())['Value'])).toBe(Number(before['Value']) + kept)
  }
})

test('KILL as a prepared statement takes the number of a client', async () => {
  portolan = await start(2)
  const { a, b } = await pair()
  const interrupted = expect(b.query('SELECT SLEEP(100)')).rejects.toThrow('interrupted')
  const runs = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(100)%'"
  while ((await value(a, runs)) === 0);
  await a.execute(`KILL QUERY ${b.threadId}`)
  await interrupted
})

test('what SET @@x changes without a word of the server holds for statements that are prepared again', async () => {
  const { a } = await pair()
  const sql = "SELECT COLLATION('a') AS c"
  for (const collation of ['utf8mb4_bin', 'utf8mb4_unicode_ci']) {
    await a.execute(`SET @@collation_connection = ${collation}`)
    const [rows] = await a.execute(sql)
    a.unprepare(sql)
    expect(rows).toMatchObject([{ c: collation }])
  }
})

test('the text of a prepared statement may be long', async () => {
  const { a } = await pair()
  for (const length of [100_000, 1_000_000]) {
    const [rows] = await a.execute(`SELECT LENGTH('${'x'.repeat(length)}') AS l`)
    expect(rows).toMatchObject([{ l: length }])
  }
})

test('a prepared statement may have as many parameters as the protocol has room for', async () => {
  const { a } = await pair()
  const marks = Array.from({ length: 65_535 }, () => '?').join()
  const values = Array.from({ length: 65_535 }, (_, i) => i)
  for (const found of [true, false]) {
    const [rows] = await a.execute(`SELECT 65534.5 IN (${marks}) AS found`, [...values.slice(1), found ? 65_534.5 : 0])
    expect(rows).toMatchObject([{ found: found ? 1 : 0 }])
  }
})

test('rights are looked at whenever a statement is prepared', async () => {
  portolan = await rig.portolan(server.port, {
    listener: { users: [{ name: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }, { name: 'reader' }] },
  })
  const admin = await rig.client(portolan)
  await admin.query('CREATE OR REPLACE USER reader')
  await admin.query('CREATE OR REPLACE TABLE secret (a INT)')
  await admin.query('GRANT SELECT ON app.secret TO reader')
  const reader = await rig.client(portolan, { user: 'reader', password: '' })
  await reader.prepare('SELECT a FROM secret')
  reader.unprepare('SELECT a FROM secret')
  await admin.query('REVOKE SELECT ON app.secret FROM reader')
  await admin.query('GRANT INSERT ON app.secret TO reader')
  await expect(reader.prepare('SELECT a FROM secret')).rejects.toThrow('denied')
})

test('the server counts no connection of ours as aborted', async () => {
  const { a, b } = await pair()
  const aborted = () => row(a, "SHOW GLOBAL STATUS LIKE 'Aborted_clients'")
  const before = await aborted()
  await a.query('SET GLOBAL max_connections = 150')
  await b.query('DO 1')
  expect(await aborted()).toEqual(before)
})

test('profiles of statements are those of the client, and only those', async () => {
  portolan = await start(2)
  const { a, b } = await pair()
  await a.query('SET profiling = 1')
  await b.query("SET time_zone = '+03:00'")
  await a.query('SELECT 1')
  await b.query('SELECT 2')
  const [profiles] = await a.query('SHOW PROFILES')
  expect(profiles).toMatchObject([{ Query: 'SELECT 1' }])
})
