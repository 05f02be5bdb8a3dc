/** What goes wrong between Portolan and a server and must not reach clients: late kills, forgotten statements, full servers. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  CLIENT_CONNECT_WITH_DB,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PROTOCOL_41,
  CLIENT_RESERVED2,
  COM_STMT_EXECUTE,
  COM_STMT_FETCH,
  COM_STMT_PREPARE,
  PayloadWriter,
} from '../../../codecs/mysql/index.ts'
import { Client } from '../../codecs/mysql/client.ts'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import { type Portolan, until } from '../../support/portolan.ts'
import { TamperingProxy } from '../../support/tampering-proxy.ts'

const rig = new MysqlRig()
let server: MariadbServer
let proxy: TamperingProxy
let portolan: Portolan
const backend = { credentials: { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }, pool: { max: 1 } }
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  server = await startMariadb()
  const direct = await rig.client(server.port)
  await direct.query('CREATE TABLE t (id INT PRIMARY KEY, n INT)')
  await direct.query('INSERT INTO t VALUES (1, 1)')
  await rig.close()
})
afterAll(() => server.stop())
beforeEach(async () => {
  proxy = await TamperingProxy.start(server.port)
  portolan = await rig.portolan(proxy.port, { backend })
})
afterEach(async () => {
  await rig.close()
  proxy.close()
})

test('a kill that arrives late meets no statement of another client', async () => {
  const direct = await rig.client(server.port)
  const [a, b] = await rig.clients(2, portolan)
  const running = (what: string) =>
    value(direct, 'SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE ?', [`${what}%`])
  await direct.beginTransaction()
  await direct.query('UPDATE t SET n = 2 WHERE id = 1')
  const blocked = a!.query('UPDATE t SET n = 3 WHERE id = 1')
  await until(async () => (await running('UPDATE t SET n = 3')) === 1)
  let open: (value: unknown) => void = () => {}
  proxy.gate = new Promise(resolve => {
    open = resolve
  })
  await b!.query(`KILL QUERY ${a!.threadId}`)
  await until(() => proxy.waiting === 1)
  await direct.commit()
  await blocked
  // Either it runs at once, which would be wrong, or it waits for the kill.
  const slept = value(b!, 'SELECT SLEEP(1)')
  await until(async () => (await running('SELECT SLEEP')) === 1 || portolan.metric('portolan_upstream_queue') === 1)
  open(null)
  expect(await slept).toBe(0)
  expect(await value(a!, 'SELECT n FROM t')).toBe(3)
})

test('a statement that the server has forgotten is prepared anew, and executed once', async () => {
  const client = await rig.client(portolan)
  const insert = (id: number) => client.execute('INSERT INTO t VALUES (?, ?)', [id, 0])
  await insert(10)
  let isForgotten = false
  proxy.onRequest = bytes => {
    if (isForgotten || bytes[4] !== COM_STMT_EXECUTE) return
    isForgotten = true
    // The server knows no such statement, and says so: error 1243.
    bytes.writeUInt32LE(0x7777, 5)
  }
  await insert(11)
  expect(isForgotten).toBe(true)
  expect(await value(client, 'SELECT COUNT(*) FROM t WHERE id >= 10')).toBe(2)
  // An error of the statement itself is the client's.
  await expect(insert(11)).rejects.toMatchObject({ errno: 1062 })
})

test('a statement with an open cursor is not closed to make room for others', async () => {
  const full = { ...backend, pool: { max: 1, maxStatements: 1 } }
  portolan = await rig.portolan(server.port, { backend: full })
  const low = (CLIENT_PROTOCOL_41 | CLIENT_RESERVED2 | CLIENT_PLUGIN_AUTH | CLIENT_CONNECT_WITH_DB) >>> 0
  const address = { port: portolan.port(), database: 'app' }
  const client = await Client.login(address, { capabilities: { low, mariadb: 0 } })
  const command = async (payload: PayloadWriter) => {
    const { tracker } = await client.command(payload.payload())
    expect(tracker.error).toBeNull()
    return { id: tracker.statementId, rows: tracker.rows }
  }
  const prepare = async (sql: string) => (await command(new PayloadWriter().u8(COM_STMT_PREPARE).string(sql))).id
  const execute = (id: number, flags: number) =>
    command(new PayloadWriter().u8(COM_STMT_EXECUTE).u32(id).u8(flags).u32(1))
  const READ_ONLY_CURSOR = 1
  const first = await prepare('SELECT 1 UNION SELECT 2 UNION SELECT 3')
  await execute(first, READ_ONLY_CURSOR)
  for (const sql of ['SELECT 4', 'SELECT 5']) expect((await execute(await prepare(sql), 0)).rows).toBe(1)
  const fetched = await command(new PayloadWriter().u8(COM_STMT_FETCH).u32(first).u32(10))
  expect(fetched.rows).toBe(3)
  client.close()
})

test('when the server takes no more prepared statements, those that are not used make room', async () => {
  const direct = await rig.client(server.port)
  const before = Number(await value(direct, 'SELECT @@max_prepared_stmt_count'))
  const [a, b] = await rig.clients(2, portolan)
  await a!.query('SELECT 1')
  try {
    await direct.query('SET GLOBAL max_prepared_stmt_count = 10')
    for (let i = 0; i < 25; i++) {
      expect((await a!.execute(`SELECT ? + ${i} AS n`, [1]))[0]).toEqual([{ n: i + 1 }])
      // Known to the client, gone from the server.
      expect((await b!.execute('SELECT ? + 100 AS n', [i]))[0]).toEqual([{ n: i + 100 }])
    }
  } finally {
    await direct.query(`SET GLOBAL max_prepared_stmt_count = ${before}`)
  }
})
