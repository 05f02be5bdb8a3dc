import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ConfigurationStore } from '../../../src/apis/index.ts'
import { mysqlConfiguration } from '../../../src/components/configuration/mysql.ts'
import { configurationConformance } from '../../conformance/configuration.ts'
import { expectRefusal } from '../../conformance/suite.ts'
import { type MysqlBench, startMysqlBench } from '../mysql-backend.ts'
import { openStore } from '../open.ts'

let bench: MysqlBench

beforeAll(async () => {
  bench = await startMysqlBench()
})
afterAll(() => bench?.stop())

const open = (written: object = {}) =>
  openStore(mysqlConfiguration, { pollInterval: '20ms', ...written }, { backend: bench.backend })

configurationConformance({
  features: mysqlConfiguration.features,
  open,
  restart: { stop: () => bench.kill(), start: () => bench.server.restart() },
})

const place = (key: string) => ({ key, group: '', label: '' })
const valuesOf = async (store: ConfigurationStore, ...keys: string[]) =>
  Object.fromEntries((await store.get({ ...place(''), keys })).map(({ key, value }) => [key, value]))

/** What is told of some keys, in order. */
function listen(store: ConfigurationStore, ...keys: string[]) {
  const told = { readings: 0, events: [] as string[], values: {} as Record<string, string> }
  store.watch(
    { ...place(''), keys },
    {
      onItems(items) {
        told.readings++
        told.values = Object.fromEntries(items.map(({ key, value }) => [key, value]))
      },
      onItem({ key, value }) {
        told.events.push(`${key}=${value}`)
        told.values[key] = value
      },
      onGone({ key }) {
        told.events.push(`${key} gone`)
        delete told.values[key]
      },
      onOutage() {},
    },
  )
  return told
}

test('a watch reads everything once, and then only what has changed', async () => {
  const [watching, writing] = [await open(), await open()]
  await writing.write!([{ ...place('once-a'), value: '1' }])
  const told = listen(watching, 'once-a', 'once-b')
  await expect.poll(() => told.values).toEqual({ 'once-a': '1' })
  await writing.write!([
    { ...place('once-b'), value: '1' },
    { ...place('once-other'), value: '1' },
    { ...place('once-a'), value: '2' },
  ])
  await writing.write!([place('once-a'), place('once-never')])
  // Nothing is deleted: that is no change, and there is no number for it.
  await writing.write!([place('once-never')])
  await writing.write!([{ ...place('once-b'), value: '2' }])
  await expect.poll(() => told.events.at(-1)).toBe('once-b=2')
  expect(told.events).toEqual(['once-b=1', 'once-a=2', 'once-a gone', 'once-b=2'])
  expect(told.readings).toBe(1)
  await Promise.all([watching.close(), writing.close()])
})

test('a watch that was away for longer than changes are kept reads everything again', async () => {
  const [watching, writing] = [await open({ pollInterval: '1h', keepChanges: 3 }), await open({ keepChanges: 3 })]
  await writing.write!([
    { ...place('kept-a'), value: '0' },
    { ...place('kept-b'), value: '0' },
  ])
  const told = listen(watching, 'kept-a', 'kept-b')
  await expect.poll(() => told.readings).toBe(1)
  await writing.write!([place('kept-b')])
  for (let i = 1; i <= 10; i++) await writing.write!([{ ...place('kept-a'), value: `${i}` }])
  expect(await bench.root('SELECT COUNT(*) AS count FROM portolan.portolan_configuration_changes')).toEqual([
    { count: 3 },
  ])
  expect((await writing.history!(place('kept-a'), 10)).map(({ value }) => value)).toEqual(['10', '9', '8'])
  for (let i = 1; i <= 3; i++) await writing.write!([{ ...place('kept-other'), value: `${i}` }])
  expect((await writing.history!(place('kept-a'), 10)).map(({ value }) => value)).toEqual(['10'])
  // A write of its own makes it look.
  await watching.write!([{ ...place('kept-other'), value: 'last' }])
  await expect.poll(() => told.values).toEqual({ 'kept-a': '10' })
  expect(told).toMatchObject({ readings: 2, events: [] })
  await Promise.all([watching.close(), writing.close()])
})

test('another past with the same numbers, as after a failover with a loss, is noticed', async () => {
  const store = await open()
  const [version] = await store.write!([{ ...place('past'), value: 'lost' }])
  const told = listen(store, 'past')
  await expect.poll(() => told.values).toEqual({ past: 'lost' })
  const tables = ['portolan_configuration_changes', 'portolan_configuration']
  const mark = `mark = (mark + 1) % 4294967296`
  const revision = version!.split('-')[0]
  for (const table of tables)
    await bench.root(`UPDATE portolan.${table} SET ${mark}, value = 'other' WHERE revision = ${revision}`)
  await bench.root(`UPDATE portolan.portolan_configuration_head SET ${mark}`)
  await expect.poll(() => told.values).toEqual({ past: 'other' })
  await expectRefusal(store.write!([{ ...place('past'), value: 'x', expected: version! }]), 'conflict')
  await store.close()
})

test('several changes are applied all or none', async () => {
  const store = await open()
  const [version] = await store.write!([{ ...place('all-a'), value: '1' }])
  const stale = { ...place('all-b'), value: '1', expected: 'none' }
  await expectRefusal(store.write!([{ ...place('all-a'), value: '2', expected: version! }, stale]), 'conflict')
  expect(await valuesOf(store, 'all-a', 'all-b')).toEqual({ 'all-a': '1' })
  await expectRefusal(store.write!([{ ...place('x'.repeat(1025)), value: '1' }]), 'invalid-argument')
  await store.close()
})

test('a write waits for the one before it; one that was not committed when the server was lost has not happened', async () => {
  const store = await open()
  await store.write!([{ ...place('wait'), value: '1' }])
  const before = await bench.hold('UPDATE portolan.portolan_configuration_head SET revision = revision + 1')
  const write = store.write!([{ ...place('wait'), value: '2' }])
  await expect.poll(() => bench.running('INSERT INTO `portolan`')).toBe(1)
  await before.query('COMMIT')
  before.destroy()
  await write
  const other = await bench.hold('UPDATE portolan.portolan_configuration_head SET revision = revision + 1')
  const lost = expectRefusal(store.write!([{ ...place('wait'), value: '3' }]), 'unavailable')
  await expect.poll(() => bench.running('INSERT INTO `portolan`')).toBe(1)
  await bench.kill()
  await lost
  other.destroy()
  await bench.server.restart()
  await expect.poll(() => valuesOf(store, 'wait').catch(() => null)).toEqual({ wait: '2' })
  await store.close()
})

test('while the server is killed again and again, a watch never goes back and ends with what is true', async () => {
  const [watching, writing] = [await open(), await open()]
  const seen: number[] = []
  let gone = 0
  const note = (value: string | undefined) => value !== undefined && seen.push(Number(value))
  watching.watch(
    { ...place(''), keys: ['counter', 'flicker'] },
    {
      onItems: items => void note(items.find(({ key }) => key === 'counter')?.value),
      onItem: ({ key, value }) => void (key === 'counter' && note(value)),
      onGone: ({ key }) => void (key === 'flicker' && gone++),
      onOutage() {},
    },
  )
  let isWriting = true
  let last = 0
  const write = async () => {
    while (isWriting) {
      const flicker = { ...place('flicker'), ...(last % 2 === 0 ? { value: 'on' } : {}) }
      await writing.write!([{ ...place('counter'), value: `${++last}` }, flicker]).catch(async error => {
        if (!['unavailable', 'unknown'].includes(error.code)) throw error
        await new Promise(resolve => setTimeout(resolve, 10))
      })
    }
  }
  const written = write()
  for (let round = 0; round < 3; round++) {
    const before = seen.length
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBeGreaterThan(before + 10)
    await bench.server.kill()
    await bench.server.restart()
  }
  isWriting = false
  await written
  const end = [{ ...place('counter'), value: `${++last}` }]
  await expect.poll(() => writing.write!(end).then(Boolean, () => false)).toBe(true)
  await expect.poll(() => seen.at(-1)).toBe(last)
  expect(seen).toEqual([...seen].sort((a, b) => a - b))
  expect(gone).toBeGreaterThan(0)
  await Promise.all([watching.close(), writing.close()])
})

test('more items than may be read are refused, and watched they are an outage until there are fewer', async () => {
  const store = await open({ maxItems: 2 })
  const keys = ['many-a', 'many-b', 'many-c']
  await store.write!(keys.map(key => ({ ...place(key), value: '1' })))
  await expectRefusal(store.get({ ...place(''), prefix: 'many-' }), 'exhausted')
  await expectRefusal(store.get({ ...place(''), keys }), 'exhausted')
  const outages: Error[] = []
  let items = -1
  const view = {
    onItems: (all: readonly unknown[]) => {
      items = all.length
    },
    onItem() {},
    onGone() {},
    onOutage: (error: Error) => void outages.push(error),
  }
  store.watch({ ...place(''), prefix: 'many-' }, view)
  await expect.poll(() => outages.length).toBe(1)
  await store.write!([place('many-c')])
  await expect.poll(() => items).toBe(2)
  expect(outages).toHaveLength(1)
  await store.close()
})

test('changes that are too much to be read at once are passed over by reading everything', async () => {
  const [watching, writing] = [await open({ pollInterval: '1h' }), await open()]
  await writing.write!([{ ...place('small'), value: '1' }])
  const told = listen(watching, 'small')
  await expect.poll(() => told.readings).toBe(1)
  for (let i = 0; i < 14; i++) await writing.write!([{ ...place('big'), value: `${i}` }])
  const enlarged = "SET value = REPEAT('x', 5242880) WHERE item_key = 'big'"
  await bench.root(`UPDATE portolan.portolan_configuration_changes ${enlarged}`)
  await watching.write!([{ ...place('small'), value: '2' }])
  await expect.poll(() => told.values, { timeout: 5_000 }).toEqual({ small: '2' })
  await Promise.all([watching.close(), writing.close()])
}, 20_000)
