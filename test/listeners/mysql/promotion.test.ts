/** The primary dies or becomes a replica, and another server takes its place: clients see latency, where that is right. */
import type { Connection } from 'mysql2/promise'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MysqlRig, value } from '../../support/mysql.ts'
import { type Portolan, until } from '../../support/portolan.ts'
import { ReplicationSet } from '../../support/replication-set.ts'

const rig = new MysqlRig()
let set: ReplicationSet
beforeEach(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'portolan'
  set = await ReplicationSet.start(2)
  const [primary, replica] = set.servers
  await set.run(primary!, 'CREATE TABLE app.t (id INT PRIMARY KEY AUTO_INCREMENT, c INT)')
  await set.follow(replica!, primary!)
}, 60_000)
afterEach(async () => {
  await rig.close()
  await set.stop()
})

const WHICH = 'SELECT server FROM which'

async function start(backend: Record<string, unknown> = {}): Promise<Portolan> {
  const credentials = { username: 'portolan', password: { env: 'MYSQL_TEST_PASSWORD' } }
  const endpoints = set.ports
  const portolan = await rig.portolan(endpoints[0]!, {
    endpoints,
    backend: { topology: 'primary-replica', checkInterval: '100ms', credentials, holdTime: '30s', ...backend },
  })
  await until(() => roles(portolan) === 'primary,replica')
  return portolan
}

const roles = (portolan: Portolan) =>
  portolan
    .status()
    .endpoints.map(({ role }) => role)
    .join()

const insert = (client: Connection, number: number) => client.query('INSERT INTO t (c) VALUES (?)', [number])

test('the primary dies: clients wait for the new one, and a transaction under way ends with an error', async () => {
  const [primary, replica] = set.servers
  const portolan = await start()
  const clients = await rig.clients(5, portolan)
  for (const client of clients) await insert(client, 0)
  await until(async () => (await value(await rig.client(replica!.port), 'SELECT COUNT(*) FROM t')) === 5)
  const inTransaction = await rig.client(portolan)
  await inTransaction.beginTransaction()
  await insert(inTransaction, 7)
  await primary!.kill()
  const waiting = clients.map((client, index) => insert(client, index + 1))
  await expect(inTransaction.query('COMMIT')).rejects.toThrow()
  await until(() => portolan.metric('portolan_upstream_queue') === 5)
  await set.promote(replica!)
  await Promise.all(waiting)
  for (const client of clients) expect(await value(client, WHICH)).toBe(2)
  expect(await value(clients[0]!, 'SELECT GROUP_CONCAT(c ORDER BY c) FROM t')).toBe('0,0,0,0,0,1,2,3,4,5')
  expect(portolan.metric('portolan_upstream_failovers_total')).toBe(1)
  // The old one comes back, and does not know what has happened: nobody writes to it.
  await primary!.restart()
  await until(() => roles(portolan) === 'standby,primary')
  expect(await value(clients[0]!, WHICH)).toBe(2)
  expect(portolan.log).toContainEqual(expect.objectContaining({ message: 'several servers can be written to' }))
  expect(portolan.log).toContainEqual(
    expect.objectContaining({ message: 'the primary is found', primary: `127.0.0.1:${replica!.port}` }),
  )
}, 60_000)

test('the primary and a replica change places under load: no statement fails, and none runs twice', async () => {
  const [primary, replica] = set.servers
  const portolan = await start()
  const clients = await rig.clients(6, portolan)
  let running = true
  let next = 0
  const work = clients.map(async (client, index) => {
    while (running) {
      const number = ++next
      if (index % 2 === 0) await insert(client, number)
      else await client.execute('INSERT INTO t (c) VALUES (?)', [number])
    }
  })
  await until(() => next > 50)
  // In this order a transaction that the old primary has committed is with the new one.
  await set.run(primary!, 'SET GLOBAL read_only = ON')
  await set.catchUp(replica!, primary!)
  await set.promote(replica!)
  await set.follow(primary!, replica!)
  const before = next
  await until(() => next > before + 50)
  running = false
  await Promise.all(work)
  await until(() => roles(portolan) === 'replica,primary')
  const client = await rig.client(portolan)
  expect(await value(client, WHICH)).toBe(2)
  expect(await value(client, 'SELECT COUNT(*) = COUNT(DISTINCT c) FROM t')).toBe(1)
  expect(await value(client, 'SELECT COUNT(*) FROM t')).toBe(next)
  expect(portolan.metric('portolan_upstream_repeats_total')).toBeGreaterThan(0)
}, 60_000)

test('a transaction that finds its server read-only gets the error, and the client goes on with the new primary', async () => {
  const [primary, replica] = set.servers
  const portolan = await start()
  const client = await rig.client(portolan)
  await client.beginTransaction()
  expect(await value(client, WHICH)).toBe(1)
  await set.run(primary!, 'SET GLOBAL read_only = ON')
  await expect(insert(client, 1)).rejects.toMatchObject({ errno: 1290 })
  await client.rollback()
  const inserted = insert(client, 2)
  await set.promote(replica!)
  await inserted
  expect(await value(client, WHICH)).toBe(2)
  expect(portolan.metric('portolan_upstream_repeats_total')).toBe(0)
})

test('nobody becomes the primary: an error when the hold time is over, at once for one too many', async () => {
  const [primary] = set.servers
  const portolan = await start({ holdTime: '300ms', pool: { maxWaiting: 2 } })
  const clients: Connection[] = []
  for (let i = 0; i < 3; i++) clients.push(await rig.client(portolan))
  for (const client of clients) await insert(client, 0)
  await primary!.kill()
  await until(() => roles(portolan) !== 'primary,replica')
  const failures = await Promise.all(clients.map(client => insert(client, 1).catch(({ errno }) => errno)))
  expect(failures.sort()).toEqual([1040, 1429, 1429])
  expect(portolan.status().state).toBe('down')
})

test('a replica that is killed: reads go on with the primary', async () => {
  const [, replica] = set.servers
  const portolan = await start({ readFrom: 'prefer-replica' })
  const client = await rig.client(portolan)
  expect(await value(client, WHICH)).toBe(2)
  await replica!.kill()
  await until(async () => (await value(client, WHICH).catch(() => 0)) === 1)
  await replica!.restart()
  await until(async () => (await value(client, WHICH)) === 2)
})
