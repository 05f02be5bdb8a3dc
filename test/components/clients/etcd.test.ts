/** The client of etcd: which member it asks, who it says it is, and what it says when an answer does not come. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { ConfigurationStore, LockStore } from '../../../src/apis/index.ts'
import { etcdConfiguration } from '../../../src/components/configuration/etcd.ts'
import { etcdLock } from '../../../src/components/lock/etcd.ts'
import { selfSigned } from '../../../src/net/self-signed.ts'
import { at, ofKeys } from '../../conformance/configuration-bench.ts'
import { expectRefusal } from '../../conformance/suite.ts'
import { type EtcdServer, startEtcd, startEtcdCluster } from '../../support/etcd-server.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { openStore } from '../open.ts'

const clearings: (() => unknown)[] = []

afterEach(async () => {
  for (const clear of clearings.splice(0).reverse()) await clear()
})

async function started(options?: Parameters<typeof startEtcd>[0]): Promise<EtcdServer> {
  const server = await startEtcd(options)
  clearings.push(() => server.stop())
  return server
}

async function opened(options: Record<string, unknown>): Promise<ConfigurationStore> {
  const store = await openStore(etcdConfiguration, options)
  clearings.push(() => store.close())
  return store
}

const change = { ...at('key'), value: 'value' }

test('members that are away are passed over', async () => {
  const server = await started()
  const store = await opened({ endpoints: ['127.0.0.1:1', '127.0.0.1:2', server.address] })
  await store.write!([change])
  expect(await store.check(5_000)).toMatchObject({ version: 'etcd 3.4.23', facts: { endpoint: server.address } })
})

test('the end of a watch is no reason to leave a member', async () => {
  const [first, second] = [await started(), await started()]
  const store = await opened({ endpoints: [first.address, second.address] })
  await new Promise<void>(resolve => {
    const observer = { onItems: () => resolve(), onItem() {}, onGone() {}, onOutage() {} }
    const watch = store.watch({ group: '', label: '', prefix: '' }, observer)
    clearings.push(() => watch.close())
  })
  await store.check(5_000)
  await clearings.pop()!()
  await store.check(5_000)
  expect(await store.check(5_000)).toMatchObject({ facts: { endpoint: first.address } })
})

test('a lock outlives the leader of the cluster, for its holder and nobody else', async () => {
  const servers = await startEtcdCluster(3)
  clearings.push(() => Promise.all(servers.map(server => server.stop())))
  const endpoints = servers.map(({ address }) => address)
  const locks = (await openStore(etcdLock, { endpoints })) as LockStore
  clearings.push(() => locks.close())
  const request = { resource: 'r', owner: 'a', leaseMs: 60_000 }
  const grant = await locks.tryLock(request)
  const leader = await leaderOf(servers)
  await leader.kill()
  // A call that was under way at that moment may fail; the next one finds another member.
  const holder = await eventually(() => locks.holder!('r'))
  expect(holder).toMatchObject({ owner: 'a', token: grant!.token })
  expect(await eventually(async () => [await locks.tryLock({ ...request, owner: 'b' })])).toEqual([undefined])
  expect(await eventually(() => locks.renew!(request))).toBe('renewed')
})

test('logs in, again when its token is none any more, and says when the password is wrong', async () => {
  const server = await started()
  process.env['ETCD_TEST_PASSWORD'] = 'secret'
  clearings.push(() => delete process.env['ETCD_TEST_PASSWORD'])
  const credentials = { username: 'root', password: { env: 'ETCD_TEST_PASSWORD' } }
  const store = await opened({ endpoints: [server.address], credentials })
  // While there are no users, nobody has to log in.
  await store.write!([change])
  await server.post('auth/user/add', { name: 'root', password: 'secret' })
  await server.post('auth/user/grant', { user: 'root', role: 'root' })
  await server.post('auth/enable', {})
  await store.write!([{ ...change, value: '2' }])
  // Its tokens are in its memory only.
  await server.restart()
  await eventually(() => store.write!([{ ...change, value: '3' }]))
  expect(await store.get(ofKeys('key'))).toMatchObject([{ value: '3' }])

  process.env['ETCD_TEST_PASSWORD'] = 'wrong'
  const wrong = await opened({ endpoints: [server.address], credentials })
  await expectRefusal(wrong.get(ofKeys('key')), 'denied')
  const nobody = await opened({ endpoints: [server.address] })
  await expectRefusal(nobody.get(ofKeys('key')), 'denied')
  await expectRefusal(nobody.write!([change]), 'denied')
})

test('speaks TLS, with a server whose certificate it trusts', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'etcd-tls-'))
  clearings.push(() => rmSync(folder, { recursive: true }))
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const own = selfSigned(['127.0.0.1'], new Date())
  const cert = write('cert.pem', own.cert)
  const server = await started({ tls: { cert, key: write('key.pem', own.key), ca: cert } })
  const endpoints = [server.address]
  const store = await opened({ endpoints, tls: { ca: cert } })
  await store.write!([change])
  expect(await store.get(ofKeys('key'))).toMatchObject([{ value: 'value' }])
  const stranger = await opened({ endpoints, tls: { ca: write('other.pem', selfSigned(['a'], new Date()).cert) } })
  await expectRefusal(stranger.get(ofKeys('key')), 'unavailable')
  const blind = await opened({ endpoints, tls: { verify: false } })
  expect(await blind.get(ofKeys('key'))).toHaveLength(1)
  // Both sides change to another certificate, in the same files.
  const next = selfSigned(['127.0.0.1'], new Date())
  write('cert.pem', next.cert)
  write('key.pem', next.key)
  await server.restart()
  expect(await eventually(() => store.get(ofKeys('key')))).toHaveLength(1)
})

test('of a write whose answer never comes nobody knows whether it happened; a read may be asked again', async () => {
  const server = await started()
  const proxy = await FaultProxy.start(server.port)
  clearings.push(() => proxy.close())
  const store = await opened({ endpoints: [`127.0.0.1:${proxy.port}`], requestTimeout: '300ms' })
  await store.write!([change])
  proxy.silence()
  await expectRefusal(store.write!([change]), 'unknown')
  await expectRefusal(store.get(ofKeys('key')), 'unavailable')
})

test('a server that hangs holds nobody up for longer than the time for a request', async () => {
  const server = await started()
  const store = await opened({ endpoints: [server.address], requestTimeout: '300ms' })
  await store.write!([change])
  server.pause()
  await expectRefusal(store.get(ofKeys('key')), 'unavailable')
  await expectRefusal(store.check(200), 'unavailable')
  server.resume()
  expect(await eventually(() => store.get(ofKeys('key')))).toHaveLength(1)
})

async function leaderOf(servers: readonly EtcdServer[]): Promise<EtcdServer> {
  for (const server of servers) {
    const { header, leader } = (await server.post('maintenance/status', {})) as {
      header: { member_id: string }
      leader: string
    }
    if (header.member_id === leader) return server
  }
  throw new Error('the cluster has no leader')
}

/** Asks until it is answered. */
async function eventually<T>(ask: () => Promise<T>): Promise<NonNullable<T>> {
  for (const deadline = performance.now() + 10_000; ; ) {
    try {
      const answer = await ask()
      if (answer !== undefined) return answer as NonNullable<T>
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
