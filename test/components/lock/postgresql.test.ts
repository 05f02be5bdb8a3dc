import { afterAll, beforeAll } from 'vitest'
import { postgresqlLock } from '../../../src/components/lock/postgresql.ts'
import { lockConformance } from '../../conformance/lock.ts'
import { type PostgresqlServer, startPostgresql } from '../../support/postgresql-server.ts'
import { openStore } from '../open.ts'
import { account } from '../postgresql-account.ts'
import { deadSidecarTests } from './dead-sidecar.ts'

let server: PostgresqlServer

beforeAll(async () => {
  server = await startPostgresql()
})
afterAll(() => server?.stop())

const written = (more: object = {}) => ({ address: server.address, ...account(), ...more })

lockConformance({
  features: postgresqlLock.features,
  leaseMs: 400,
  open: () => openStore(postgresqlLock, written({ pollInterval: '20ms' })),
  restart: { stop: () => server.kill(), start: () => server.restart() },
})

deadSidecarTests(clock => openStore(postgresqlLock, written(), clock && { clock }), 300)
