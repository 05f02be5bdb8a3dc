/** Relay: clients log in at the server itself, and Portolan has no credentials. */
import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { encodeOk, encodeSessionTracker, SESSION_TRACK_SYSTEM_VARIABLES } from '../../../codecs/mysql/index.ts'
import { Authority, type Identity } from '../../net/certificates.ts'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import { type Portolan, until } from '../../support/portolan.ts'
import { TamperingProxy } from '../../support/tampering-proxy.ts'

const rig = new MysqlRig()
let server: MariadbServer
let authority: Authority
let own: Identity
beforeAll(async () => {
  authority = new Authority()
  own = authority.issue('server')
  server = await startMariadb({
    args: ['--plugin-load-add=auth_ed25519'],
    tls: { ...own, ca: authority.cert },
    sql: [
      "CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('secret')",
      "CREATE USER other@'%' IDENTIFIED BY 'secret'",
      "GRANT ALL ON *.* TO ed@'%', other@'%'",
    ],
  })
})
afterAll(async () => {
  await server.stop()
  authority.remove()
})
afterEach(() => rig.close())

const relaying = (setup: { listener?: object; backend?: object } = {}): Promise<Portolan> =>
  rig.portolan(server.port, {
    listener: { authentication: 'relay', ...setup.listener },
    ...(setup.backend && { backend: setup.backend as never }),
  })

const REDIRECTION = encodeSessionTracker(SESSION_TRACK_SYSTEM_VARIABLES, 'redirect_url', 'mysql://elsewhere:3306/')
const WHO = "SUBSTRING_INDEX(CURRENT_USER(), '@', 1)"

for (const [hops, setup, ssl] of [
  ['no TLS', {}, false],
  ['TLS on both hops', { listener: { tls: { generate: true } }, backend: { tls: { verify: false } } }, true],
  ['TLS to the client', { listener: { tls: { generate: true } } }, true],
  ['TLS to the backend', { backend: { tls: { verify: false } } }, false],
] as const) {
  describe(hops, () => {
    const options = ssl ? { ssl: { rejectUnauthorized: false } } : {}

    test('who the server takes the client for, and whom it refuses', async () => {
      const portolan = await relaying(setup)
      const client = await rig.client(portolan, options)
      expect(await value(client, `SELECT ${WHO}`)).toBe('app')
      expect(await value(client, 'SELECT DATABASE()')).toBe('app')
      expect(await value(client, 'SELECT CONNECTION_ID()')).toBe(client.threadId)
      for (const wrong of [{ password: 'wrong' }, { user: 'nobody' }, { password: '' }])
        await expect(rig.client(portolan, { ...options, ...wrong })).rejects.toMatchObject({ errno: 1045 })
      await expect(rig.client(portolan, { ...options, database: 'nowhere' })).rejects.toMatchObject({ errno: 1049 })
      expect(portolan.connections()).toBe(1)
    })

    test('a plugin that only client and server know', async () => {
      const args = ['--no-defaults', '-h127.0.0.1', `-P${(await relaying(setup)).port()}`, '-ued', '-psecret', '-N']
      if (ssl) args.push('--ssl')
      args.push('-e', `SELECT ${WHO}`)
      expect((await promisify(execFile)('mariadb', args)).stdout).toBe('ed\n')
    })
  })
}

test('each client has a session of its own: variables, temporary tables, statements, locks', async () => {
  const portolan = await relaying()
  const clients = await rig.clients(4, portolan)
  await Promise.all(
    clients.map(async (client, number) => {
      await client.query('SET @mine = ?, @@session.lock_wait_timeout = ?', [number, number + 10])
      await client.query('CREATE TEMPORARY TABLE mine (id INT AUTO_INCREMENT PRIMARY KEY, n INT)')
      for (let i = 0; i < 20; i++) await client.execute('INSERT INTO mine (n) VALUES (?)', [number])
      expect(await value(client, 'SELECT LAST_INSERT_ID()')).toBe(20)
      expect(await value(client, 'SELECT SUM(n) FROM mine')).toBe(String(number * 20))
      expect(await value(client, 'SELECT @mine + @@lock_wait_timeout')).toBe(number * 2 + 10)
    }),
  )
  expect(portolan.metric('portolan_upstream_connections', { use: 'exclusive' })).toBeLessThanOrEqual(4)
})

test("the session is made a fresh one, and becomes another user's", async () => {
  const client = await rig.client(await relaying())
  await client.query('SET @mine = 1')
  await client.execute('SELECT ?', [1])
  await client.reset()
  expect(await value(client, 'SELECT @mine')).toBeNull()
  expect((await client.execute('SELECT ? AS n', [2]))[0]).toEqual([{ n: 2 }])
  await client.query('SET @mine = 1')
  await client.changeUser({ user: 'other', password: 'secret', database: 'mysql' })
  expect(await value(client, `SELECT ${WHO}`)).toBe('other')
  expect(await value(client, 'SELECT DATABASE()')).toBe('mysql')
  expect(await value(client, 'SELECT @mine')).toBeNull()
  expect((await client.execute('SELECT ? AS n', [3]))[0]).toEqual([{ n: 3 }])
  await client.query('SET @mine = 1')
  await expect(client.changeUser({ user: 'other', password: 'wrong' })).rejects.toMatchObject({ errno: 1045 })
  expect(await value(client, 'SELECT @mine')).toBeNull()
})

test('an expired password: the server lets the client in to change it, and to do nothing else', async () => {
  const direct = await rig.client(server.port)
  await direct.query("CREATE OR REPLACE USER expired@'%' IDENTIFIED BY 'old' PASSWORD EXPIRE")
  const portolan = await relaying()
  const client = await rig.client(portolan, { user: 'expired', password: 'old', database: '' })
  await expect(client.query('SELECT 1')).rejects.toMatchObject({ errno: 1820 })
  await client.query("SET PASSWORD = PASSWORD('new')")
  expect(await value(client, `SELECT ${WHO}`)).toBe('expired')
  const again = await rig.client(portolan, { user: 'expired', password: 'new', database: '' })
  expect(await value(again, 'SELECT 6 * 7')).toBe(42)
})

test('COM_CHANGE_USER is refused where one hop can be read and the other cannot', async () => {
  const client = await rig.client(await relaying({ backend: { tls: { verify: false } } }))
  await expect(client.changeUser({ user: 'other', password: 'secret' })).rejects.toMatchObject({ errno: 1251 })
})

test('a client kills another one by the number that the server knows', async () => {
  const portolan = await relaying()
  const [victim, killer] = await rig.clients(2, portolan)
  const asleep = victim!.query('SELECT SLEEP(60)').then(
    ([rows]) => rows,
    (error: { errno: number }) => error.errno,
  )
  const direct = await rig.client(server.port)
  const running = () =>
    value(direct, "SELECT COUNT(*) FROM information_schema.processlist WHERE info = 'SELECT SLEEP(60)'")
  await until(async () => (await running()) === 1)
  await killer!.query(`KILL QUERY ${victim!.threadId}`)
  expect([1317, [{ 'SLEEP(60)': 1 }]]).toContainEqual(await asleep)
})

test('the connection to the server ends with the client, and the client with it', async () => {
  const portolan = await relaying()
  const direct = await rig.client(server.port)
  const [first, second] = await rig.clients(2, portolan)
  const others = () => value(direct, 'SELECT COUNT(*) FROM information_schema.processlist WHERE user = "app"')
  await until(async () => (await others()) === 3)
  first!.destroy()
  await until(async () => (await others()) === 2)
  await direct.query(`KILL ${second!.threadId}`)
  await until(() => portolan.connections() === 0)
})

test('users and relay exclude each other', async () => {
  await expect(relaying({ listener: { users: [{ name: 'app' }] } })).rejects.toThrow('goes without `users`')
})

test('a server that sends clients elsewhere, with its login or with COM_CHANGE_USER', async () => {
  const proxy = await TamperingProxy.start(server.port)
  const elsewhere = { info: 'Location: mysql://elsewhere:3306/', trackers: REDIRECTION }
  let tampered = 0
  proxy.onResponse = bytes => {
    // Of a login: those of other commands, which begin at 0, have the sequence id 1.
    if (bytes[4] !== 0 || bytes[3]! < 2) return bytes
    tampered++
    return encodeOk(bytes[3]!, { status: bytes.readUInt16LE(7), ...elsewhere })
  }
  const portolan = await rig.portolan(proxy.port, { listener: { authentication: 'relay' } })
  const stream = connect(portolan.port(), '127.0.0.1')
  let received = ''
  stream.on('data', chunk => {
    received += chunk.toString('latin1')
  })
  const client = await rig.client(portolan, { stream })
  await client.changeUser({ user: 'other', password: 'secret' })
  expect(await value(client, `SELECT ${WHO}`)).toBe('other')
  expect(tampered).toBe(2)
  expect(received).not.toContain('elsewhere')
  proxy.close()
})
