import { Kvm } from '@nats-io/kv'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ItemKey } from '../../../src/apis/index.ts'
import { natsConfiguration } from '../../../src/components/configuration/nats.ts'
import { configurationConformance } from '../../conformance/configuration.ts'
import { expectRefusal } from '../../conformance/suite.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { type NatsServer, startNats } from '../../support/nats-server.ts'
import { openStore } from '../open.ts'

let server: NatsServer

beforeAll(async () => {
  server = await startNats()
})
afterAll(() => server?.stop())

const open = (more: object = {}) => openStore(natsConfiguration, { servers: [server.address], ...more })

configurationConformance({
  features: natsConfiguration.features,
  open,
  restart: { stop: () => server.kill(), start: () => server.restart() },
})

const A: ItemKey = { key: 'a', group: '', label: '' }
const all = { prefix: '', group: '', label: '' }

/** A watch, and what it tells, in words. */
async function watched(servers: readonly string[], bucket: string, prefix = '') {
  const told: string[] = []
  const store = await open({ servers, bucket, requestTimeout: '500ms' })
  const watch = store.watch(
    { ...all, prefix },
    {
      onItems: items =>
        told.push(
          `all: ${items
            .map(({ value }) => value)
            .toSorted()
            .join()}`,
        ),
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

test('over a loss of the connection and a restart by SIGKILL no change is lost and none is invented', async () => {
  const bucket = 'outages'
  const proxy = await FaultProxy.start(Number(server.address.split(':')[1]))
  const store = await open({ bucket })
  await store.write!([{ ...A, value: '1' }])
  const { told, close } = await watched([`127.0.0.1:${proxy.port}`], bucket)
  await expect.poll(() => told).toEqual(['all: 1'])
  await proxy.refuse()
  await expect.poll(() => told).toEqual(['all: 1', 'outage'])
  await store.write!([
    { ...A, value: '2' },
    { ...A, key: 'b', value: '3' },
  ])
  await store.write!([A])
  await proxy.listen()
  await expect.poll(() => told, { timeout: 10_000 }).toEqual(['all: 1', 'outage', 'all: 3'])
  await store.write!([{ ...A, value: '4' }])
  await expect.poll(() => told.at(-1)).toBe('4')
  await server.kill()
  await server.restart()
  await expect
    .poll(
      () =>
        store.write!([{ ...A, key: 'b' }]).then(
          () => true,
          () => false,
        ),
      { timeout: 10_000 },
    )
    .toBe(true)
  await expect.poll(() => told.at(-1), { timeout: 10_000 }).toMatch(/^all: 4$|^b is gone$/)
  expect(told.filter(what => what === '4')).toEqual(['4'])
  await close()
  await store.close()
  proxy.close()
})

test('a watch whose connection is silent is begun anew on another one', async () => {
  const bucket = 'silent'
  const proxy = await FaultProxy.start(Number(server.address.split(':')[1]))
  const store = await open({ bucket })
  const { told, close } = await watched([`127.0.0.1:${proxy.port}`], bucket)
  await expect.poll(() => told).toEqual(['all: '])
  proxy.silence()
  await store.write!([{ ...A, value: 'meanwhile' }])
  proxy.speak()
  await expect.poll(() => told.at(-1), { timeout: 20_000 }).toBe('all: meanwhile')
  await close()
  await store.close()
  proxy.close()
}, 25_000)

test('a bucket of others is read and written as it is: without groups its keys are the items’', async () => {
  const connection = await connect({ servers: server.address })
  const others = await new Kvm(connection).create('others', { history: 2 })
  await others.put('db.url', 'there')
  await others.put('odd=key', 'not ours')
  const store = await open({ bucket: 'others', groups: false })
  expect(await store.get(all)).toMatchObject([{ key: 'db.url', value: 'there' }])
  const { told, close } = await watched([server.address], 'others')
  await others.purge('db.url')
  expect(await store.get({ keys: ['db.url'], group: '', label: '' })).toEqual([])
  await store.write!([{ ...A, key: 'a key', value: 'ours' }])
  expect((await others.get('a=20key'))?.string()).toBe('ours')
  for (const value of ['1', '2', '3']) await store.write!([{ ...A, value }])
  // The bucket was made to keep two.
  expect((await store.history!(A, 10)).map(({ value }) => value)).toEqual(['3', '2'])
  const error = await store.get({ ...all, group: 'g' }).catch(reason => reason)
  expect(error).toMatchObject({ code: 'feature-missing', details: { feature: 'configuration.group' } })
  // Groups of its own: nothing of this is in one.
  expect(told.filter(what => what !== 'all: ')).toEqual([])
  await close()
  await store.close()
  await connection.close()
})

test('more items than are allowed are refused, a key that NATS has no place for too', async () => {
  const store = await open({ bucket: 'many' })
  await store.write!(Array.from({ length: 20 }, (_, i) => ({ ...A, key: `k${i}`, value: `${i}` })))
  expect(await store.get(all)).toHaveLength(20)
  const strict = await open({ bucket: 'many', maxItems: 19 })
  await expectRefusal(strict.get(all), 'exhausted')
  await expectRefusal(store.write!([{ ...A, key: 'x'.repeat(2_050), value: '' }]), 'invalid-argument')
  await expectRefusal(store.write!([{ ...A, value: 'x'.repeat(2 ** 20 + 1) }]), 'invalid-argument')
  await Promise.all([store.close(), strict.close()])
})

test('of several changes those before one that is refused are made', async () => {
  const store = await open({ bucket: 'several' })
  const changes = [
    { ...A, value: '1' },
    { ...A, key: 'b', value: '2', expected: '7' },
    { ...A, key: 'c', value: '3' },
  ]
  await expectRefusal(store.write!(changes), 'conflict')
  expect((await store.get(all)).map(({ key }) => key)).toEqual(['a'])
  await store.close()
})
