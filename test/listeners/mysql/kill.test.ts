/** KILL with the number that a client knows itself by. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import { until } from '../../support/portolan.ts'

const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
const rig = new MysqlRig()
let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb()
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
})
afterAll(() => server.stop())
afterEach(() => rig.close())

test('KILL QUERY ends the statement, KILL the connection; each counts', async () => {
  const main = await rig.portolan(server.port, { backend: { credentials } })
  const direct = await rig.client(server.port)
  const running = () => value(direct, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'DO SLEEP%'")
  const [a, b] = await rig.clients(2, main)
  const sleeping = a!.query('DO SLEEP(60)').then(() => '', String)
  await until(async () => (await running()) === 1)
  await b!.query(`KILL QUERY ${a!.threadId}`)
  await sleeping
  expect(await running()).toBe(0)
  expect(await value(a!, 'SELECT 6 * 7')).toBe(42)
  const again = a!.query('DO SLEEP(60)').then(() => '', String)
  await until(async () => (await running()) === 1)
  await b!.query(`KILL ${a!.threadId}`)
  expect(await again).toMatch(/closed|lost/i)
  await until(async () => (await running()) === 0)
  expect(main.requests()).toMatchObject({ 'kill-query ok': 1, 'kill ok': 1, 'select ok': 1 })
})

test('KILL among other statements ends nobody: neither whom the number means nor whose the connection is', async () => {
  const main = await rig.portolan(server.port, { backend: { credentials } })
  const direct = await rig.client(server.port)
  const running = () => value(direct, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'DO SLEEP%'")
  const [a, b] = await rig.clients(2, main, { multipleStatements: true })
  const sleeping = a!.query('DO SLEEP(60)').then(() => '', String)
  await until(async () => (await running()) === 1)
  for (const text of [
    `SELECT 1; KILL ${a!.threadId}`,
    `KILL QUERY ${a!.threadId}; SELECT 1`,
    `DO 1; KILL 5; KILL ${a!.threadId}`,
  ]) {
    await expect(b!.query(text)).rejects.toMatchObject({ errno: 1235 })
  }
  expect(await running()).toBe(1)
  // Numbers of the server's are for the server to judge.
  await expect(b!.query('SELECT 1; KILL 999999')).rejects.toMatchObject({ errno: 1094 })
  await b!.query(`KILL ${a!.threadId}`)
  expect(await sleeping).toMatch(/closed|lost/i)
})

test('a kill that fails is told: what runs may run on', async () => {
  const main = await rig.portolan(server.port, { backend: { credentials } })
  const direct = await rig.client(server.port)
  const running = () => value(direct, "SELECT MIN(id) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'DO SLEEP%'")
  const client = await rig.client(main)
  client.query('DO SLEEP(60)').catch(() => {})
  await until(async () => (await running()) !== null)
  await direct.query("ALTER USER app@'%' ACCOUNT LOCK")
  client.destroy()
  await until(() => main.metric('portolan_upstream_kill_failures_total') === 1)
  expect(main.log.filter(({ message }) => message.includes('could not be killed'))).toMatchObject([{ level: 'warn' }])
  await direct.query("ALTER USER app@'%' ACCOUNT UNLOCK")
  await direct.query(`KILL ${await running()}`)
})
