import { afterAll, beforeAll } from 'vitest'
import { mysqlLock } from '../../../src/components/lock/mysql.ts'
import { lockConformance } from '../../conformance/lock.ts'
import { type MysqlBench, startMysqlBench } from '../mysql-backend.ts'
import { openStore } from '../open.ts'
import { deadSidecarTests } from './dead-sidecar.ts'

let bench: MysqlBench

beforeAll(async () => {
  bench = await startMysqlBench()
})
afterAll(() => bench?.stop())

lockConformance({
  features: mysqlLock.features,
  leaseMs: 400,
  open: () => openStore(mysqlLock, { pollInterval: '20ms' }, { backend: bench.backend }),
  restart: { stop: () => bench.kill(), start: () => bench.server.restart() },
})

deadSidecarTests(clock => openStore(mysqlLock, {}, { backend: bench.backend, ...(clock && { clock }) }), 300)
