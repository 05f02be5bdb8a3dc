import { afterAll, beforeAll } from 'vitest'
import { etcdSequencer } from '../../../src/components/sequencer/etcd.ts'
import { sequencerConformance } from '../../conformance/sequencer.ts'
import { type EtcdServer, startEtcd } from '../../support/etcd-server.ts'
import { openStore } from '../open.ts'

let server: EtcdServer

beforeAll(async () => {
  server = await startEtcd()
})
afterAll(() => server?.stop())

const open = (more: object = {}) => openStore(etcdSequencer, { endpoints: [server.address], ...more })

sequencerConformance({
  features: etcdSequencer.features,
  open,
  restart: { stop: () => server.kill(), start: () => server.restart() },
})
