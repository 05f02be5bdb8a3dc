import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisLock } from '../../../src/components/lock/redis.ts'
import { lockConformance } from '../../conformance/lock.ts'
import { RespClient } from '../../support/resp-client.ts'
import { openStore } from '../open.ts'
import { type RedisBench, startRedisBench } from '../redis-backend.ts'

let bench: RedisBench

beforeAll(async () => {
  bench = await startRedisBench()
})
afterAll(() => bench?.stop())

const open = () => openStore(redisLock, {}, { backend: bench.backend })

lockConformance({
  features: redisLock.features,
  open,
  restart: { stop: () => bench.kill(), start: () => bench.server.restart() },
})

test('a lock is what daprd would have made of it, and what daprd has made is known', async () => {
  const store = await open()
  const redis = await RespClient.connect({ port: bench.server.port })
  await store.tryLock({ resource: 'lock||app||orders', owner: 'me', leaseMs: 60_000 })
  expect(await redis.call('GET', 'lock||app||orders')).toBe('me')
  expect(await redis.call('PTTL', 'lock||app||orders')).toBeGreaterThan(50_000)
  expect(await redis.call('SET', 'lock||app||other', 'daprd', 'NX', 'EX', '60')).toBe('OK')
  expect(await store.tryLock({ resource: 'lock||app||other', owner: 'me', leaseMs: 1_000 })).toBeUndefined()
  expect(await store.holder!('lock||app||other')).toMatchObject({ owner: 'daprd' })
  expect(await store.unlock({ resource: 'lock||app||other', owner: 'daprd' })).toBe('released')
  redis.close()
  await store.close()
})
