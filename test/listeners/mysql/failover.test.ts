/** Servers that go away: what a client sees of it, and who serves it then. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import { until } from '../../support/portolan.ts'

const rig = new MysqlRig()
let first: MariadbServer
let second: MariadbServer
const backend = { credentials: { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } } }
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  const servers = [1, 2].map(id => startMariadb({ args: [`--server-id=${id}`] }))
  ;[first, second] = (await Promise.all(servers)) as [MariadbServer, MariadbServer]
})
afterAll(() => Promise.all([first.stop(), second.stop()]))
afterEach(() => rig.close())

test('the endpoints serve in their order; when the first one is killed, the next one does, for the same client', async () => {
  const endpoints = [first.port, second.port]
  const portolan = await rig.portolan(first.port, { endpoints, backend })
  const [idle, held] = await rig.clients(2, portolan)
  expect(await value(idle!, 'SELECT @@server_id')).toBe(1)
  await held!.beginTransaction()
  await held!.query('SELECT 1')
  await first.kill()
  // The transaction is gone, and its client is told so: it must not go on elsewhere.
  await expect(held!.query('SELECT 1')).rejects.toThrow()
  expect(await value(idle!, 'SELECT @@server_id')).toBe(2)
  await first.restart()
})

test('a server that dies within a statement: error 1927, and the client goes on with the next server', async () => {
  const portolan = await rig.portolan(first.port, { endpoints: [first.port, second.port], backend })
  const client = await rig.client(portolan)
  expect(await value(client, 'SELECT @@server_id')).toBe(1)
  const running = expect(client.query('SELECT SLEEP(30)')).rejects.toMatchObject({ errno: 1927 })
  const watcher = await rig.client(first.port)
  await until(
    async () =>
      (await value(
        watcher,
        "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(30)%' AND id <> CONNECTION_ID()",
      )) === 1,
  )
  await first.kill()
  await running
  expect(await value(client, 'SELECT @@server_id')).toBe(2)
  await first.restart()
})

test('without any server: an error that says so, at once, and service when one is back', async () => {
  const portolan = await rig.portolan(first.port, { backend })
  const client = await rig.client(portolan)
  await first.kill()
  await expect(client.query('SELECT 1')).rejects.toMatchObject({ errno: 1429 })
  await first.restart()
  await until(async () => {
    const answer = await client.query('SELECT 1').catch(() => null)
    return answer !== null
  })
})

test('with a hold time clients wait for the server, those who log in too', async () => {
  const portolan = await rig.portolan(first.port, { backend: { ...backend, holdTime: '60s' } })
  const client = await rig.client(portolan)
  await client.query('SELECT 1')
  await first.kill()
  const waiting = client.query('SELECT 1')
  const entering = rig.client(portolan)
  await until(() => portolan.metric('portolan_upstream_queue') === 2)
  await first.restart()
  await waiting
  expect(await value(await entering, 'SELECT 2')).toBe(2)
})

test('a statement of a client that leaves is killed at the server', async () => {
  const portolan = await rig.portolan(second.port, { backend })
  const client = await rig.client(portolan)
  client.query('SELECT SLEEP(31)').catch(() => {})
  const watcher = await rig.client(second.port)
  const running = () =>
    value(
      watcher,
      "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(31)%' AND id <> CONNECTION_ID()",
    )
  await until(async () => (await running()) === 1)
  client.destroy()
  await until(async () => (await running()) === 0)
})
