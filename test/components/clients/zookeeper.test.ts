/** The client of ZooKeeper: its session, who it says it is, and what it says when an answer does not come. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { ACL, CREATE, CREATE_MODE, ERROR, EXISTS, GET_DATA, SET_DATA } from '../../../codecs/zookeeper/index.ts'
import { isCode, unless, type ZooKeeperClient } from '../../../src/components/clients/zookeeper/index.ts'
import { selfSigned } from '../../../src/net/self-signed.ts'
import { expectRefusal } from '../../conformance/suite.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { startZooKeeper, type ZooKeeperServer } from '../../support/zookeeper-server.ts'
import { openZooKeeper } from './open-zookeeper.ts'

let server: ZooKeeperServer
const clearings: (() => unknown)[] = []

beforeAll(async () => {
  server = await startZooKeeper()
})
afterAll(() => server?.stop())
afterEach(async () => {
  for (const clear of clearings.splice(0).reverse()) await clear()
})

function opened(endpoints: readonly string[], more: object = {}): ZooKeeperClient {
  const client = openZooKeeper(endpoints, more)
  clearings.push(() => client.close())
  return client
}

async function proxied(more: object = {}) {
  const proxy = await FaultProxy.start(server.port)
  clearings.push(() => proxy.close())
  return { proxy, client: opened([`127.0.0.1:${proxy.port}`], more) }
}

const create = (path: string, mode: number = CREATE_MODE.persistent) => ({ path, data: null, acl: ACL.open, mode })

test('a session goes on over a connection that is lost, and another begins when it has expired', async () => {
  const { proxy, client } = await proxied({ sessionTimeout: '400ms' })
  const path = '/of-the-session'
  const { stat } = await client.call(CREATE, create(path, CREATE_MODE.ephemeral))
  const owner = () =>
    unless(client.call(EXISTS, { path, watch: false }), ERROR.noNode).then(
      found => found?.ephemeralOwner ?? 'gone',
      () => 'away',
    )
  await proxy.refuse()
  expect(await owner()).toBe('away')
  await proxy.listen()
  await expect.poll(owner).toBe(stat.ephemeralOwner)

  await proxy.refuse()
  const direct = opened([server.address])
  await expect.poll(() => unless(direct.call(EXISTS, { path, watch: false }), ERROR.noNode)).toBeUndefined()
  await proxy.listen()
  await expect.poll(owner).toBe('gone')
  const next = await client.call(CREATE, create(path, CREATE_MODE.ephemeral))
  expect(next.stat.ephemeralOwner).not.toBe(stat.ephemeralOwner)
  // Its end is told, so that nobody waits for it to expire.
  await client.close()
  await expect.poll(() => unless(direct.call(EXISTS, { path, watch: false }), ERROR.noNode)).toBeUndefined()
})

test('a server that says nothing any more is given up, and calls are refused in time', async () => {
  const { proxy, client } = await proxied({ sessionTimeout: '300ms', requestTimeout: '200ms', connectTimeout: '200ms' })
  await client.check(1_000)
  const connection = await client.connection()
  const ended = new Promise<void>(resolve => connection.listen({ onEvent() {}, onLost: resolve }))
  proxy.silence()
  // Nobody asks for anything; it is the pings that are not answered.
  await ended
  await expectRefusal(client.call(EXISTS, { path: '/', watch: false }), 'unavailable')
  await expectRefusal(client.check(100), 'unavailable')
})

test('servers that are away are passed over, again when the one in use is lost', async () => {
  const { proxy, client } = await proxied()
  const several = opened(['127.0.0.1:1', `127.0.0.1:${proxy.port}`, server.address, '127.0.0.1:2'])
  await several.check(5_000)
  await client.check(5_000)
  await proxy.refuse()
  await expect.poll(() => several.check(5_000)).toMatchObject({ facts: { endpoint: server.address } })
  await expectRefusal(client.check(5_000), 'unavailable')
})

test('of a write whose answer never comes nobody knows whether it happened; a read may be asked again', async () => {
  const { proxy, client } = await proxied({ requestTimeout: '300ms' })
  await client.call(CREATE, create('/lost'))
  const cut = proxy.cutAfter(0, 'reset')
  const write = client.call(SET_DATA, { path: '/lost', data: Buffer.from('x'), version: -1 })
  const read = client.call(GET_DATA, { path: '/lost', watch: false })
  await Promise.all([cut, expectRefusal(write, 'unknown'), expectRefusal(read, 'unavailable')])
  const found = () =>
    client.call(GET_DATA, { path: '/lost', watch: false }).then(
      ({ data }) => String(data),
      () => '',
    )
  await expect.poll(found).toBe('x')
})

test('nodes of a user are for that user, and a wrong password is somebody else', async () => {
  process.env['ZOOKEEPER_TEST_PASSWORD'] = 'secret'
  process.env['ZOOKEEPER_TEST_WRONG'] = 'wrong'
  const as = (env: string) => opened([server.address], { credentials: { username: 'u', password: { env } } })
  const user = as('ZOOKEEPER_TEST_PASSWORD')
  await user.call(CREATE, { ...create('/mine'), acl: ACL.creator })
  await as('ZOOKEEPER_TEST_PASSWORD').call(GET_DATA, { path: '/mine', watch: false })
  for (const other of [opened([server.address]), as('ZOOKEEPER_TEST_WRONG')]) {
    await expectRefusal(other.call(GET_DATA, { path: '/mine', watch: false }), 'denied')
  }
  await expectRefusal(
    opened([server.address], { credentials: { username: 'u', password: { env: 'NOT_SET' } } }).check(1_000),
    'unavailable',
  )
})

test('what is too large is refused here, as the server would end the connection for it', async () => {
  const client = opened([server.address])
  await client.call(CREATE, create('/large'))
  const connection = await client.connection()
  const large = client.call(SET_DATA, { path: '/large', data: Buffer.alloc(2 ** 20), version: -1 })
  await expectRefusal(large, 'invalid-argument')
  await client.call(SET_DATA, { path: '/large', data: Buffer.alloc(1_000_000), version: -1 })
  expect(await client.connection()).toBe(connection)
  const error = await client.call(CREATE, create('no-path')).catch(reason => reason)
  expect(isCode(error, ERROR.badArguments)).toBe(true)
})

test('speaks TLS, with a server whose certificate it trusts', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zookeeper-tls-'))
  clearings.push(() => rmSync(folder, { recursive: true }))
  const own = selfSigned(['127.0.0.1'], new Date())
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, own.cert)
  // As one that ends TLS before the server.
  const front = createServer(own, socket => {
    const behind = connect({ port: server.port, host: '127.0.0.1' })
    socket.pipe(behind).pipe(socket)
    socket.on('error', () => behind.destroy())
    behind.on('error', () => socket.destroy())
  }).listen(0, '127.0.0.1')
  clearings.push(() => front.close())
  await once(front, 'listening')
  const { port } = front.address() as AddressInfo
  const client = opened([`127.0.0.1:${port}`], { tls: { ca } })
  await client.check(5_000)
  await expectRefusal(opened([`127.0.0.1:${port}`], { tls: {} }).check(5_000), 'unavailable')
  await expectRefusal(opened([`127.0.0.1:${port}`], { connectTimeout: '300ms' }).check(5_000), 'unavailable')
})
