import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ItemKey } from '../../../src/apis/index.ts'
import { etcdConfiguration } from '../../../src/components/configuration/etcd.ts'
import { configurationConformance } from '../../conformance/configuration.ts'
import { expectRefusal } from '../../conformance/suite.ts'
import { type EtcdServer, startEtcd } from '../../support/etcd-server.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
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

const A: ItemKey = { key: 'a', group: '', label: '' }

/** A watch through a proxy, and what it tells, in words. */
async function watched(proxy: FaultProxy) {
  const told: string[] = []
  const store = await openStore(etcdConfiguration, { endpoints: [`127.0.0.1:${proxy.port}`] })
  const watch = store.watch(
    { group: '', label: '', prefix: 'a' },
    {
      onItems: items => told.push(`all: ${items.map(({ value }) => value)}`),
      onItem: ({ value }) => told.push(value),
      onGone: ({ key }) => told.push(`${key} is gone`),
      onOutage: () => told.push('outage'),
    },
  )
  const close = async () => {
    watch.close()
    await store.close()
  }
  return { told, close }
}

test('after a loss of the connection a watch goes on where it was: no change is left out or told twice', async () => {
  const proxy = await FaultProxy.start(server.port)
  const store = await open()
  const { told, close } = await watched(proxy)
  await expect.poll(() => told).toEqual(['all: '])
  await store.write!([{ ...A, value: '1' }])
  await expect.poll(() => told).toEqual(['all: ', '1'])
  for (let round = 0; round < 3; round++) {
    await proxy.refuse()
    for (const value of ['2', '3', '1']) await store.write!([{ ...A, value }])
    await store.write!([A])
    await proxy.listen()
    const changes = ['2', '3', '1', 'a is gone']
    await expect
      .poll(() => told.filter(what => !/all|outage/.test(what)).slice(1))
      .toEqual(
        Array(round + 1)
          .fill(changes)
          .flat(),
      )
  }
  await close()
  await store.close()
  proxy.close()
})

test('what was compacted away during an outage is not missed: all is told anew', async () => {
  const proxy = await FaultProxy.start(server.port)
  const store = await open()
  await store.write!([{ ...A, value: '1' }])
  const { told, close } = await watched(proxy)
  await expect.poll(() => told).toEqual(['all: 1'])
  await proxy.refuse()
  await expect.poll(() => told).toEqual(['all: 1', 'outage'])
  await store.write!([A])
  const [revision] = await store.write!([{ ...A, key: 'ab', value: '2' }])
  await server.post('kv/compaction', { revision })
  await proxy.listen()
  // First what is known, and then that it is out of date.
  await expect.poll(() => told).toEqual(['all: 1', 'outage', 'all: 1', 'all: 2'])
  await store.write!([{ ...A, key: 'ab' }])
  await expect.poll(() => told.at(-1)).toBe('ab is gone')
  await close()
  await store.close()
  proxy.close()
})

test('history goes back as far as etcd keeps it', async () => {
  const store = await open()
  const item = { ...A, key: 'kept' }
  const revisions: string[] = []
  for (const value of ['1', '2', '3', '4']) revisions.push((await store.write!([{ ...item, value }]))[0]!)
  const values = async (limit: number) => (await store.history!(item, limit)).map(({ value }) => value)
  expect(await values(10)).toEqual(['4', '3', '2', '1'])
  expect(await values(2)).toEqual(['4', '3'])
  await server.post('kv/compaction', { revision: revisions[2] })
  expect(await values(10)).toEqual(['4', '3'])
  expect(await store.history!({ ...A, key: 'never' }, 10)).toEqual([])
  await store.close()
})

test('items stand where Layotto has them, or right below the prefix', async () => {
  const read = async (key: string) => {
    const { kvs } = (await server.post('kv/range', { key: base64(key) })) as { kvs?: { value: string }[] }
    return kvs?.map(({ value }) => Buffer.from(value, 'base64').toString())
  }
  const store = await open({ prefix: '/app' })
  await store.write!([
    { key: 'k/1', group: 'g', label: 'l', value: '1' },
    { key: 'k/1', group: '', label: '', value: '2' },
  ])
  expect(await read('/app/g/l/k/1')).toEqual(['1'])
  expect(await read('/app/default/default/k/1')).toEqual(['2'])
  const flat = await open({ prefix: '/app/g/l', groups: false })
  expect(await flat.get({ prefix: '', group: '', label: '' })).toMatchObject([{ key: 'k/1', value: '1' }])
  const error = await flat.get({ prefix: '', group: 'g', label: '' }).catch(reason => reason)
  expect(error).toMatchObject({ code: 'feature-missing', details: { feature: 'configuration.group' } })
  expect(Object.keys((await flat.check(5_000)).lacks ?? {})).toEqual(['configuration.group', 'configuration.label'])
  await Promise.all([store.close(), flat.close()])
})

test('more items than are allowed are refused, and pages are put together', async () => {
  const store = await open({ prefix: '/many' })
  for (let i = 0; i < 1_200; i += 100) {
    const changes = Array.from({ length: 100 }, (_, j) => ({ ...A, key: `k${i + j}`, value: `${i + j}` }))
    await store.write!(changes)
  }
  const items = await store.get({ prefix: '', group: '', label: '' })
  expect(new Set(items.map(({ value }) => value)).size).toBe(1_200)
  const strict = await open({ prefix: '/many', maxItems: 1_199 })
  await expectRefusal(strict.get({ prefix: '', group: '', label: '' }), 'exhausted')
  await Promise.all([store.close(), strict.close()])
})

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
