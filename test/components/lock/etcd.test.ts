import { afterAll, beforeAll } from 'vitest'
import { etcdLock } from '../../../src/components/lock/etcd.ts'
import { lockConformance } from '../../conformance/lock.ts'
import { type EtcdServer, startEtcd } from '../../support/etcd-server.ts'
import { openStore } from '../open.ts'

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
