import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisConfiguration } from '../../../src/components/configuration/redis.ts'
import { configurationConformance } from '../../conformance/configuration.ts'
import { RespClient } from '../../support/resp-client.ts'
import { openStore } from '../open.ts'
import { type RedisBench, startRedisBench } from '../redis-backend.ts'

let bench: RedisBench

beforeAll(async () => {
  bench = await startRedisBench()
  await open().then(store => store.check(5_000).then(() => store.close()))
})
afterAll(() => bench?.stop())

const open = (written: object = {}) => openStore(redisConfiguration, { ...written }, { backend: bench.backend })

configurationConformance({
  features: redisConfiguration.features,
  open,
  restart: {
    stop: () => bench.kill(),
    // It has forgotten that it was asked to tell of changes.
    start: () => bench.server.restart(),
  },
})

test('items are what daprd reads and writes', async () => {
  const store = await open()
  const redis = await RespClient.connect({ port: bench.server.port })
  const [version] = await store.write!([{ key: 'ours', group: '', label: '', value: 'v' }])
  expect(await redis.call('GET', 'ours')).toBe(`v||${version}`)
  await redis.call('MSET', 'theirs', 'a value||3', 'bare', 'no version')
  const items = await store.get({ group: '', label: '', keys: ['theirs', 'bare'] })
  expect(items).toMatchObject([
    { value: 'a value', version: '3' },
    { value: 'no version', version: '0' },
  ])
  redis.close()
  await store.close()
})

test('a server that tells nothing of changes, and may not be asked to, lacks subscriptions', async () => {
  const redis = await RespClient.connect({ port: bench.server.port })
  await redis.call('CONFIG', 'SET', 'notify-keyspace-events', '')
  const store = await open({ setNotifications: false })
  expect((await store.check(5_000)).lacks).toMatchObject({
    'configuration.subscribe': expect.stringContaining('sends no keyspace notifications'),
  })
  const asking = await open()
  expect((await asking.check(5_000)).lacks).toBeUndefined()
  await redis.call('ACL', 'SETUSER', 'default', '-config')
  expect((await asking.check(5_000)).lacks).toMatchObject({
    'configuration.subscribe': expect.stringContaining('does not say whether it sends keyspace notifications'),
  })
  // Whoever says that the server is set to is believed.
  expect((await store.check(5_000)).lacks).toBeUndefined()
  await redis.call('ACL', 'SETUSER', 'default', '+config')
  redis.close()
  await Promise.all([store.close(), asking.close()])
})
