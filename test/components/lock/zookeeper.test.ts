import { afterAll, beforeAll, expect, test } from 'vitest'
import { zookeeperLock } from '../../../src/components/lock/zookeeper.ts'
import { lockConformance } from '../../conformance/lock.ts'
import { passing } from '../../conformance/suite.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { startZooKeeper, type ZooKeeperServer } from '../../support/zookeeper-server.ts'
import { openStore } from '../open.ts'
import { cutOffTests } from './cut-off.ts'
import { deadSidecarTests } from './dead-sidecar.ts'

let server: ZooKeeperServer

beforeAll(async () => {
  server = await startZooKeeper()
})
afterAll(() => server?.stop())

const open = (more: object = {}) => openStore(zookeeperLock, { endpoints: [server.address], ...more })

lockConformance({
  features: zookeeperLock.features,
  open,
  leaseMs: 200,
  restart: { stop: () => server.kill(), start: () => server.restart() },
})

deadSidecarTests(clock => openStore(zookeeperLock, { endpoints: [server.address] }, clock && { clock }), 300)

cutOffTests(
  port => openStore(zookeeperLock, { endpoints: [`127.0.0.1:${port}`], requestTimeout: '500ms' }),
  () => server.port,
  1_500,
)

test('a lock outlives the session of the sidecar that granted it', async () => {
  const proxy = await FaultProxy.start(server.port)
  const cut = await openStore(zookeeperLock, { endpoints: [`127.0.0.1:${proxy.port}`], sessionTimeout: '300ms' })
  const other = await open()
  const request = { resource: 'outlives', owner: 'a', leaseMs: 60_000 }
  const grant = await cut.tryLock(request)
  await proxy.refuse()
  // Longer than the session lasts.
  await passing(1_000)
  expect(await other.tryLock({ ...request, owner: 'b' })).toBeUndefined()
  await proxy.listen()
  await expect.poll(() => cut.holder!('outlives').catch(() => undefined)).toMatchObject({ token: grant!.token })
  expect(await cut.unlock(request)).toBe('released')
  await Promise.all([cut.close(), other.close()])
  proxy.close()
})
