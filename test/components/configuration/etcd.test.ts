import { afterAll, beforeAll } from 'vitest'
import { etcdConfiguration } from '../../../src/components/configuration/etcd.ts'
import { configurationConformance } from '../../conformance/configuration.ts'
import { type EtcdServer, startEtcd } from '../../support/etcd-server.ts'
import { openStore } from '../open.ts'

let server: EtcdServer

beforeAll(async () => {
  server = await startEtcd()
})
afterAll(() => server?.stop())

const open = (more: object = {}) => openStore(etcdConfiguration, { endpoints: [server.address], ...more })

configurationConformance({
  features: etcdConfiguration.features,
  open,
  restart: { stop: () => server.kill(), start: () => server.restart() },
})
