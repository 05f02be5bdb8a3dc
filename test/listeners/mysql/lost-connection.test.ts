/** Connections to the server that end at the worst moment: what the client concerned is told, and that nobody else notices. */
import { execFile } from 'node:child_process'
import type { ResultSetHeader, RowDataPacket } from 'mysql2'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  CLIENT_CONNECT_WITH_DB,
  CLIENT_LOCAL_FILES,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PROTOCOL_41,
  CLIENT_RESERVED2,
  COM_QUERY,
  encodeErr,
  encodePacket,
  ServerErrors,
} from '../../../codecs/mysql/index.ts'
import { Client, packetsOf } from '../../codecs/mysql/client.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import { type Portolan, until } from '../../support/portolan.ts'
import { TamperingProxy } from '../../support/tampering-proxy.ts'

const CAPABILITIES = CLIENT_PROTOCOL_41 | CLIENT_RESERVED2 | CLIENT_PLUGIN_AUTH | CLIENT_CONNECT_WITH_DB

const rig = new MysqlRig()
const backend = { credentials: { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }, pool: { max: 1 } }
let server: MariadbServer
let proxy: FaultProxy
let portolan: Portolan
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  server = await startMariadb()
  const direct = await rig.client(server.port)
  await direct.query('CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, c INT)')
  await direct.query('CREATE TABLE file (line VARCHAR(100))')
  await rig.close()
})
afterAll(() => server.stop())
beforeEach(async () => {
  proxy = await FaultProxy.start(server.port)
  portolan = await rig.portolan(proxy.port, { backend })
  await until(() => portolan.status().state === 'up')
})
afterEach(async () => {
  await rig.close()
  proxy.close()
})

const login = (capabilities = 0) =>
  Client.login(
    { port: portolan.port(), database: 'app' },
    { capabilities: { low: (CAPABILITIES | capabilities) >>> 0, mariadb: 0 } },
  )

test('a result that is cut: error 1927 in its place between packets, the end of the connection within one', async () => {
  const sql = "SELECT seq, REPEAT('x', 50) AS text FROM seq_1_to_4"
  const other = await rig.client(portolan)
  let client = await login()
  const whole = await client.run(sql)
  let boundary = 0
  let ended = 0
  for (const packet of packetsOf(whole.raw)) {
    for (const within of [0, 2, 4, packet.length]) {
      expect((await client.run(sql)).packets).toEqual(whole.packets)
      const cut = proxy.cutAfter(boundary + within, 'fin')
      const answer = await client.query(sql).catch((error: Error) => error)
      await cut
      // A part of a packet that has not gone to the client is nothing to it either.
      if (within === 0 || !(answer instanceof Error)) {
        expect(answer).toMatchObject({ tracker: { error: { code: 1927 } } })
      } else {
        ended++
        client = await login()
      }
      expect(await value(other, 'SELECT 6 * 7')).toBe(42)
    }
    boundary += packet.length + 4
  }
  expect(ended).toBeGreaterThan(4)
  client.close()
}, 30_000)

test("MariaDB's library tells of a lost connection, and not of a malformed packet", async () => {
  const cut = proxy.cutAfter(0, 'fin')
  const args = ['-h127.0.0.1', `-P${portolan.port()}`, '-uapp', '-papp', '-e', 'SELECT 6 * 7']
  const said = await new Promise<string>(resolve => execFile('mariadb', args, (_, __, stderr) => resolve(stderr)))
  await cut
  expect(said).toContain('ERROR 1927 (08S01)')
})

test('LAST_INSERT_ID() outlives the connection, though it is lost when another client has just taken it over', async () => {
  const [inserting, other] = await rig.clients(2, portolan)
  const [{ insertId }] = await inserting!.query<ResultSetHeader>('INSERT INTO t (c) VALUES (0)')
  const cut = proxy.cutAfter(0, 'fin')
  await expect(other!.query('DO 1')).rejects.toMatchObject({ errno: 1927 })
  await cut
  expect(await value(inserting!, 'SELECT LAST_INSERT_ID()')).toBe(insertId)
})

test.each(['query', 'execute'] as const)(
  'one (%s) whose write fails did not run: it is sent again, and runs once',
  async method => {
    const client = await rig.client(portolan)
    const insert = (c: number) =>
      method === 'query'
        ? client.query('INSERT INTO t (c) VALUES (?)', [c])
        : client.execute('INSERT INTO t (c) VALUES (?)', [c])
    await insert(100)
    const before = Number(await value(client, 'SELECT COUNT(*) FROM t'))
    const repeats = portolan.metric('portolan_upstream_repeats_total')
    // Portolan reads of the statement before it reads of the end of its connection, and writes into that.
    const inserted = insert(101)
    proxy.reset()
    await inserted
    expect(portolan.metric('portolan_upstream_repeats_total')).toBe(repeats + 1)
    expect(await value(client, 'SELECT COUNT(*) FROM t')).toBe(before + 1)
  },
)

test('what was written may have run, and is not sent again', async () => {
  const client = await rig.client(portolan)
  const direct = await rig.client(server.port)
  const before = Number(await value(direct, 'SELECT COUNT(*) FROM t'))
  const cut = proxy.cutAfter(0, 'reset')
  await expect(client.query('INSERT INTO t (c) VALUES (3)')).rejects.toMatchObject({ errno: 1927 })
  await cut
  expect(portolan.metric('portolan_upstream_repeats_total')).toBe(0)
  expect(await value(direct, 'SELECT COUNT(*) FROM t')).toBe(before + 1)
})

test('a login at the server that is cut anywhere: that client is told, and the next one is served', async () => {
  let isCut = true
  for (let bytes = 0; isCut; bytes += 9 + (bytes >> 3)) {
    portolan = await rig.portolan(proxy.port, { backend })
    await until(() => portolan.status().state === 'up')
    isCut = false
    void proxy.cutAfter(bytes, 'fin').then(() => {
      isCut = true
    })
    const client = await login().catch((error: Error) => error)
    if (isCut) expect(client).toMatchObject({ packet: { code: 1927 } })
    else expect(client).toBeInstanceOf(Client)
    expect(await value(await rig.client(portolan), 'SELECT 6 * 7')).toBe(42)
  }
  expect(proxy.accepted).toBeGreaterThan(20)
}, 30_000)

test.each([0, 30, 85])('with a hold time a login that is cut after %d bytes is made again', async bytes => {
  portolan = await rig.portolan(proxy.port, { backend: { ...backend, holdTime: '30s' } })
  await until(() => portolan.status().state === 'up')
  const cut = proxy.cutAfter(bytes, 'fin')
  const client = await rig.client(portolan)
  await cut
  expect(await value(client, 'SELECT 6 * 7')).toBe(42)
})

describe('LOAD DATA LOCAL INFILE', () => {
  const LOAD = "LOAD DATA LOCAL INFILE 'any' INTO TABLE app.file"
  /** A part of the file, after which the client says nothing more. */
  const half = () => encodePacket(2, Buffer.from('a line\n'.repeat(10_000)))
  const lines = async () => value(await rig.client(server.port), 'SELECT COUNT(*) FROM file')

  /** Resolves when the server has got some of the file; the answer is still to come. */
  async function begin(client: Client) {
    let whenAsked = () => {}
    const asked = new Promise<void>(resolve => {
      whenAsked = resolve
    })
    const command = Buffer.concat([Buffer.of(3), Buffer.from(LOAD)])
    const answer = client
      .command(command, 0, () => {
        whenAsked()
        return half()
      })
      .catch((error: Error) => error)
    await asked
    const direct = await rig.client(server.port)
    const loads = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'LOAD DATA%'"
    await until(async () => (await value(direct, loads)) === 1)
    return { answer, isOver: () => until(async () => (await value(direct, loads)) === 0) }
  }

  test('the client leaves in the middle of the file: nothing is loaded, and the next one is served', async () => {
    const client = await login(CLIENT_LOCAL_FILES)
    const { answer, isOver } = await begin(client)
    client.close()
    await answer
    await isOver()
    expect(await lines()).toBe(0)
    expect(await value(await rig.client(portolan), 'SELECT 6 * 7')).toBe(42)
  })

  test('the server goes in the middle of the file: its connection ends, and the next one is served', async () => {
    const client = await login(CLIENT_LOCAL_FILES)
    const { answer, isOver } = await begin(client)
    await proxy.refuse()
    await until(() => portolan.metric('portolan_upstream_connections', { use: 'exclusive' }) === 0)
    expect(await answer).toBeInstanceOf(Error)
    await until(() => portolan.connections() === 0)
    await isOver()
    expect(await lines()).toBe(0)
    await proxy.listen()
    expect(await value(await rig.client(portolan), 'SELECT 6 * 7')).toBe(42)
  })
})

test('the last words of a server to a client that is tied to the connection', async () => {
  const tampering = await TamperingProxy.start(server.port)
  try {
    portolan = await rig.portolan(tampering.port, { backend })
    const client = await login()
    await client.run('BEGIN')
    tampering.onResponse = bytes => Buffer.concat([bytes, encodeErr(0, ServerErrors.idleTimeout)])
    await client.run('SELECT 1')
    const { tracker } = await client.receive(COM_QUERY)
    expect(tracker.error).toMatchObject({ code: 4031, message: ServerErrors.idleTimeout.message })
    await client.closed()
  } finally {
    tampering.close()
  }
})

describe('KILL at the server', () => {
  /** The connection that Portolan has. */
  async function pooled() {
    const direct = await rig.client(server.port)
    const others = 'SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = "app"'
    return { direct, id: Number(await value(direct, others)) }
  }

  test('of a connection in a transaction: its client is closed, nothing of it stays, others are served', async () => {
    const [client, other] = await rig.clients(2, portolan)
    await client!.beginTransaction()
    await client!.query('INSERT INTO t (c) VALUES (1)')
    const { direct, id } = await pooled()
    await direct.query(`KILL ${id}`)
    await expect(client!.query('INSERT INTO t (c) VALUES (2)')).rejects.toThrow()
    await expect(client!.query('COMMIT')).rejects.toThrow()
    expect(await value(other!, 'SELECT COUNT(*) FROM t WHERE c IN (1, 2)')).toBe(0)
  })

  test('of one that runs a statement: its client is told, and goes on', async () => {
    const client = await rig.client(portolan)
    const running = client.query('SELECT SLEEP(60)').catch(({ errno }: { errno: number }) => errno)
    const { direct, id } = await pooled()
    await until(
      async () =>
        (await value(direct, `SELECT info IS NOT NULL FROM information_schema.processlist WHERE id = ${id}`)) === 1,
    )
    await direct.query(`KILL ${id}`)
    // As the server words it, or as we do if it closes without a word.
    expect([1317, 1927]).toContain(await running)
    expect(await value(client, 'SELECT 6 * 7')).toBe(42)
  })

  test('of idle ones, again and again while clients work: no statement fails, and none runs twice', async () => {
    portolan = await rig.portolan(server.port, { backend: { ...backend, pool: { max: 4 } } })
    const direct = await rig.client(server.port)
    const clients = await rig.clients(4, portolan)
    const ROUNDS = 20
    const IDLE =
      'SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = "app" AND command = "Sleep"'
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(clients.map(client => client.query('INSERT INTO t (c) VALUES (?)', [1000 + round])))
      await until(async () => {
        const [rows] = await direct.query<RowDataPacket[]>(IDLE)
        for (const { id } of rows) await direct.query(`KILL ${id}`).catch(() => {})
        return portolan.metric('portolan_upstream_connections', { use: 'spare' }) === 0
      })
    }
    expect(await value(direct, 'SELECT COUNT(*) FROM t WHERE c >= 1000')).toBe(ROUNDS * clients.length)
  })
})

test('wait_timeout of the server: clients without a session of their own do not notice, one with is closed', async () => {
  const root = await rig.client(server.port, { user: 'root', password: '' })
  try {
    await root.query('SET SESSION wait_timeout = 1000')
    await root.query('SET GLOBAL wait_timeout = 1')
    portolan = await rig.portolan(server.port, { backend: { ...backend, pool: { max: 3 } } })
    const clients = await rig.clients(6, portolan)
    const pinned = await rig.client(portolan)
    await pinned.query('SET @mine = 1')
    const ended = new Promise<unknown>(resolve => pinned.on('error', resolve))
    const open = 'SELECT COUNT(*) FROM information_schema.processlist WHERE user = "app"'
    for (let round = 0; round < 3; round++) {
      for (const answer of await Promise.all(clients.map(client => client.execute('SELECT ? AS n', [round]))))
        expect(answer[0]).toEqual([{ n: round }])
      await until(async () => (await value(root, open)) === 0)
    }
    await ended
    await expect(pinned.query('SELECT @mine')).rejects.toThrow()
  } finally {
    await root.query('SET GLOBAL wait_timeout = 28800')
  }
}, 30_000)
