import { afterAll, beforeAll, expect, test } from 'vitest'
import { etcdSequencer } from '../../../src/components/sequencer/etcd.ts'
import { sequencerConformance } from '../../conformance/sequencer.ts'
import { expectRefusal } from '../../conformance/suite.ts'
import { type EtcdServer, startEtcd } from '../../support/etcd-server.ts'
import { openStore } from '../open.ts'
import { underRestarts } from './under-restarts.ts'

let server: EtcdServer

beforeAll(async () => {
  server = await startEtcd()
})
afterAll(() => server?.stop())

const open = (more: object = {}) => openStore(etcdSequencer, { endpoints: [server.address], ...more })

sequencerConformance({
  features: etcdSequencer.features,
  open,
  restart: { stop: () => server.kill(), start: () => server.restart() },
})

underRestarts({ open, kill: () => server.kill(), restart: () => server.restart() })

test('a counter of Layotto goes on; one that is something else is left alone', async () => {
  const store = await open({ prefix: '/layotto/' })
  const put = (key: string, value: string) =>
    server.post('kv/put', { key: Buffer.from(key).toString('base64'), value: Buffer.from(value).toString('base64') })
  // Layotto writes an empty value for each number.
  for (let i = 0; i < 5; i++) await put('/layotto/orders', '')
  expect(await store.reserve('orders', 2)).toBe(6n)
  expect(await store.reserve('orders', 1)).toBe(8n)
  await put('/layotto/text', 'no number')
  await expectRefusal(store.reserve('text', 1), 'internal')
  await put('/layotto/last', String(2n ** 63n - 2n))
  expect(await store.reserve('last', 1)).toBe(2n ** 63n - 1n)
  await expectRefusal(store.reserve('last', 1), 'exhausted')
  await store.close()
})

test('those who wait behind a server that hangs are refused together', async () => {
  const store = await open({ requestTimeout: '300ms' })
  await store.reserve('hangs', 1)
  server.pause()
  // One after the other they would take a minute.
  const calls = Array.from({ length: 200 }, () => store.reserve('hangs', 1).catch(error => error.code))
  expect(new Set(await Promise.all(calls))).toEqual(new Set(['unavailable']))
  server.resume()
  await store.close()
})
