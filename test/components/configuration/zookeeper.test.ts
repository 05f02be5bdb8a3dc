import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MULTI, SET_DATA } from '../../../codecs/zookeeper/index.ts'
import type { ItemKey } from '../../../src/apis/index.ts'
import { zookeeperConfiguration } from '../../../src/components/configuration/zookeeper.ts'
import { configurationConformance } from '../../conformance/configuration.ts'
import { expectRefusal, passing } from '../../conformance/suite.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { startZooKeeper, type ZooKeeperServer } from '../../support/zookeeper-server.ts'
import { openZooKeeper } from '../clients/open-zookeeper.ts'
import { openStore } from '../open.ts'

let server: ZooKeeperServer

beforeAll(async () => {
  server = await startZooKeeper()
})
afterAll(() => server?.stop())

const open = (more: object = {}) => openStore(zookeeperConfiguration, { endpoints: [server.address], ...more })

configurationConformance({
  features: zookeeperConfiguration.features,
  open,
  restart: { stop: () => server.kill(), start: () => server.restart() },
})

const ITEM: ItemKey = { key: 'a/b', group: '', label: '' }

test('a node without data is no item, and what others write is told', async () => {
  const store = await open({ prefix: '/apps/shop', groups: false })
  const client = openZooKeeper([server.address])
  const told: string[] = []
  const watch = store.watch(
    { group: '', label: '', prefix: '' },
    {
      onItems: items => told.push(`all: ${items.map(({ key }) => key)}`),
      onItem: ({ key, value }) => told.push(`${key} = ${value}`),
      onGone: ({ key }) => told.push(`${key} is gone`),
      onOutage: () => told.push('outage'),
    },
  )
  await expect.poll(() => told).toEqual(['all: '])
  await store.write!([{ ...ITEM, value: '1' }])
  await expect.poll(() => told.at(-1)).toBe('a/b = 1')
  expect(await store.get({ group: '', label: '', keys: ['a'] })).toEqual([])
  await client.call(SET_DATA, { path: '/apps/shop/a', data: Buffer.from('of others'), version: -1 })
  await expect.poll(() => told.at(-1)).toBe('a = of others')
  // It has a child, so the node stays and its data goes.
  await store.write!([{ ...ITEM, key: 'a' }])
  await expect.poll(() => told.at(-1)).toBe('a is gone')
  expect(await store.get({ group: '', label: '', prefix: '' })).toMatchObject([{ key: 'a/b', value: '1' }])
  watch.close()
  await Promise.all([store.close(), client.close()])
})

test('a watch misses nothing over the loss of a connection, nor the end of its session', async () => {
  const proxy = await FaultProxy.start(server.port)
  const cut = await openStore(zookeeperConfiguration, {
    endpoints: [`127.0.0.1:${proxy.port}`],
    sessionTimeout: '300ms',
  })
  const store = await open()
  await store.write!([{ ...ITEM, value: '0' }])
  let value: string | undefined
  let outages = 0
  const watch = cut.watch(
    { group: '', label: '', keys: [ITEM.key] },
    {
      onItems: items => (value = items[0]?.value),
      onItem: item => (value = item.value),
      onGone: () => (value = undefined),
      onOutage: () => outages++,
    },
  )
  await expect.poll(() => value).toBe('0')
  for (const [round, awayMs] of [0, 1_000, 0].entries()) {
    await proxy.refuse()
    await store.write!([{ ...ITEM, value: `${round + 1}` }])
    await passing(awayMs)
    await proxy.listen()
    await expect.poll(() => value).toBe(`${round + 1}`)
    await store.write!([ITEM])
    await expect.poll(() => value).toBeUndefined()
  }
  expect(outages).toBeGreaterThan(0)
  watch.close()
  await Promise.all([cut.close(), store.close()])
  proxy.close()
})

test('one that was deleted and made again is not the one that was read, although it has as many writes', async () => {
  const store = await open()
  const item = { ...ITEM, key: 'again' }
  const [first] = await store.write!([{ ...item, value: '1', expected: '' }])
  await store.write!([item])
  const [second] = await store.write!([{ ...item, value: '1', expected: '' }])
  expect(second).not.toBe(first)
  await expectRefusal(store.write!([{ ...item, value: '2', expected: first! }]), 'conflict')
  // All or nothing.
  const other = { ...ITEM, key: 'other' }
  const both = [
    { ...other, value: 'x' },
    { ...item, value: '2', expected: first! },
  ]
  await expectRefusal(store.write!(both), 'conflict')
  expect(await store.get({ group: '', label: '', keys: ['again', 'other'] })).toMatchObject([{ value: '1' }])
  await expectRefusal(store.write!([{ ...other, value: 'x' }, { ...other }]), 'invalid-argument')
  await store.close()
})

test('more nodes than are allowed are refused', async () => {
  const store = await open({ maxItems: 3 })
  for (const key of ['m/1', 'm/2', 'm/3']) await store.write!([{ ...ITEM, key, value: key }])
  expect(await store.get({ group: '', label: '', prefix: 'm/' })).toHaveLength(3)
  await store.write!([{ ...ITEM, key: 'm/4', value: '' }])
  await expectRefusal(store.get({ group: '', label: '', prefix: 'm/' }), 'exhausted')
  expect(await store.get({ group: '', label: '', prefix: 'm/4' })).toMatchObject([{ key: 'm/4', value: '' }])
  await store.close()
})

test('nor is it when that happens between the look and the write', async () => {
  const store = await open()
  const item = { ...ITEM, key: 'between' }
  const [seen] = await store.write!([{ ...item, value: '1' }])
  let meanwhile = async () => {
    await store.write!([item])
    await store.write!([{ ...item, value: '2' }])
  }
  // Holds the first transaction up until that is done.
  const relay = createServer(socket => {
    const behind = connect({ port: server.port, host: '127.0.0.1' })
    behind.pipe(socket)
    socket.on('data', async chunk => {
      const code = chunk.readInt32BE(8)
      const now = meanwhile
      if (code === MULTI.code) {
        meanwhile = async () => {}
        await now()
      }
      behind.write(chunk)
    })
    behind.on('error', () => socket.destroy())
    socket.on('close', () => behind.destroy())
  }).listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const slow = await open({ endpoints: [`127.0.0.1:${(relay.address() as AddressInfo).port}`] })
  await expectRefusal(slow.write!([{ ...item, value: 'lost', expected: seen! }]), 'conflict')
  expect(await store.get({ group: '', label: '', keys: ['between'] })).toMatchObject([{ value: '2' }])
  await Promise.all([slow.close(), store.close()])
  relay.close()
})
