import { afterAll, beforeAll } from 'vitest'
import { zookeeperConfiguration } from '../../../src/components/configuration/zookeeper.ts'
import { configurationConformance } from '../../conformance/configuration.ts'
import { startZooKeeper, type ZooKeeperServer } from '../../support/zookeeper-server.ts'
import { openStore } from '../open.ts'

let server: ZooKeeperServer

beforeAll(async () => {
  server = await startZooKeeper()
})
afterAll(() => server?.stop())

const open = (more: object = {}) => openStore(zookeeperConfiguration, { endpoints: [server.address], ...more })

configurationConformance({
  features: zookeeperConfiguration.features,
  open,
  restart: { stop: () => server.kill(), start: () => server.restart() },
})
