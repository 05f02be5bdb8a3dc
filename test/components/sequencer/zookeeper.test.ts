import { afterAll, beforeAll } from 'vitest'
import { zookeeperSequencer } from '../../../src/components/sequencer/zookeeper.ts'
import { sequencerConformance } from '../../conformance/sequencer.ts'
import { startZooKeeper, type ZooKeeperServer } from '../../support/zookeeper-server.ts'
import { openStore } from '../open.ts'
import { underRestarts } from './under-restarts.ts'

let server: ZooKeeperServer

beforeAll(async () => {
  server = await startZooKeeper()
})
afterAll(() => server?.stop())

const open = (more: object = {}) => openStore(zookeeperSequencer, { endpoints: [server.address], ...more })

sequencerConformance({
  features: zookeeperSequencer.features,
  open,
  restart: { stop: () => server.kill(), start: () => server.restart() },
})

underRestarts({ open, kill: () => server.kill(), restart: () => server.restart() })
