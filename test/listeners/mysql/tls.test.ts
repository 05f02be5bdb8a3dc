/** TLS of a listener: made certificates, what MariaDB's clients make of them, client certificates as users. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { createConnection as connectMariadb } from 'mariadb'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Authority, type Identity } from '../../net/certificates.ts'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import type { Portolan } from '../../support/portolan.ts'

const rig = new MysqlRig()
let server: MariadbServer
let authority: Authority
let stranger: Authority
let own: Identity
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  process.env['MYSQL_TEST_CLIENT'] = "pässwörd's"
  authority = new Authority()
  stranger = new Authority()
  own = authority.issue('server')
  // Clients prove certificates by the password only to a server that says it is of 11.4 or later.
  server = await startMariadb({ args: ['--version=11.8.3-MariaDB'] })
})
afterAll(async () => {
  await server.stop()
  authority.remove()
  stranger.remove()
})
afterEach(() => rig.close())

const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
const password = { env: 'MYSQL_TEST_CLIENT' }
const listening = (listener: object): Promise<Portolan> =>
  rig.portolan(server.port, { backend: { credentials }, listener: listener as never })

describe('a generated certificate', () => {
  const generated = (listener: object = {}) =>
    listening({ users: [{ name: 'shop', password }], tls: { generate: true }, requireTls: true, ...listener })

  test('serves a client that does not verify, and none that does', async () => {
    const portolan = await generated()
    const account = { user: 'shop', password: "pässwörd's" }
    const client = await rig.client(portolan, { ...account, ssl: { rejectUnauthorized: false } })
    expect(await value(client, 'SELECT 6 * 7')).toBe(42)
    await expect(rig.client(portolan, { ...account, ssl: {} })).rejects.toThrow(/self-signed/)
    await expect(rig.client(portolan, account)).rejects.toMatchObject({ errno: 3159 })
  })

  test('a client of MariaDB 11.4 and later verifies it by the password', async () => {
    const portolan = await generated()
    const account = { host: '127.0.0.1', port: portolan.port(), user: 'shop', ssl: true }
    const client = await connectMariadb({ ...account, password: "pässwörd's" })
    expect(await client.query('SELECT 6 * 7 AS n')).toEqual([{ n: 42 }])
    await client.end()
    await expect(connectMariadb({ ...account, password: 'wrong' })).rejects.toThrow(/self.signed/i)
  })
})

describe('a certificate as a part of the user', () => {
  const tls = () => ({ ...own, clientCa: authority.cert })
  const certified = (certificate: object, further: object = {}) =>
    listening({ users: [{ name: 'shop', certificate, ...further }], tls: tls() })
  const as = (portolan: Portolan, identity: Identity | null, secret = '', user = 'shop') =>
    rig.client(portolan, {
      user,
      password: secret,
      ssl: {
        ca: readFileSync(authority.cert),
        ...(identity && { cert: readFileSync(identity.cert), key: readFileSync(identity.key) }),
      } as never,
    })
  const denied = { errno: 1045 }

  test('the common name, in place of a password', async () => {
    const portolan = await certified({ commonName: 'shop' })
    expect(await value(await as(portolan, authority.issue('shop')), 'SELECT 6 * 7')).toBe(42)
    await expect(as(portolan, authority.issue('other'))).rejects.toMatchObject(denied)
    await expect(as(portolan, stranger.issue('shop'))).rejects.toMatchObject(denied)
    await expect(as(portolan, null)).rejects.toMatchObject(denied)
    await expect(rig.client(portolan, { user: 'shop', password: '' })).rejects.toMatchObject(denied)
    await expect(as(portolan, authority.issue('shop'), '', 'nobody')).rejects.toMatchObject(denied)
    await expect(as(portolan, authority.issue('shop'), 'something')).rejects.toMatchObject(denied)
  })

  test('an alternative name, and a password', async () => {
    const name = 'URI:spiffe://example.org/shop'
    const portolan = await certified({ subjectAltName: name }, { password })
    const right = authority.issue('right', 'x', `DNS:localhost,${name}`)
    expect(await value(await as(portolan, right, "pässwörd's"), 'SELECT 6 * 7')).toBe(42)
    await expect(as(portolan, right, 'wrong')).rejects.toMatchObject(denied)
    // One name that reads like two.
    const disguised = authority.issue('disguised', 'x', `@names\n[names]\nDNS.1=localhost\nDNS.2=a, ${name}`)
    await expect(as(portolan, disguised, "pässwörd's")).rejects.toMatchObject(denied)
  })

  test('any certificate, and one by its fingerprint', async () => {
    const identity = authority.issue('one')
    const { stdout } = await promisify(execFile)('openssl', [
      'x509',
      '-in',
      identity.cert,
      '-noout',
      '-fingerprint',
      '-sha256',
    ])
    const any = await certified({})
    const one = await certified({ fingerprint: stdout.split('=')[1]!.trim() })
    for (const portolan of [any, one]) expect(await value(await as(portolan, identity), 'SELECT 6 * 7')).toBe(42)
    await as(any, authority.issue('two'))
    await expect(as(one, authority.issue('two'))).rejects.toMatchObject(denied)
  })

  test('another user by COM_CHANGE_USER needs its certificate as well', async () => {
    const users = [
      { name: 'shop', certificate: { commonName: 'shop' } },
      { name: 'admin', certificate: { commonName: 'admin' } },
      { name: 'twin', certificate: { commonName: 'shop' } },
    ]
    const portolan = await listening({ users, tls: tls() })
    const client = await as(portolan, authority.issue('shop'))
    await client.changeUser({ user: 'twin', password: '' })
    expect(await value(client, 'SELECT 6 * 7')).toBe(42)
    await expect(client.changeUser({ user: 'admin', password: '' })).rejects.toMatchObject(denied)
  })
})

test("MariaDB's command line over TLS, with each plugin", async () => {
  const portolan = await listening({ users: [{ name: 'shop', password }], tls: own, requireTls: true })
  for (const plugin of ['caching_sha2_password', 'mysql_native_password', 'mysql_clear_password']) {
    const args = ['--no-defaults', '-h127.0.0.1', `-P${portolan.port()}`, '-ushop', "-ppässwörd's", '-N']
    args.push(
      `--ssl-ca=${authority.cert}`,
      '--ssl-verify-server-cert',
      `--default-auth=${plugin}`,
      '-e',
      'SELECT 6 * 7',
    )
    expect((await promisify(execFile)('mariadb', args)).stdout).toBe('42\n')
  }
})

test('a response that TLS has not sent yet keeps nobody from the connection', async () => {
  const portolan = await rig.portolan(server.port, {
    backend: { credentials, pool: { max: 1 } },
    listener: { users: [{ name: 'shop', password }], tls: own },
  })
  const account = { user: 'shop', password: "pässwörd's", ssl: { rejectUnauthorized: false } }
  const clients = await rig.clients(3, portolan, account)
  for (const size of [100_000, 300_000, 2_000_000]) {
    const texts = await Promise.all(
      clients.map((client, number) => value(client, 'SELECT REPEAT(?, ?), ?', [number, size, 'x'.repeat(size)])),
    )
    expect(texts.map(text => (text as string).length)).toEqual([size, size, size])
  }
})
