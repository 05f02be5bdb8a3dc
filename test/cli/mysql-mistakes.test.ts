/**
 * What users get wrong about a MySQL backend: `check --probe` says what, where and the next step, the log says it once,
 * and the client is told whose fault it is.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../support/mariadb-server.ts'
import { MysqlRig, value } from '../support/mysql.ts'
import { type Portolan, until } from '../support/portolan.ts'
import { probed } from './probed.ts'

const rig = new MysqlRig()
let server: MariadbServer
beforeAll(async () => {
  process.env['TEST_RIGHT'] = 'app'
  process.env['TEST_WRONG'] = 'other-secret'
  server = await startMariadb()
})
afterAll(() => server.stop())
afterEach(() => rig.close())

const credentials = (env: string, username = 'app') => ({ credentials: { username, password: { env } } })
const listener = { users: [{ name: 'app', password: { env: 'TEST_RIGHT' } }] }
const here = (options: object) => () => ({ endpoints: [`127.0.0.1:${server.port}`], ...options })
const at = (endpoint: string) => () => ({ endpoints: [endpoint], ...credentials('TEST_RIGHT') })

test.each<[string, () => object, RegExp, RegExp]>([
  [
    'a wrong password',
    here(credentials('TEST_WRONG')),
    /Access denied for user 'app'@.*/,
    /check credentials\.username and credentials\.password of this backend.*requires TLS/,
  ],
  [
    'an unknown account',
    here(credentials('TEST_RIGHT', 'nobody')),
    /Access denied for user 'nobody'@/,
    /credentials\.username/,
  ],
  [
    'a password that is not there',
    here(credentials('TEST_NONE')),
    /the password of the backend: environment variable TEST_NONE is not set/,
    /see credentials\.password of this backend/,
  ],
  [
    'a password file that is not there',
    here({ credentials: { username: 'app', password: { file: '/nowhere/password' } } }),
    /the password of the backend: \/nowhere\/password cannot be read \(ENOENT\)/,
    /see credentials\.password of this backend/,
  ],
  [
    'a server without TLS',
    here({ ...credentials('TEST_RIGHT'), tls: {} }),
    /does not offer it|the backend offers no TLS/,
    /leave `tls` out|leave out `tls`/,
  ],
  [
    'a port where nothing listens',
    at('127.0.0.1:1'),
    /connection refused; nothing listens there/,
    /start the service, or correct the port/,
  ],
  [
    'a name that does not exist',
    at('no.such.host.invalid:3306'),
    /the name does not exist in DNS/,
    /check the spelling of the host name/,
  ],
])('%s', async (_, backend, cause, next) => {
  const options = backend()
  const text = await probed('mysql', options)
  expect(text).toMatch(cause)
  expect(text).toMatch(next)
  const { endpoints, ...others } = options as { endpoints: string[] }
  const portolan = await rig.portolan(server.port, { endpoints, backend: others, listener })
  await expect(rig.client(portolan)).rejects.toThrow(cause)
  await expect(rig.client(portolan)).rejects.toThrow(cause)
  const told = warnings(portolan)
  expect(told).toEqual([expect.objectContaining({ backend: 'main', message: expect.stringMatching(cause) })])
  expect(`${told[0]!['next']} ${told[0]!.message}`).toMatch(next)
})

const warnings = (portolan: Portolan) => portolan.log.filter(({ message }) => message.startsWith('the backend cannot'))

test("a client is told that not its own password was wrong, but Portolan's at the backend", async () => {
  const portolan = await rig.portolan(server.port, { backend: credentials('TEST_WRONG'), listener })
  const notTheClients = /^Access denied for user 'app'@.*; that is Portolan's account at the backend, not the client's$/
  await expect(rig.client(portolan)).rejects.toThrow(notTheClients)
  const right = await rig.portolan(server.port, { backend: credentials('TEST_RIGHT'), listener })
  await expect(rig.client(right, { password: 'other' })).rejects.toThrow(
    /^Access denied for user 'app'@.* \(using password: YES\)$/,
  )
  expect(warnings(right)).toEqual([])
})

test('a database that does not exist is the affair of the client that wants it, not of the log', async () => {
  const portolan = await rig.portolan(server.port, { backend: credentials('TEST_RIGHT'), listener })
  await expect(rig.client(portolan, { database: 'nowhere' })).rejects.toMatchObject({ errno: 1049 })
  await expect(rig.client(portolan, { user: 'nobody' })).rejects.toMatchObject({ errno: 1045 })
  expect(warnings(portolan)).toEqual([])
})

test('the log says when the backend is back', async () => {
  const portolan = await rig.portolan(server.port, { backend: credentials('TEST_WRONG'), listener })
  await until(() => warnings(portolan).length === 1)
  process.env['TEST_WRONG'] = 'app'
  try {
    await expect(rig.client(portolan).then(client => value(client, 'SELECT 6 * 7'))).resolves.toBe(42)
  } finally {
    process.env['TEST_WRONG'] = 'other-secret'
  }
  expect(portolan.log.map(({ message }) => message)).toContain('the backend is back')
})
