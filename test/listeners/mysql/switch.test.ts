/** The backend changes under live clients: another server, at the next command that is not within a transaction. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import { type Portolan, until } from '../../support/portolan.ts'

const rig = new MysqlRig()
let first: MariadbServer
let second: MariadbServer
let portolan: Portolan
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  const servers = [1, 2].map(async number => {
    const server = await startMariadb({ args: [`--server-id=${number}`] })
    const direct = await rig.client(server.port)
    await direct.query('CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, n INT)')
    return server
  })
  ;[first, second] = (await Promise.all(servers)) as [MariadbServer, MariadbServer]
  await rig.close()
})
afterAll(() => Promise.all([first.stop(), second.stop()]))
const backend = { credentials: { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }, pool: { max: 4 } }
beforeEach(async () => {
  portolan = await rig.portolan(first.port, { backend })
})
afterEach(() => rig.close())

const server = (client: Awaited<ReturnType<typeof rig.client>>) => value(client, 'SELECT @@server_id')

for (const pooling of ['transaction', 'session'] as const) {
  test(`no statement is lost, and statements stay prepared: pooling ${pooling}`, async () => {
    portolan = await rig.portolan(first.port, { backend: { ...backend, pool: { max: 20 } }, listener: { pooling } })
    const clients = await rig.clients(8, portolan)
    let isOver = false
    const loads = clients.map(async (client, number) => {
      for (let i = 0; !isOver; i++) {
        const [rows] = await client.execute('SELECT ? + ? AS sum', [number, i])
        expect(rows).toMatchObject([{ sum: number + i }])
        await client.query('INSERT INTO t (n) VALUES (?)', [i])
      }
    })
    for (const port of [second.port, first.port, second.port]) {
      await portolan.reload({ endpoints: [port] })
      await Promise.all(clients.map(client => client.execute('SELECT ? + ? AS sum', [1, 1])))
    }
    isOver = true
    await Promise.all(loads)
    for (const client of clients) expect(await server(client)).toBe(2)
  })
}

test('a transaction ends where it began, with its variables; then the client is served by the other server', async () => {
  const client = await rig.client(portolan)
  await client.query("SET time_zone = '+04:00'")
  await client.beginTransaction()
  await client.query('INSERT INTO t (n) VALUES (77)')
  await portolan.reload({ endpoints: [second.port] })
  expect(await server(client)).toBe(1)
  expect(await value(client, 'SELECT COUNT(*) FROM t WHERE n = 77')).toBe(1)
  await client.commit()
  expect(await server(client)).toBe(2)
  expect(await value(client, 'SELECT @@time_zone')).toBe('+04:00')
  expect(await value(client, 'SELECT COUNT(*) FROM t WHERE n = 77')).toBe(0)
})

test('warnings of a statement are there to be shown behind the switch', async () => {
  const client = await rig.client(portolan)
  await client.query('SELECT 1 / 0')
  await portolan.reload({ endpoints: [second.port] })
  expect((await client.query('SHOW WARNINGS'))[0]).toMatchObject([{ Level: 'Warning', Code: 1365 }])
  expect(await server(client)).toBe(2)
})

test('other credentials are used from the next command on', async () => {
  const direct = await rig.client(first.port)
  await direct.query("CREATE USER IF NOT EXISTS elsewhere@'%' IDENTIFIED BY 'app'")
  await direct.query("GRANT ALL ON *.* TO elsewhere@'%'")
  const client = await rig.client(portolan)
  expect(await value(client, 'SELECT SUBSTRING_INDEX(CURRENT_USER(), "@", 1)')).toBe('app')
  await portolan.reload({ backend: { ...backend, credentials: { ...backend.credentials, username: 'elsewhere' } } })
  expect(await value(client, 'SELECT SUBSTRING_INDEX(CURRENT_USER(), "@", 1)')).toBe('elsewhere')
})

test('who waits for a connection when the backend is switched is served by the other server, a login too', async () => {
  const holding = await rig.clients(4, portolan)
  const waiting = await rig.client(portolan)
  for (const client of holding) {
    await client.beginTransaction()
    await client.query('DO 1')
  }
  const served = server(waiting)
  const entering = rig.client(portolan)
  await until(() => portolan.metric('portolan_upstream_queue') === 2)
  await portolan.reload({ endpoints: [second.port] })
  expect(await served).toBe(2)
  expect(await server(await entering)).toBe(2)
  for (const client of holding) expect(await server(client)).toBe(1)
})
