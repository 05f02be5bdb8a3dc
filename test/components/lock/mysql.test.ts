import { afterAll, beforeAll, expect, test } from 'vitest'
import { mysqlLock } from '../../../src/components/lock/mysql.ts'
import { lockConformance } from '../../conformance/lock.ts'
import { expectRefusal } from '../../conformance/suite.ts'
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

test('what is held before the server is killed is held after it, by whatever time zone', async () => {
  const store = await openStore(mysqlLock, {}, { backend: bench.backend })
  const request = { resource: 'outlives', owner: 'a', leaseMs: 60_000 }
  const grant = await store.tryLock(request)
  await bench.kill()
  await bench.server.restart()
  await bench.root("SET GLOBAL time_zone = '-12:00'")
  const backend = await bench.openBackend()
  const other = await openStore(mysqlLock, {}, { backend })
  expect(await other.tryLock({ ...request, owner: 'b' })).toBeUndefined()
  await bench.root("SET GLOBAL time_zone = '+13:00'")
  await expect.poll(() => store.holder!('outlives').catch(() => null)).toMatchObject({ owner: 'a' })
  const holder = await other.holder!('outlives')
  expect(holder).toMatchObject({ owner: 'a', token: grant!.token })
  expect(holder!.remainingMs).toBeLessThanOrEqual(60_000)
  expect(await other.unlock(request)).toBe('released')
  expect((await other.tryLock({ ...request, owner: 'b' }))?.token).toBe(grant!.token! + 1n)
  await Promise.all([store.close(), other.close()])
  await backend.close(0)
})

test('a name that is longer than the table holds is refused, never cut', async () => {
  const store = await openStore(mysqlLock, {}, { backend: bench.backend })
  const long = 'x'.repeat(1024)
  const request = { resource: long, owner: long, leaseMs: 60_000 }
  await expect.poll(() => store.tryLock(request).catch(() => undefined)).toBeDefined()
  await expectRefusal(store.tryLock({ ...request, resource: `${long}y` }), 'invalid-argument')
  await expectRefusal(store.tryLock({ ...request, owner: `${long}y` }), 'invalid-argument')
  expect(await store.unlock({ ...request, owner: `${long}y` })).toBe('others')
  expect(await store.unlock(request)).toBe('released')
  await store.close()
})
