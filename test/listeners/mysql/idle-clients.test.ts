/** How long a client may be silent, by its own wait_timeout. */
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import { until } from '../../support/portolan.ts'

const rig = new MysqlRig()
let server: MariadbServer
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  server = await startMariadb()
})
afterAll(() => server.stop())
afterEach(() => rig.close())
const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
const POOLED = 'SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()'

test('a client is closed after its own wait_timeout, and the connection that it had serves on', async () => {
  const portolan = await rig.portolan(server.port, { backend: { credentials, pool: { max: 1 } } })
  const [client, other] = await rig.clients(2, portolan)
  const direct = await rig.client(server.port)
  await other!.query('SELECT 1')
  await client!.query('SET wait_timeout = 1')
  expect(await value(client!, 'SELECT @@wait_timeout')).toBe(1)
  const pooled = await value(direct, POOLED)
  await once(client!, 'end')
  expect(portolan.connections()).toBe(1)
  // The server would have ended it by then, and the pool would have before.
  await until(
    async () =>
      (await value(direct, `SELECT time >= 2 FROM information_schema.processlist WHERE id = ${pooled}`)) === 1,
  )
  expect(await value(other!, 'SELECT @@wait_timeout')).toBe(28_800)
  expect(await value(direct, POOLED)).toBe(pooled)
})

test('the time of a statement is not counted', async () => {
  const portolan = await rig.portolan(server.port, {
    listener: { transactionIdleTimeout: '1s' },
    backend: { credentials },
  })
  const client = await rig.client(portolan)
  await client.query('BEGIN')
  await client.query('DO SLEEP(1.5)')
  const [answered, swept] = [performance.now(), 990]
  await until(() => performance.now() - answered > swept)
  expect(await value(client, 'SELECT 1')).toBe(1)
})
