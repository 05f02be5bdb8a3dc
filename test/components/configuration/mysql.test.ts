import { afterAll, beforeAll } from 'vitest'
import { mysqlConfiguration } from '../../../src/components/configuration/mysql.ts'
import { configurationConformance } from '../../conformance/configuration.ts'
import { type MysqlBench, startMysqlBench } from '../mysql-backend.ts'
import { openStore } from '../open.ts'

let bench: MysqlBench

beforeAll(async () => {
  bench = await startMysqlBench()
})
afterAll(() => bench?.stop())

const open = (written: object = {}) =>
  openStore(mysqlConfiguration, { pollInterval: '20ms', ...written }, { backend: bench.backend })

configurationConformance({
  features: mysqlConfiguration.features,
  open,
  restart: { stop: () => bench.kill(), start: () => bench.server.restart() },
})
