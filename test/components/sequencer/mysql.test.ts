import { afterAll, beforeAll } from 'vitest'
import { mysqlSequencer } from '../../../src/components/sequencer/mysql.ts'
import { sequencerConformance } from '../../conformance/sequencer.ts'
import { type MysqlBench, startMysqlBench } from '../mysql-backend.ts'
import { openStore } from '../open.ts'
import { underRestarts } from './under-restarts.ts'

let bench: MysqlBench

beforeAll(async () => {
  bench = await startMysqlBench()
})
afterAll(() => bench?.stop())

const open = () => openStore(mysqlSequencer, {}, { backend: bench.backend })

sequencerConformance({
  features: mysqlSequencer.features,
  open,
  restart: { stop: () => bench.kill(), start: () => bench.server.restart() },
})

underRestarts({ open, kill: () => bench.kill(), restart: () => bench.server.restart() })
