/** TLS on either side of a Redis listener: authorities of one's own, client certificates, large traffic. */

import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Authority, type Identity } from '../../net/certificates.ts'
import { Rig, until } from '../../support/portolan.ts'
import { type RedisServer, startRedis } from '../../support/redis-server.ts'
import { RespClient, request } from '../../support/resp-client.ts'

let authority: Authority
let server: Identity
let client: Identity
let redis: RedisServer
const rig = new Rig()
beforeAll(async () => {
  authority = new Authority()
  server = authority.issue('server', 'redis.internal', 'DNS:redis.internal')
  client = authority.issue('client')
  redis = await startRedis({ tls: { ...server, ca: authority.cert, clients: true } })
})
afterAll(async () => {
  await redis.stop()
  authority.remove()
})
afterEach(() => rig.close())

const pem = (path: string) => readFileSync(path)

test('towards the backend: authority, server name and client certificate, on every kind of connection', async () => {
  const portolan = await rig.portolan([`127.0.0.1:${redis.tlsPort}`], {
    backend: { tls: { ca: authority.cert, serverName: 'redis.internal', ...client } },
  })
  const plain = await rig.client(portolan)
  expect(await plain.call('SET', 'k', 'v')).toBe('OK')
  await plain.call('WATCH', 'k')
  expect(await plain.pipeline([['MULTI'], ['GET', 'k'], ['EXEC']])).toEqual(['OK', 'QUEUED', ['v']])
  const value = 'x'.repeat(3_000_000)
  expect(await plain.call('SET', 'big', value)).toBe('OK')
  expect((await plain.call('GET', 'big')) === value).toBe(true)
  expect(await plain.call('SUBSCRIBE', 'c')).toEqual(['subscribe', 'c', 1])
  const other = await rig.client(portolan)
  await other.call('PUBLISH', 'c', 'm')
  expect(await plain.next()).toEqual(['message', 'c', 'm'])
})

test.each([
  ['without the authority', { serverName: 'redis.internal' }, /certificate/],
  ['under another name', { ca: 'authority', serverName: 'other.internal' }, /other\.internal/],
  ['without a client certificate', { ca: 'authority', serverName: 'redis.internal' }, /./],
])('towards the backend %s: no connection, and the reason in the status', async (_, tls, reason) => {
  const given = 'ca' in tls ? { ...tls, ca: authority.cert } : tls
  const withClient = _.includes('client') ? given : { ...given, ...client }
  const portolan = await rig.portolan([`127.0.0.1:${redis.tlsPort}`], { backend: { tls: withClient } })
  const plain = await rig.client(portolan)
  expect(String(await plain.call('PING'))).toMatch(/ERR upstream/)
  await until(() => portolan.status().state === 'down')
  expect(portolan.status().lastError).toMatch(reason)
})

test('towards clients: RESP2, RESP3, pipelines and large values, as without TLS', async () => {
  const own = authority.issue('listener')
  const portolan = await rig.portolan(redis.port, { listener: { tls: own } })
  const secure = await rig.client({ port: portolan.port(), tls: { ca: pem(authority.cert), host: 'localhost' } })
  const three = await rig.client({ port: portolan.port(), tls: { ca: pem(authority.cert), host: 'localhost' } })
  await three.hello3()
  const echoes = Array.from({ length: 5000 }, (_, i) => ['ECHO', `echo ${i}`] as const)
  const [one, two] = await Promise.all([secure.pipeline(echoes), three.pipeline(echoes)])
  expect(one).toEqual(echoes.map(([, text]) => text))
  expect(two).toEqual(one)
  const value = 'x'.repeat(5_000_000)
  expect(
    await secure.pipeline([
      ['SET', 'big', value],
      ['STRLEN', 'big'],
      ['BLPOP', 'none', 0.01],
      ['ECHO', 'x'],
    ]),
  ).toEqual(['OK', 5_000_000, null, 'x'])
  expect((await three.call('GET', 'big')) === value).toBe(true)
  three.send('SUBSCRIBE', 'c')
  await three.push()
  expect(await secure.call('PUBLISH', 'c', 'm')).toBe(1)
  expect(await three.push()).toEqual(['message', 'c', 'm'])
  await secure.call('QUIT')
  expect(await secure.closed).toBe('end')
})

test('towards clients: a certificate is asked for, and one of another authority is refused', async () => {
  const portolan = await rig.portolan(redis.port, {
    listener: { tls: { ...authority.issue('listener'), clientCa: authority.cert, requireClientCertificate: true } },
  })
  const connect = (identity: Identity | undefined) =>
    rig.client({
      port: portolan.port(),
      tls: {
        ca: pem(authority.cert),
        host: 'localhost',
        ...(identity && { cert: pem(identity.cert), key: pem(identity.key) }),
      },
    })
  expect(await (await connect(client)).call('PING')).toBe('PONG')
  const stranger = new Authority()
  try {
    for (const identity of [undefined, stranger.issue('client')])
      await expect(connect(identity).then(other => other.call('PING'))).rejects.toThrow()
  } finally {
    stranger.remove()
  }
  await until(() => portolan.connections() === 1)
})

test('a plain client of a TLS listener, and a client that never finishes its handshake, are closed', async () => {
  const portolan = await rig.portolan(redis.port, {
    listener: { tls: authority.issue('listener'), authenticationTimeout: '300ms' },
  })
  const plain = await RespClient.connect({ port: portolan.port() })
  plain.write(request('PING'))
  await plain.closed
  const silent = await RespClient.connect({ port: portolan.port() })
  await silent.closed
  expect(portolan.metric('portolan_downstream_connections_total', { outcome: 'failed' })).toBe(2)
})
