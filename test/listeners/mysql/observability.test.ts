/** What a MySQL listener tells of itself is true, and holds no value of anybody's. */
import type { Connection } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pageOf } from '../../../src/admin/pages.ts'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import { type Portolan, until } from '../../support/portolan.ts'

const rig = new MysqlRig()
let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb()
  const direct = await rig.client(server.port)
  await direct.query('CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(100) UNIQUE)')
  await rig.close()
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
})
afterAll(() => server.stop())
beforeEach(async () => {
  const direct = await rig.client(server.port)
  await direct.query("REPLACE INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')")
})
afterEach(() => rig.close())

const portolan = (
  listener: Readonly<Record<string, unknown>> = {},
  backend: Readonly<Record<string, unknown>> = {},
) => {
  const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
  return rig.portolan(server.port, { listener, backend: { credentials, ...backend } })
}

interface PinRow {
  readonly client: number
  readonly reason: string
  readonly statement: string | null
  readonly [field: string]: unknown
}
type DigestRow = Readonly<Record<string, number | string>>

async function page<Rows>(of: Portolan, name: string): Promise<Rows> {
  const { body } = await pageOf(of.app, `/mysql/${name}`)!(of.app, new URLSearchParams())
  const [first, ...others] = JSON.parse(body)
  expect(others).toEqual([])
  expect(first.listener).toBe('main')
  return first
}
const pins = (of: Portolan) => page<{ pinned: number; current: PinRow[]; recent: PinRow[] }>(of, 'pins')
const digests = async (of: Portolan) => (await page<{ digests: DigestRow[] }>(of, 'digests')).digests
const digest = async (of: Portolan, statement: string) =>
  (await digests(of)).find(row => row['statement'] === statement)

async function failing(client: Connection, sql: string): Promise<string> {
  return client.query(sql).then(
    () => '',
    error => String(error),
  )
}

/** Of a histogram. */
function durations(of: Portolan, operation: string): number {
  let sum = 0
  for (const sample of of.metrics.read('portolan_request_duration_seconds')) {
    if (sample.labels['operation'] !== operation || !('counts' in sample)) continue
    sum += Array.from(sample.counts).reduce((total, count) => total + count, 0)
  }
  return sum
}

describe('requests', () => {
  test('are counted by kind of statement or command, and by outcome, exactly those sent', async () => {
    const main = await portolan()
    const clients = await rig.clients(3, main)
    for (const [i, client] of clients.entries()) {
      for (let n = 0; n < 5; n++) await client.query('SELECT * FROM t')
      await client.query('INSERT INTO t VALUES (?, ?)', [100 + i, `new ${i}`])
      expect(await failing(client, 'SELECT nothing FROM t')).toMatch(/Unknown column/)
      expect(await failing(client, 'SELEC 1')).toMatch(/syntax/)
      for (let n = 0; n < 4; n++) await client.execute('SELECT s FROM t WHERE id = ?', [n])
      expect(await client.execute('SELECT ?? FROM').catch(String)).toMatch(/syntax/)
      await client.beginTransaction()
      await client.query('DELETE FROM t WHERE id >= 100')
      await client.rollback()
      await client.ping()
      await client.query('USE app')
      await client.reset()
      await client.query('DELETE FROM t WHERE id >= 100')
    }
    expect(main.requests()).toEqual({
      'select ok': 27,
      'select error': 3,
      'insert ok': 3,
      'other error': 3,
      'com-stmt-prepare ok': 3,
      // With the reset.
      'com-stmt-close ok': 3,
      'com-stmt-prepare error': 3,
      'start-transaction ok': 3,
      'delete ok': 6,
      'rollback ok': 3,
      'com-ping ok': 3,
      'use ok': 3,
      'com-reset-connection ok': 3,
    })
    expect(durations(main, 'select')).toBe(30)
    expect(durations(main, 'com-ping')).toBe(3)
    // Each sees the rows of those before it as well; its own go with the last statement.
    expect(main.metric('portolan_rows_total', { kind: 'returned' })).toBe(3 * (5 * 3 + 3))
    expect(main.metric('portolan_rows_total', { kind: 'affected' })).toBe(3 * (1 + 1 + 1))
  })

  test('that were lost, or found no connection, are counted as such', async () => {
    const own = await startMariadb()
    try {
      const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
      const main = await rig.portolan(own.port, { backend: { credentials, pool: { max: 1, waitTimeout: '1ms' } } })
      const [a, b] = await rig.clients(2, main)
      await a!.beginTransaction()
      expect(await failing(b!, 'SELECT 1')).toMatch(/no connection to the backend/)
      expect(main.requests()['select unavailable']).toBe(1)
      const sleeping = failing(a!, 'SELECT SLEEP(60)')
      await until(() => main.metric('portolan_upstream_in_flight') === 1)
      await own.kill()
      expect(await sleeping).toMatch(/Lost connection/i)
      expect(main.requests()).toMatchObject({ 'select lost': 1, 'select unavailable': 1 })
      expect(await digest(main, 'select sleep(...)')).toMatchObject({ count: 1, errors: 1, p95Ms: 0 })
    } finally {
      await own.stop()
    }
  })

  test('bytes are those on the wire', async () => {
    const main = await portolan()
    const client = await rig.client(main)
    const { stream } = (client as unknown as { connection: { stream: { bytesRead: number; bytesWritten: number } } })
      .connection
    const before = { read: stream.bytesRead, written: stream.bytesWritten }
    const bytes = (direction: string) => main.metric('portolan_downstream_bytes_total', { direction })
    const counted = { sent: bytes('sent'), received: bytes('received') }
    await client.query(`SELECT REPEAT('x', 100000), '${'y'.repeat(1000)}'`)
    expect(bytes('sent') - counted.sent).toBe(stream.bytesRead - before.read)
    expect(bytes('received') - counted.received).toBe(stream.bytesWritten - before.written)
    expect((await digest(main, 'select repeat(...), ?'))!['bytes']).toBe(stream.bytesRead - before.read)
  })

  test('slow ones are logged with their digest, and counted; fast ones are not', async () => {
    const main = await portolan({ slowLog: '100ms' })
    const client = await rig.client(main)
    await client.query('SELECT 1')
    await client.query("SELECT SLEEP(0.15), 'literal'")
    await client.execute('SELECT SLEEP(?) FROM t LIMIT 1', [0.15])
    const lines = main.log.filter(({ message }) => message === 'slow request')
    expect(lines).toMatchObject(
      [
        {
          level: 'info',
          listener: 'main',
          operation: 'select',
          statement: 'select sleep(...), ?',
          user: 'app',
          rows: 1,
        },
        { operation: 'select', statement: 'select sleep(...) from t limit ?' },
      ].map(line => ({ ...line, digest: expect.stringMatching(/^[0-9a-f]{16}$/) })),
    )
    expect(lines[0]!['durationMs']).toBeGreaterThanOrEqual(149)
    expect(main.metric('portolan_slow_requests_total')).toBe(2)
    await main.reload({ listener: { slowLog: '0ms' } })
    await client.query('SELECT SLEEP(0.15)')
    expect(main.metric('portolan_slow_requests_total')).toBe(2)
  })
})

describe('digests', () => {
  test('tell how often, how long and with what outcome, as text and prepared', async () => {
    const main = await portolan()
    const client = await rig.client(main)
    for (const id of [1, 2, 3]) await client.query(`SELECT s FROM t WHERE id = ${id}`)
    await client.execute('SELECT s FROM t WHERE id = ?', [1])
    await client.query("UPDATE t SET s = CONCAT(s, '!') WHERE id < 3")
    expect(await failing(client, "INSERT INTO t VALUES (1, 'x')")).toMatch(/Duplicate/)
    const row = (await digest(main, 'select s from t where id = ?'))!
    expect(row).toMatchObject({ kind: 'select', count: 4, errors: 0, rows: 4, affected: 0, pins: 0 })
    expect(row['totalMs']).toBeGreaterThanOrEqual(row['maxMs'] as number)
    expect(row['maxMs']).toBeGreaterThanOrEqual(row['p95Ms'] as number)
    expect(Date.parse(row['firstSeen'] as string)).toBeLessThanOrEqual(Date.parse(row['lastSeen'] as string))
    expect(await digest(main, 'update t set s = concat(s, ?) where id < ?')).toMatchObject({ count: 1, affected: 2 })
    // An error is a reason to stay on the connection that can tell of it.
    expect(await digest(main, 'insert into t values (...)')).toMatchObject({ count: 1, errors: 1, pins: 1 })
  })

  test('of a statement that comes in pieces', async () => {
    const main = await portolan()
    const direct = await rig.client(server.port)
    await direct.query('SET GLOBAL max_allowed_packet = 67108864')
    const client = await rig.client(main)
    await client.query(`SELECT LENGTH('${'x'.repeat(20_000_000)}')`)
    expect(await digest(main, 'select length(...)')).toMatchObject({ count: 1, rows: 1 })
    expect(main.requests()).toEqual({ 'select ok': 1 })
  })
})

describe('pins', () => {
  test('of a user variable: who, why, since which statement, and what to do', async () => {
    const main = await portolan()
    const [a, b] = await rig.clients(2, main)
    await b!.query('SELECT 1')
    await a!.query("SET @canary = 'secret'")
    await a!.query('SELECT 1')
    const { pinned, current, recent } = await pins(main)
    expect(pinned).toBe(1)
    expect(current).toMatchObject([
      { user: 'app', reason: 'user-variable', advice: expect.stringContaining('parameters') },
    ])
    expect(current[0]!.statement).toMatch(/^set @canary =/)
    expect(recent).toEqual([])
    expect(main.metric('portolan_pinned_sessions', { reason: 'user-variable' })).toBe(1)
    expect(main.log).toContainEqual(
      expect.objectContaining({ level: 'debug', message: 'client pinned to a connection', reason: 'user-variable' }),
    )
    const seconds = main.metric('portolan_pin_seconds_total', { reason: 'user-variable' })
    await a!.reset()
    expect(await pins(main)).toMatchObject({
      pinned: 0,
      current: [],
      recent: [{ client: current[0]!.client, reason: 'user-variable', digest: current[0]!['digest'] }],
    })
    expect(main.metric('portolan_pinned_sessions')).toBe(0)
    expect(main.metric('portolan_pins_total')).toBe(1)
    expect(main.metric('portolan_pin_seconds_total')).toBeGreaterThanOrEqual(seconds)
  })

  test('of a transaction are counted, and in the page while they last', async () => {
    const main = await portolan()
    const client = await rig.client(main)
    for (let i = 0; i < 3; i++) {
      await client.beginTransaction()
      await client.query('SELECT * FROM t')
      expect((await pins(main)).current).toMatchObject([{ reason: 'transaction', statement: 'start transaction' }])
      await client.commit()
    }
    expect(await pins(main)).toMatchObject({ pinned: 0, recent: [] })
    expect(main.metric('portolan_pins_total', { reason: 'transaction' })).toBe(3)
    expect(main.log.filter(({ message }) => message.includes('pinned'))).toEqual([])
  })

  test('of several reasons, and of a client that leaves', async () => {
    const main = await portolan()
    const client = await rig.client(main)
    await client.query('CREATE TEMPORARY TABLE mine (id INT)')
    await client.query("SELECT GET_LOCK('mine', 0)")
    await client.query('SELECT SQL_CALC_FOUND_ROWS * FROM t LIMIT 1')
    expect((await pins(main)).current.map(({ reason }) => reason)).toEqual([
      'temporary-table',
      'user-lock',
      'found-rows',
    ])
    await client.query('SELECT RELEASE_ALL_LOCKS()')
    expect((await pins(main)).recent.map(({ reason }) => reason)).toEqual(['user-lock'])
    await client.end()
    await until(() => main.connections() === 0)
    expect(main.metric('portolan_pinned_sessions')).toBe(0)
    expect((await pins(main)).recent.map(({ reason }) => reason).sort()).toEqual([
      'found-rows',
      'temporary-table',
      'user-lock',
    ])
  })

  test('in session mode every client is, without a statement', async () => {
    const main = await portolan({ pooling: 'session' })
    await rig.clients(2, main)
    const { current } = await pins(main)
    expect(current).toMatchObject([1, 2].map(() => ({ reason: 'session-mode', statement: null })))
    expect(main.metric('portolan_pinned_sessions', { reason: 'session-mode' })).toBe(2)
  })

  test('that last are logged once, but no transactions', async () => {
    const main = await portolan({ pinLog: '1ms' })
    const [a, b] = await rig.clients(2, main)
    await b!.beginTransaction()
    await b!.query('SELECT * FROM t')
    await a!.query('SET @x = 1')
    const lines = () => main.log.filter(({ message }) => message === 'client pinned to a connection for long')
    await until(() => lines().length > 0)
    await b!.query('SET @y = 1')
    await until(() => lines().length > 1)
    expect(lines()).toMatchObject(
      ['@x', '@y'].map(name => ({
        level: 'info',
        reason: 'user-variable',
        statement: expect.stringContaining(name),
        advice: expect.any(String),
      })),
    )
  })
})

test('no literal gets into metrics, log or pages', async () => {
  const main = await portolan({ slowLog: '1ms', pinLog: '1ms' })
  const client = await rig.client(main, { multipleStatements: true })
  const CANARY = 'Kanarienvogel'
  const NUMBER = '918273645'
  const texts = [
    `SELECT '${CANARY}', "${CANARY}", N'${CANARY}', _utf8mb4'${CANARY}', ${NUMBER}, -${NUMBER}.5e3, 0x${NUMBER}, x'${NUMBER}0', SLEEP(0.01)`,
    `SELECT SLEEP(0.01) /* ${CANARY} */ -- ${CANARY}\n, '${CANARY}''${CANARY}', '\\'${CANARY}'`,
    `SELECT SLEEP(0.01), '${CANARY}`,
    `SELECT "${CANARY}`,
    `SELECT 'a' ${CANARY}' FROM t`,
    `SELECT 'it's ${CANARY}'`,
    `SELEC '${CANARY}'`,
    `SELECT /* ${CANARY}`,
    `INSERT INTO t VALUES (${NUMBER}, '${CANARY}'), (${NUMBER}, '${CANARY}')`,
    `INSERT INTO t VALUES (1, '${CANARY}')`,
    `SELECT CAST('${CANARY}' AS INT), CONVERT('${CANARY}', DATE)`,
    `SELECT 1; SELECT '${CANARY}'; SELECT ${NUMBER}`,
    `CREATE USER canary1 IDENTIFIED BY '${CANARY}'`,
    `CREATE USER canary2 IDENTIFIED VIA mysql_native_password USING '*${CANARY}'`,
    `CREATE USER canary3 IDENTIFIED BY PASSWORD '${CANARY}`,
    `ALTER USER canary1 IDENTIFIED BY "${CANARY}"`,
    `SET PASSWORD FOR canary1 = PASSWORD('${CANARY}')`,
    `SET PASSWORD FOR canary1 = '${CANARY}'`,
    `GRANT SELECT ON app.* TO canary1 IDENTIFIED BY '${CANARY}'`,
    `SET @x = '${CANARY}', @y = ${NUMBER}`,
    `SET time_zone = '${CANARY}'`,
    `PREPARE p FROM 'SELECT ''${CANARY}'''`,
    `CALL nothing('${CANARY}')`,
    `SELECT GET_LOCK('${CANARY}', 0)`,
    `SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'`,
    `SELECT '${CANARY}\\', SLEEP(0.01)`,
    `SELECT '${CANARY}\\' ${CANARY}' '`,
  ]
  for (const text of texts) await failing(client, text)
  await client.execute('SELECT ?, ?, SLEEP(0.01)', [CANARY, NUMBER])
  await client.execute(`SELECT '${CANARY}', ?`, [NUMBER]).catch(() => {})
  await expect(rig.client(main, { password: CANARY })).resolves.toBeDefined()
  await until(() => main.log.some(({ message }) => message.includes('for long')))
  const { exposition } = main.app as unknown as { exposition: () => Promise<{ render(): Promise<string> }> }
  const told = {
    metrics: await (await exposition.call(main.app)).render(),
    log: JSON.stringify(main.log),
    pins: JSON.stringify(await pins(main)),
    digests: JSON.stringify(await digests(main)),
    pages: JSON.stringify([main.status()]),
  }
  for (const text of Object.values(told)) expect(text.toLowerCase()).not.toMatch(/kanarienvogel|918273645/)
  // They do tell of these statements.
  expect(told.metrics).toContain('operation="account"')
  expect(told.log).toContain('slow request')
  expect(told.digests).toContain('create user canary1 identified by ?')
  expect(told.pins).toContain('set @x = ?')
  expect(await value(client, 'SELECT 1')).toBe(1)
})
