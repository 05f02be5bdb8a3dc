import { afterAll, beforeAll, expect, test } from 'vitest'
import { etcdLock } from '../../../src/components/lock/etcd.ts'
import { lockConformance } from '../../conformance/lock.ts'
import { type EtcdServer, startEtcd } from '../../support/etcd-server.ts'
import { openStore } from '../open.ts'
import { cutOffTests } from './cut-off.ts'
import { deadSidecarTests } from './dead-sidecar.ts'

let server: EtcdServer

beforeAll(async () => {
  server = await startEtcd()
})
afterAll(() => server?.stop())

const open = (more: object = {}) => openStore(etcdLock, { endpoints: [server.address], ...more })

lockConformance({
  features: etcdLock.features,
  open,
  restart: { stop: () => server.kill(), start: () => server.restart() },
})

deadSidecarTests(clock => openStore(etcdLock, { endpoints: [server.address] }, clock && { clock }), 1_000)

cutOffTests(
  port => openStore(etcdLock, { endpoints: [`127.0.0.1:${port}`], requestTimeout: '500ms' }),
  () => server.port,
  1_500,
)

test('a lock that was refused leaves no lease behind, nor does one that was given back or renewed', async () => {
  const store = await open()
  const request = { resource: 'leases', owner: 'a', leaseMs: 60_000 }
  const leases = async () => ((await server.post('lease/leases', {})) as { leases?: unknown[] }).leases?.length ?? 0
  const before = await leases()
  await Promise.all(Array.from({ length: 10 }, (_, i) => store.tryLock({ ...request, owner: `${i}` })))
  await expect.poll(leases).toBe(before + 1)
  const { owner } = (await store.holder!('leases'))!
  await store.renew!({ ...request, owner })
  await expect.poll(leases).toBe(before + 1)
  expect(await store.unlock({ resource: 'leases', owner })).toBe('released')
  await expect.poll(leases).toBe(before)
  await store.close()
})
