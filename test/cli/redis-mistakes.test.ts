/** What users get wrong about a Redis backend: `check --probe` says what, where and the next step; the log says it once. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Authority, type Identity } from '../net/certificates.ts'
import { Rig, until } from '../support/portolan.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { probed } from './probed.ts'

const rig = new Rig()
let authority: Authority
let identity: Identity
let server: RedisServer
beforeAll(async () => {
  authority = new Authority()
  identity = authority.issue('server')
  server = await startRedis({ password: 'backend-secret', tls: { ...identity, ca: authority.cert } })
  process.env['TEST_RIGHT'] = 'backend-secret'
  process.env['TEST_WRONG'] = 'other-secret'
})
afterAll(async () => {
  await server.stop()
  authority.remove()
})
afterEach(() => rig.close())

const check = (backend: object, listener: object = {}): Promise<string> => probed('redis', backend, listener)

const plain = () => ({ endpoints: [`127.0.0.1:${server.port}`] })
const tls = () => ({ endpoints: [`127.0.0.1:${server.tlsPort}`] })
const password = (env: string) => ({ credentials: { password: { env } } })

test.each<[string, () => object, RegExp]>([
  ['no password', plain, /authenticate: NOAUTH .*\n +give this backend credentials.password/],
  ['a wrong one', () => ({ ...plain(), ...password('TEST_WRONG') }), /authenticate: WRONGPASS .*\n +check credentials/],
  [
    'a password that is not there',
    () => ({ ...plain(), ...password('TEST_NONE') }),
    /authenticate: the password of the backend: environment variable TEST_NONE is not set\n +see credentials.password/,
  ],
  [
    'a server that wants TLS',
    () => ({ ...tls(), ...password('TEST_RIGHT') }),
    /query: the server closed the connection instead of answering\n +.*if it wants TLS, give this backend `tls: \{\}`/,
  ],
  ['an unknown authority', () => ({ ...tls(), tls: {} }), /tls: .*certificate.*\n +check `tls`: the authority/],
  [
    'another name',
    () => ({ ...tls(), tls: { ca: authority.cert, serverName: 'other.internal' } }),
    /tls: .*other\.internal.*\n +check `tls`/,
  ],
  [
    'a port where nothing listens',
    () => ({ endpoints: ['127.0.0.1:1'] }),
    /connect: .*connection refused; nothing listens there\n +start the service, or correct the port/,
  ],
  [
    'a name that does not exist',
    () => ({ endpoints: ['no.such.host.invalid:6379'] }),
    /resolve: .*\n +check the spelling of the host name/,
  ],
  [
    'a certificate file that is not there',
    () => ({ ...tls(), tls: { ca: '/nowhere/ca.pem' } }),
    /× cannot be built: cannot read the TLS file \/nowhere\/ca\.pem: there is no such file/,
  ],
])('of a backend: %s', async (_, backend, message) => {
  expect(await check(backend())).toMatch(message)
})

test.each<[string, () => object, RegExp]>([
  ['missing', () => ({ cert: '/nowhere/c.pem', key: identity.key }), /c\.pem: there is no such file/],
  ['something else', () => ({ cert: identity.key, key: identity.key }), /server\.key holds no certificate in PEM form/],
  [
    'of another key',
    () => ({ cert: authority.cert, key: identity.key }),
    /ca\.crt, .*server\.key cannot be used together/,
  ],
])('of a listener: a certificate that is %s', async (_, tls, message) => {
  const text = await check({ ...plain(), ...password('TEST_RIGHT') }, { tls: tls() })
  expect(text).toMatch(/^× listener cache: /m)
  expect(text).toMatch(message)
})

test('the log says once why the backend is away, with the next step, and when it is back', async () => {
  const redis = await rig.redis()
  await redis.kill()
  const portolan = await rig.portolan(redis.port)
  const lines = () => portolan.log.filter(({ backend }) => backend === 'main')
  await until(() => portolan.metric('portolan_upstream_connects_total', { outcome: 'failed' }) >= 3)
  expect(lines()).toEqual([
    expect.objectContaining({
      level: 'warn',
      message: expect.stringMatching(/^the backend cannot be used: .*connection refused/),
      next: expect.stringContaining('start the service'),
    }),
  ])
  await redis.restart()
  await until(() => lines().some(({ message }) => message === 'the backend is back'))
})
