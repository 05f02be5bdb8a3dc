/** The end of Portolan, as SIGTERM brings it: what clients have begun may end within the grace, and not beyond. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import { type Portolan, until } from '../../support/portolan.ts'

const rig = new MysqlRig()
let server: MariadbServer
let portolan: Portolan
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  server = await startMariadb()
  const direct = await rig.client(server.port)
  await direct.query('CREATE TABLE t (c INT)')
  await rig.close()
})
afterAll(() => server.stop())
beforeEach(async () => {
  const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
  portolan = await rig.portolan(server.port, { backend: { credentials } })
})
afterEach(() => rig.close())

const stored = async (c: number) => value(await rig.client(server.port), 'SELECT COUNT(*) FROM t WHERE c = ?', [c])

/** Statements that sleep at the server. */
const sleeping = async () =>
  Number(
    await value(
      await rig.client(server.port, { user: 'root', password: '' }),
      'SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE "%SLEEP(60)%" AND id <> CONNECTION_ID()',
    ),
  )

test('a transaction may end, and its client is closed then; one without is closed at once', async () => {
  const [busy, idle] = await rig.clients(2, portolan)
  await busy!.beginTransaction()
  await busy!.query('INSERT INTO t VALUES (1)')
  const idleEnded = new Promise<void>(resolve => idle!.on('error', () => resolve()))
  const busyEnded = new Promise<void>(resolve => busy!.on('error', () => resolve()))
  const drained = portolan.app.drain(30_000)
  await idleEnded
  await expect(rig.client(portolan)).rejects.toThrow()
  await busy!.execute('INSERT INTO t VALUES (?)', [1])
  expect(await value(busy!, 'SELECT COUNT(*) FROM t WHERE c = 1')).toBe(2)
  await busy!.commit()
  await busyEnded
  await drained
  expect(await stored(1)).toBe(2)
})

test('a statement that runs may end', async () => {
  const client = await rig.client(portolan)
  const direct = await rig.client(server.port)
  await direct.query('LOCK TABLES t WRITE')
  const inserted = client.query('INSERT INTO t VALUES (2)')
  const waits = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'"
  await until(async () => (await value(direct, waits)) === 1)
  const drained = portolan.app.drain(30_000)
  await direct.query('UNLOCK TABLES')
  await inserted
  await drained
  expect(await stored(2)).toBe(1)
})

test('at the deadline the rest is cut: a transaction leaves nothing behind, a statement is ended at the server', async () => {
  const [busy, sleeper] = await rig.clients(2, portolan)
  await busy!.beginTransaction()
  await busy!.query('INSERT INTO t VALUES (3)')
  const slept = expect(sleeper!.query('SELECT SLEEP(60)')).rejects.toThrow()
  await until(async () => (await sleeping()) === 1)
  await portolan.app.drain(200)
  await slept
  await expect(busy!.commit()).rejects.toThrow()
  await until(async () => (await sleeping()) === 0)
  expect(await stored(3)).toBe(0)
})
