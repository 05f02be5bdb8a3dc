import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MysqlBackend, OwnLease } from '../../../src/backends/mysql/index.ts'
import { systemClock } from '../../../src/protocol.ts'
import { type MysqlBench, startMysqlBench } from '../../components/mysql-backend.ts'

let bench: MysqlBench

beforeAll(async () => {
  bench = await startMysqlBench()
  await bench.root('CREATE TABLE app.notes (id INT PRIMARY KEY AUTO_INCREMENT, text VARCHAR(9)) ENGINE=InnoDB')
})
afterAll(() => bench?.stop())

const take = (backend: MysqlBackend = bench.backend) => OwnLease.take(backend, systemClock, 5_000)
const ids = async () => (await bench.root('SELECT id FROM app.notes ORDER BY id')).map(({ id }) => id)

async function withLease<Result>(task: (lease: OwnLease) => Promise<Result>, backend?: MysqlBackend): Promise<Result> {
  const lease = await take(backend)
  try {
    return await task(lease)
  } finally {
    lease.end()
  }
}

const defaults = async (values: Readonly<Record<string, string>>) => {
  for (const [name, value] of Object.entries(values)) await bench.root(`SET GLOBAL ${name} = ${value}`)
}

test('statements mean the same whatever the defaults of the server are', async () => {
  await defaults({ autocommit: '0', sql_mode: "'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", completion_type: '1' })
  const backend = await bench.openBackend()
  try {
    await withLease(lease => lease.ask("INSERT INTO app.notes VALUES (1, x'61')", 5_000), backend)
    expect(await ids()).toEqual([1])
    const tooLong = withLease(lease => lease.ask("INSERT INTO app.notes VALUES (2, REPEAT('x', 10))", 5_000), backend)
    await expect(tooLong).rejects.toMatchObject({ serverCode: 1406 })
    const { rows } = await withLease(lease => lease.ask('SELECT @@completion_type', 5_000), backend)
    expect(rows).toEqual([['NO_CHAIN']])
  } finally {
    await backend.close(0)
    await defaults({ autocommit: '1', sql_mode: 'DEFAULT', completion_type: '0' })
    await bench.root('DELETE FROM app.notes')
  }
})

test('a connection is brought into our state once, and then a statement is one round trip', async () => {
  const counts = async () => {
    const rows = await bench.root("SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_select', 'Com_set_option')")
    return rows.map(({ Value }) => Number(Value))
  }
  const one = () => withLease(lease => lease.ask('SELECT 1', 5_000))
  await one()
  const [selects, sets] = (await counts()) as [number, number]
  for (let i = 0; i < 10; i++) await one()
  expect(await counts()).toEqual([selects + 10, sets])
})

test('a transaction is all or nothing, and its connection serves on', async () => {
  const insert = (id: number) => `INSERT INTO app.notes VALUES (${id}, 'x')`
  const given = withLease(lease =>
    lease.transaction(async () => {
      await lease.ask(insert(1), 5_000)
      await lease.ask(insert(1), 5_000)
    }, 5_000),
  )
  await expect(given).rejects.toMatchObject({ serverCode: 1062 })
  const own = withLease(lease =>
    lease.transaction(async () => {
      await lease.ask(insert(2), 5_000)
      throw new Error('changed its mind')
    }, 5_000),
  )
  await expect(own).rejects.toThrow('changed its mind')
  const whole = withLease(lease => lease.transaction(() => lease.ask(insert(3), 5_000), 5_000))
  expect((await whole).affectedRows).toBe(1)
  expect(await ids()).toEqual([3])
  expect(await withLease(lease => lease.ask('SELECT COUNT(*) FROM app.notes', 5_000))).toMatchObject({ rows: [['1']] })
  await bench.root('DELETE FROM app.notes')
})

test('what is not answered in time is ended at the server, and known to be undone in a transaction only', async () => {
  await bench.root("INSERT INTO app.notes VALUES (1, 'x')")
  const holder = await bench.hold('SELECT * FROM app.notes FOR UPDATE')
  const update = "UPDATE app.notes SET text = 'y'"
  const single = withLease(lease => lease.ask(update, 100))
  await expect(single).rejects.toMatchObject({ code: 'upstream-timeout', retryable: false })
  const within = withLease(lease => lease.transaction(() => lease.ask(update, 100), 5_000))
  await expect(within).rejects.toMatchObject({ code: 'upstream-timeout', retryable: true })
  await expect.poll(() => bench.running(update)).toBe(0)
  holder.destroy()
  await expect.poll(() => withLease(lease => lease.ask(update, 5_000)).then(answer => answer.affectedRows)).toBe(1)
  await bench.root('DELETE FROM app.notes')
})

test('LAST_INSERT_ID() of a client that had the connection before is saved, and is never ours', async () => {
  const saved: string[][] = []
  const client = { saveInsertId: (now: string, before: string) => saved.push([now, before]) }
  const lease = await take()
  const { insertId } = await lease.ask("INSERT INTO app.notes (text) VALUES ('x')", 5_000)
  lease.end()
  const upstream = bench.backend.pool.take(lease)!
  // As a listener's session notes what its client has inserted.
  upstream.insertUser = client
  upstream.insertId = '0'
  upstream.home.release(upstream)
  const next = await take()
  expect((await next.ask('SELECT LAST_INSERT_ID(77)', 5_000)).rows).toEqual([['77']])
  await next.ask("INSERT INTO app.notes (id, text) VALUES (LAST_INSERT_ID(78), 'y')", 5_000)
  expect(saved).toEqual([[String(insertId), '0']])
  expect(upstream).toMatchObject({ insertUser: null, insertId: '78' })
  next.end()
  await bench.root('DELETE FROM app.notes')
})

test('who finds no free connection waits for one, and gives up in time', async () => {
  const backend = await bench.openBackend({ pool: { max: 1 } })
  const first = await take(backend)
  const second = take(backend)
  await expect(OwnLease.take(backend, systemClock, 50)).rejects.toMatchObject({ code: 'pool-timeout', retryable: true })
  first.end()
  const lease = await second
  expect((await lease.ask('SELECT 1', 5_000)).rows).toEqual([['1']])
  lease.end()
  expect(backend.pool).toMatchObject({ size: 1, idle: 1, waiting: 0 })
  await backend.close(0)
})

test('a connection that is lost while it is lent says so, and is nobody’s any more', async () => {
  const lease = await take()
  const { rows } = await lease.ask('SELECT CONNECTION_ID()', 5_000)
  await bench.root(`KILL CONNECTION ${rows[0]![0]}`)
  await expect
    .poll(() =>
      lease.ask('SELECT 1', 5_000).then(
        () => null,
        error => error.code,
      ),
    )
    .toBe('upstream-lost')
  lease.end()
  expect((await withLease(next => next.ask('SELECT 2', 5_000))).rows).toEqual([['2']])
})

test('an answer that is too long to keep is refused, and the connection serves on', async () => {
  const lease = await take()
  const row = lease.ask("SELECT REPEAT('x', 1 << 20) UNION ALL SELECT REPEAT('y', 15 << 20)", 5_000)
  expect((await row).rows.map(([text]) => text!.length)).toEqual([1 << 20, 15 << 20])
  const many = Array.from({ length: 5 }, () => "SELECT REPEAT('x', 15 << 20)").join(' UNION ALL ')
  await expect(lease.ask(many, 30_000)).rejects.toMatchObject({ code: 'upstream-answer-too-long' })
  expect((await lease.ask('SELECT 3', 5_000)).rows).toEqual([['3']])
  const long = lease.ask(`SELECT '${'x'.repeat(1 << 24)}'`, 5_000)
  await expect(long).rejects.toMatchObject({ code: 'statement-too-long' })
  lease.end()
})
