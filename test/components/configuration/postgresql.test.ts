import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ConfigurationStore } from '../../../src/apis/index.ts'
import { postgresqlConfiguration } from '../../../src/components/configuration/postgresql.ts'
import { configurationConformance } from '../../conformance/configuration.ts'
import { expectRefusal } from '../../conformance/suite.ts'
import { type PostgresqlServer, startPostgresql } from '../../support/postgresql-server.ts'
import { openStore } from '../open.ts'
import { account } from '../postgresql-account.ts'

let server: PostgresqlServer

beforeAll(async () => {
  server = await startPostgresql()
})
afterAll(() => server?.stop())

/** Without looking now and then: what is heard was told. */
const open = (more: object = {}) =>
  openStore(postgresqlConfiguration, { address: server.address, ...account(), pollInterval: '1h', ...more })

configurationConformance({
  features: postgresqlConfiguration.features,
  open,
  restart: { stop: () => server.kill(), start: () => server.restart() },
})

const place = (key: string) => ({ key, group: '', label: '' })

/** What is told of a key, in order. */
function listen(store: ConfigurationStore, key: string) {
  const told = { readings: 0, values: [] as (string | undefined)[] }
  const note = (items: readonly { value: string }[]) => void told.values.push(items[0]?.value)
  store.watch(
    { ...place(''), keys: [key] },
    {
      onItems(items) {
        told.readings++
        note(items)
      },
      onItem: item => note([item]),
      onGone: () => note([]),
      onOutage() {},
    },
  )
  return told
}

test('a change of any size is told once it is committed, and nothing is read twice', async () => {
  const [watching, writing] = [await open(), await open()]
  await writing.write!([{ ...place('told'), value: '1' }])
  const told = listen(watching, 'told')
  await expect.poll(() => told.values).toEqual(['1'])
  // What one notification can hold is 8,000 bytes.
  const long = 'x'.repeat(100_000)
  await writing.write!([{ ...place('told'), value: long }])
  await writing.write!([place('told')])
  await expect.poll(() => told.values).toEqual(['1', long, undefined])
  expect(told.readings).toBe(1)
  await Promise.all([watching.close(), writing.close()])
})

test('where nobody is told, as behind some poolers, the tables are looked at', async () => {
  const [watching, writing] = [await open({ pollInterval: '30ms' }), await open()]
  const told = listen(watching, 'polled')
  await expect.poll(() => told.readings).toBe(1)
  server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
  await writing.write!([{ ...place('polled'), value: '1' }])
  await expect.poll(() => told.values.at(-1)).toBe('1')
  await Promise.all([watching.close(), writing.close()])
})

test('while the server is killed again and again, a watch never goes back and ends with what is true', async () => {
  const [watching, writing] = [await open(), await open()]
  const told = listen(watching, 'counter')
  const seen = () => told.values.flatMap(value => (value === undefined ? [] : [Number(value)]))
  let isWriting = true
  let last = 0
  const write = async () => {
    while (isWriting) {
      await writing.write!([{ ...place('counter'), value: `${++last}` }]).catch(async error => {
        if (!['unavailable', 'unknown'].includes(error.code)) throw error
        await new Promise(resolve => setTimeout(resolve, 10))
      })
    }
  }
  const written = write()
  for (let round = 0; round < 3; round++) {
    const before = told.values.length
    await expect.poll(() => told.values.length, { timeout: 10_000 }).toBeGreaterThan(before + 10)
    await server.kill()
    await server.restart()
  }
  isWriting = false
  await written
  const end = [{ ...place('counter'), value: `${++last}` }]
  await expect.poll(() => writing.write!(end).then(Boolean, () => false)).toBe(true)
  await expect.poll(() => seen().at(-1), { timeout: 5_000 }).toBe(last)
  expect(seen()).toEqual(seen().sort((a, b) => a - b))
  await Promise.all([watching.close(), writing.close()])
})

test('several changes are applied all or none; a write that finds nothing to delete has no number', async () => {
  const store = await open()
  const [version] = await store.write!([{ ...place('all-a'), value: '1' }])
  const stale = { ...place('all-b'), value: '1', expected: 'none' }
  await expectRefusal(store.write!([{ ...place('all-a'), value: '2', expected: version! }, stale]), 'conflict')
  const head = () => server.sql('SELECT revision FROM portolan_configuration_head')
  const before = head()
  expect(await store.write!([place('never')])).toEqual([''])
  expect(head()).toBe(before)
  expect(await store.get({ ...place(''), keys: ['all-a', 'all-b'] })).toMatchObject([{ key: 'all-a', value: '1' }])
  await expectRefusal(store.write!([{ ...place('x'.repeat(1025)), value: '1' }]), 'invalid-argument')
  await expectRefusal(store.write!([{ ...place('nul'), value: 'a\0b' }]), 'invalid-argument')
  await store.close()
})

test('changes beyond those that are kept go, and a watch that missed them reads everything again', async () => {
  const [watching, writing] = [await open({ keepChanges: 3 }), await open({ keepChanges: 3 })]
  const told = listen(watching, 'kept')
  await expect.poll(() => told.readings).toBe(1)
  for (let i = 1; i <= 10; i++) await writing.write!([{ ...place('kept'), value: `${i}` }])
  await expect.poll(() => told.values.at(-1)).toBe('10')
  expect(server.sql('SELECT count(*) FROM portolan_configuration_changes')).toBe('3')
  expect((await writing.history!(place('kept'), 10)).map(({ value }) => value)).toEqual(['10', '9', '8'])
  await Promise.all([watching.close(), writing.close()])
})

test('more items than may be read are refused', async () => {
  const store = await open({ maxItems: 2 })
  const keys = ['many-a', 'many-b', 'many-c']
  await store.write!(keys.map(key => ({ ...place(key), value: '1' })))
  await expectRefusal(store.get({ ...place(''), prefix: 'many-' }), 'exhausted')
  await expectRefusal(store.get({ ...place(''), keys }), 'exhausted')
  await store.close()
})
