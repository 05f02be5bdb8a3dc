import { afterAll, beforeAll } from 'vitest'
import { zookeeperLock } from '../../../src/components/lock/zookeeper.ts'
import { lockConformance } from '../../conformance/lock.ts'
import { startZooKeeper, type ZooKeeperServer } from '../../support/zookeeper-server.ts'
import { openStore } from '../open.ts'

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
