/** A primary and its replicas: who reads and writes where. Each server has a table of its own that tells which it is. */
import type { Connection, ResultSetHeader } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { MysqlRig, value } from '../../support/mysql.ts'
import { type Portolan, until } from '../../support/portolan.ts'
import { ReplicationSet } from '../../support/replication-set.ts'

const rig = new MysqlRig()
let set: ReplicationSet
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'portolan'
  set = await ReplicationSet.start(3)
  const table = 'CREATE TABLE app.t (id INT PRIMARY KEY AUTO_INCREMENT, c INT)'
  await set.run(set.servers[0]!, table, 'CREATE FUNCTION app.site() RETURNS INT DETERMINISTIC RETURN @@server_id')
}, 60_000)
afterAll(() => set.stop())
afterEach(async () => {
  await rig.close()
  for (const replica of set.servers.slice(1)) await set.follow(replica, set.servers[0]!)
})

const WHICH = 'SELECT server FROM which'

async function start(backend: Record<string, unknown> = {}): Promise<Portolan> {
  const credentials = { username: 'portolan', password: { env: 'MYSQL_TEST_PASSWORD' } }
  const endpoints = set.ports
  const portolan = await rig.portolan(endpoints[0]!, {
    endpoints,
    backend: { topology: 'primary-replica', checkInterval: '50ms', credentials, ...backend },
  })
  await until(() => rolesOf(portolan).join() === 'primary,replica,replica')
  return portolan
}

const rolesOf = (portolan: Portolan) => portolan.status().endpoints.map(({ role }) => role)

async function insert(client: Connection, number = 1): Promise<number> {
  const [{ insertId }] = await client.query<ResultSetHeader>('INSERT INTO t (c) VALUES (?)', [number])
  return insertId
}

/** Where the row is read, and whether it is there. */
const find = async (client: Connection, id: number) =>
  (await client.query('SELECT server, (SELECT COUNT(*) FROM t WHERE id = ?) AS found FROM which', [id]))[0]

test('roles and lag are looked at, and shown', async () => {
  const portolan = await start()
  await until(() => portolan.status().state === 'up')
  const { endpoints } = portolan.status()
  expect(endpoints).toMatchObject([
    { role: 'primary', state: 'up' },
    { role: 'replica', state: 'up', lagSeconds: expect.any(Number) },
    { role: 'replica', state: 'up', lagSeconds: expect.any(Number) },
  ])
  expect(portolan.metric('portolan_upstream_endpoint_up', { role: 'primary', endpoint: '1' })).toBe(1)
  expect(portolan.metric('portolan_upstream_endpoint_up', { role: 'replica' })).toBe(2)
})

test('everything goes to the primary unless the configuration says otherwise', async () => {
  const client = await rig.client(await start())
  for (let i = 0; i < 3; i++) expect(await value(client, WHICH)).toBe(1)
})

describe('readFrom: prefer-replica', () => {
  const READ = 'go to a replica'
  test.each<[string, (client: Connection) => Promise<unknown>]>([
    ['a SELECT', client => value(client, WHICH)],
    ['an execution of one', async client => ((await client.execute(WHICH))[0] as { server: number }[])[0]!.server],
    [
      'a transaction that begins as READ ONLY',
      async client => {
        await client.query('START TRANSACTION READ ONLY')
        await value(client, 'SELECT COUNT(*) FROM t')
        const which = await value(client, WHICH)
        await client.query('COMMIT')
        return which
      },
    ],
  ])(`%s: ${READ}, and writes behind them to the primary`, async (_, which) => {
    const client = await rig.client(await start({ readFrom: 'prefer-replica' }))
    expect(await which(client)).toBeOneOf([2, 3])
    const id = await insert(client)
    expect(await value(client, 'SELECT COUNT(*) FROM t WHERE id = ? FOR UPDATE', [id])).toBe(1)
  })

  test.each([
    ['locks rows', [], `${WHICH} FOR UPDATE`],
    ['takes a named lock', [], "SELECT server FROM which WHERE GET_LOCK('a', 1) = 1"],
    ['asks for a variable', [], 'SELECT server FROM which WHERE @@version_comment IS NOT NULL'],
    ['sets a variable', [], 'SELECT @a := server FROM which'],
    ['calls a stored function', [], 'SELECT site() FROM which'],
    ['is in a transaction', ['BEGIN'], WHICH],
    ['is without autocommit', ['SET autocommit = 0'], WHICH],
    ['uses a temporary table', ['CREATE TEMPORARY TABLE mine (a INT)'], `${WHICH}, (SELECT COUNT(*) FROM mine) AS m`],
  ])('a SELECT that %s goes to the primary', async (_, before, select) => {
    const client = await rig.client(await start({ readFrom: 'prefer-replica' }))
    for (const statement of before) await client.query(statement)
    expect(await value(client, select)).toBe(1)
  })

  test('a READ ONLY transaction may not write, and what follows it may', async () => {
    const client = await rig.client(await start({ readFrom: 'prefer-replica' }))
    await client.query('START TRANSACTION READ ONLY')
    expect(await value(client, WHICH)).toBeOneOf([2, 3])
    await expect(insert(client)).rejects.toMatchObject({ errno: 1792 })
    // Ends the first one, and is of another kind.
    await client.query('START TRANSACTION')
    expect(await value(client, WHICH)).toBe(1)
    await insert(client)
    await client.query('COMMIT')
  })

  test('several reads at the same time go to the replica that is least busy', async () => {
    const portolan = await start({ readFrom: 'prefer-replica' })
    const clients = await rig.clients(4, portolan)
    const read = (client: Connection) => value(client, 'SELECT server FROM which WHERE SLEEP(0.3) = 0')
    expect((await Promise.all(clients.map(read))).sort()).toEqual([2, 2, 3, 3])
  })

  test('a client reads what it has written: it waits for it at the replica', async () => {
    await set.delayReplicas(1)
    const portolan = await start({ readFrom: 'prefer-replica', maxReplicaLag: '1h', replicaWait: '20s' })
    const client = await rig.client(portolan)
    const id = await insert(client)
    expect(await find(client, id)).toEqual([{ server: expect.toBeOneOf([2, 3]), found: 1 }])
    await client.beginTransaction()
    const second = await insert(client)
    await client.commit()
    const [rows] = await client.execute('SELECT server, (SELECT COUNT(*) FROM t WHERE id = ?) AS found FROM which', [
      second,
    ])
    expect(rows).toEqual([{ server: expect.toBeOneOf([2, 3]), found: 1 }])
    await set.delayReplicas(0)
  }, 60_000)

  test('if that takes too long the primary answers', async () => {
    await set.delayReplicas(3600)
    const portolan = await start({ readFrom: 'prefer-replica', maxReplicaLag: '5h', replicaWait: '10ms' })
    const client = await rig.client(portolan)
    expect(await value(client, WHICH)).toBeOneOf([2, 3])
    const id = await insert(client)
    expect(await find(client, id)).toEqual([{ server: 1, found: 1 }])
    await set.delayReplicas(0)
  })

  test('a replica that does not replicate, or is too far behind, is not read from', async () => {
    const [primary, first, second] = set.servers
    const portolan = await start({ readFrom: 'prefer-replica', maxReplicaLag: '1s' })
    const client = await rig.client(portolan)
    await set.stopApplying(first!)
    const blocker = await rig.client(second!.port, { user: 'root', password: '' })
    await blocker.query('LOCK TABLES t READ')
    await set.run(primary!, 'INSERT INTO app.t (c) VALUES (5)')
    await until(async () => (await value(client, WHICH)) === 1)
    await blocker.query('UNLOCK TABLES')
    await until(async () => (await value(client, WHICH)) === 3)
    await set.startApplying(first!)
  })
})

test('readFrom: replica reads from nowhere else', async () => {
  const portolan = await start({ readFrom: 'replica', holdTime: '50ms' })
  const client = await rig.client(portolan)
  expect(await value(client, WHICH)).toBeOneOf([2, 3])
  await Promise.all(set.servers.slice(1).map(replica => set.stopApplying(replica)))
  await until(() =>
    value(client, WHICH).then(
      () => false,
      ({ errno }) => errno === 1429,
    ),
  )
  expect(await insert(client)).toBeGreaterThan(0)
})

test('roles of the configuration count, whatever the servers say', async () => {
  const credentials = { username: 'portolan', password: { env: 'MYSQL_TEST_PASSWORD' } }
  const [primary, first, second] = set.ports.map(port => `127.0.0.1:${port}`)
  const endpoints = [
    { address: first, role: 'replica' },
    { address: primary, role: 'replica' },
    { address: second, role: 'primary' },
  ]
  // Writable and replicating: without the configuration nobody would write to it.
  await set.run(set.servers[2]!, 'SET GLOBAL read_only = OFF')
  const portolan = await rig.portolan(0, {
    backend: { topology: 'primary-replica', checkInterval: '50ms', credentials, endpoints },
  })
  await until(() => rolesOf(portolan).join() === 'replica,replica,primary')
  expect(await value(await rig.client(portolan), WHICH)).toBe(3)
})
