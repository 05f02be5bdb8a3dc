/** KILL with the number that a client knows itself by. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import { until } from '../../support/portolan.ts'

const rig = new MysqlRig()
let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb()
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
})
afterAll(() => server.stop())
afterEach(() => rig.close())

test('KILL QUERY ends the statement, KILL the connection; each counts', async () => {
  const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
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
