/** Changes of the session that the server does not report. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, row, value } from '../../support/mysql.ts'

const rig = new MysqlRig()
let server: MariadbServer
const backend = { credentials: { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }, pool: { max: 1 } }

beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  server = await startMariadb()
})
afterEach(() => rig.close())
afterAll(() => server.stop())

const READ = 'SELECT @@wait_timeout AS w, @@time_zone AS z, @@autocommit AS a'

test('SET @@x without a scope stays with its client, which keeps no connection for it', async () => {
  const portolan = await rig.portolan(server.port, { backend })
  const [client, other] = await rig.clients(2, portolan)
  const before = { ...(await row(other!, READ)) }
  await client!.query("SET @@wait_timeout = 1234, @@`time_zone` := '+05:00', @@autocommit = 0")
  expect(await row(other!, READ)).toEqual(before)
  expect(await row(client!, READ)).toEqual({ w: 1234, z: '+05:00', a: 0 })
  expect(await row(other!, READ)).toEqual(before)
  expect(portolan.metric('portolan_pins_total', { reason: 'unexplained-state' })).toBe(0)
})

test('SET @@x of what is not followed ties the client to its connection', async () => {
  const portolan = await rig.portolan(server.port, { backend: { ...backend, pool: { max: 2 } } })
  const [client, other] = await rig.clients(2, portolan)
  await client!.query('SET @@timestamp = 1000')
  expect(Number(await value(client!, 'SELECT UNIX_TIMESTAMP()'))).toBe(1000)
  expect(Number(await value(other!, 'SELECT UNIX_TIMESTAMP()'))).toBeGreaterThan(1000)
  expect(portolan.metric('portolan_pinned_sessions', { reason: 'unexplained-state' })).toBe(1)
})

test('SET @@x of what cuts off the answer to our question ties the client to its connection', async () => {
  const portolan = await rig.portolan(server.port, { backend: { ...backend, pool: { max: 2 } } })
  const [client, other] = await rig.clients(2, portolan)
  await client!.query('SET @@sql_select_limit = 1')
  expect(await value(client!, 'SELECT @@sql_select_limit')).toBe(1)
  expect(await value(other!, 'SELECT @@sql_select_limit')).toBeGreaterThan(1)
})

test('SET @@x of a prepared statement ties the client to its connection', async () => {
  const portolan = await rig.portolan(server.port, { backend: { ...backend, pool: { max: 2 } } })
  const [client, other] = await rig.clients(2, portolan)
  await client!.execute('SET @@wait_timeout = 1234')
  expect(await value(client!, 'SELECT @@wait_timeout')).toBe(1234)
  expect(await value(other!, 'SELECT @@wait_timeout')).not.toBe(1234)
})

test('a client that follows session state is told what it would be told directly', async () => {
  const portolan = await rig.portolan(server.port, { backend })
  for (const where of [server.port, portolan]) {
    const client = await rig.client(where)
    const [set] = await client.query('SET @a = 1')
    expect(set).not.toHaveProperty('stateChanges')
    const [used] = await client.query('USE mysql')
    expect(used).toMatchObject({ stateChanges: { schema: 'mysql', trackStateChange: null } })
    await client.query('SET session_track_state_change = ON')
    const [tracked] = await client.query('SET @a = 2')
    expect(tracked).toHaveProperty('stateChanges')
    await client.end()
  }
})
