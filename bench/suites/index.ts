/** All suites, by name: one line per protocol. */

import type { Suite, SuiteOptions } from '../lib/suite.ts'
import { apiSuite } from './api.ts'
import { mysqlSuite } from './mysql.ts'
import { redisSuite } from './redis.ts'
import { s3Suite } from './s3.ts'

export const SUITES: Readonly<Record<string, (options: SuiteOptions) => Suite>> = {
  redis: redisSuite,
  mysql: mysqlSuite,
  s3: s3Suite,
  api: apiSuite,
}
