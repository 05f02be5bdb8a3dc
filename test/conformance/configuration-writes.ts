/** The cases of the configuration suite about what is written, and what groups, labels, types and history add. */
import { expect } from 'vitest'
import type { ItemKey } from '../../src/apis/index.ts'
import {
  at,
  type ConfigurationBench,
  type ConfigurationCase,
  expectItems,
  expectView,
  keyOf,
  ofKeys,
  ofPrefix,
  put,
  seed,
  View,
  valuesOf,
} from './configuration-bench.ts'
import { expectRefusal } from './suite.ts'

/** Writes one item and returns its new version. */
async function write(bench: ConfigurationBench, key: string, value: string, expected?: string): Promise<string> {
  const [version] = await bench.store.write!([{ ...at(key), value, ...(expected !== undefined && { expected }) }])
  if (bench.has('configuration.delete')) bench.afterwards(() => bench.store.write!([at(key)]).catch(() => {}))
  return version!
}

export const configurationWriteCases: readonly ConfigurationCase[] = [
  {
    title: 'what is written is read, by every store, with the version that the write gave',
    needs: ['configuration.write'],
    async run(bench) {
      const [a, b] = [keyOf(bench, 'a'), keyOf(bench, 'b')]
      const versions = await bench.store.write!([
        { ...at(a), value: '1' },
        { ...at(b), value: '2' },
      ])
      expect(versions).toHaveLength(2)
      const other = await bench.open()
      for (const [i, key] of [a, b].entries()) {
        expect((await bench.store.get(ofKeys(key)))[0]).toMatchObject({ value: String(i + 1), version: versions[i] })
      }
      expect(await valuesOf(other, ofKeys(a, b))).toEqual({ [a]: '1', [b]: '2' })
      const next = await write(bench, a, '3')
      expect((await other.get(ofKeys(a)))[0]).toMatchObject({ value: '3', version: next })
      expect(await bench.store.write!([])).toEqual([])
    },
  },
  {
    title: 'what is deleted is gone; deleting what is not there is no error',
    needs: ['configuration.delete'],
    async run(bench) {
      const [a, b] = [keyOf(bench, 'a'), keyOf(bench, 'b')]
      await put(bench, { [a]: '1', [b]: '2' })
      await expectItems(bench, ofKeys(a, b), { [a]: '1', [b]: '2' })
      expect(await bench.store.write!([at(a)])).toEqual([''])
      expect(await valuesOf(bench.store, ofKeys(a, b))).toEqual({ [b]: '2' })
      expect(await bench.store.write!([at(a)])).toEqual([''])
      expect(await valuesOf(bench.store, ofKeys(a, b))).toEqual({ [b]: '2' })
    },
  },
  {
    title: 'a write bound to a version happens only if it is there, one bound to none only if nothing is',
    needs: ['configuration.write', 'configuration.cas'],
    async run(bench) {
      const key = keyOf(bench, 'cas')
      const { store } = bench
      const first = await write(bench, key, '1', '')
      await expectRefusal(write(bench, key, 'x', ''), 'conflict')
      const second = await write(bench, key, '2', first)
      await expectRefusal(write(bench, key, 'x', first), 'conflict')
      await expectRefusal(write(bench, key, 'x', 'no-version'), 'conflict')
      expect((await store.get(ofKeys(key)))[0]).toMatchObject({ value: '2', version: second })
      const never = keyOf(bench, 'never')
      await expectRefusal(write(bench, never, 'x', second), 'conflict')
      expect(await store.get(ofKeys(never))).toEqual([])
      // The same value again is a write of its own.
      const third = await write(bench, key, '2', second)
      expect(third).not.toBe(second)
      await expectRefusal(write(bench, key, 'x', second), 'conflict')
    },
  },
  {
    title: 'a deletion bound to a version happens only if it is there, and no version comes back',
    needs: ['configuration.delete', 'configuration.cas'],
    async run(bench) {
      const key = keyOf(bench, 'cas-delete')
      const { store } = bench
      const first = await write(bench, key, '1')
      const second = await write(bench, key, '2')
      await expectRefusal(store.write!([{ ...at(key), expected: first }]), 'conflict')
      expect(await valuesOf(store, ofKeys(key))).toEqual({ [key]: '2' })
      expect(await store.write!([{ ...at(key), expected: second }])).toEqual([''])
      expect(await store.get(ofKeys(key))).toEqual([])
      await expectRefusal(store.write!([{ ...at(key), expected: second }]), 'conflict')
      await write(bench, key, '3', '')
      for (const stale of [first, second]) await expectRefusal(write(bench, key, 'x', stale), 'conflict')
      expect(await valuesOf(store, ofKeys(key))).toEqual({ [key]: '3' })
    },
  },
  {
    title: 'of many who write from the same version one succeeds, so a counter loses nothing',
    needs: ['configuration.write', 'configuration.cas'],
    async run(bench) {
      const key = keyOf(bench, 'counter')
      const stores = [bench.store, await bench.open(), await bench.open(), await bench.open()]
      await write(bench, key, '0')
      let successes = 0
      const count = async (store: (typeof stores)[number]) => {
        for (let i = 0; i < 5; i++) {
          const item = (await store.get(ofKeys(key)))[0]!
          const change = { ...at(key), value: String(Number(item.value) + 1), expected: item.version }
          const outcome = store.write!([change]).then(() => successes++)
          await outcome.catch(async () => expectRefusal(outcome, 'conflict'))
        }
      }
      await Promise.all(stores.map(count))
      expect(successes).toBeGreaterThan(0)
      expect(await valuesOf(bench.store, ofKeys(key))).toEqual({ [key]: String(successes) })
    },
  },
  {
    title: 'the same key stands in several groups',
    needs: ['configuration.group'],
    run: bench => separated(bench, (key, i) => ({ key, group: ['', 'group-a', 'group-b'][i]!, label: '' })),
  },
  {
    title: 'the same key has a value for each label',
    needs: ['configuration.label'],
    run: bench => separated(bench, (key, i) => ({ key, group: '', label: ['', 'canary', 'blue'][i]! })),
  },
  {
    title: 'an item keeps the type of its content',
    needs: ['configuration.content-type'],
    async run(bench) {
      const [a, b] = [keyOf(bench, 'typed'), keyOf(bench, 'untyped')]
      await seed(bench, [
        { ...at(a), value: '{}', contentType: 'application/json' },
        { ...at(b), value: 'x' },
      ])
      await expectItems(bench, ofKeys(a, b), { [a]: '{}', [b]: 'x' })
      expect((await bench.store.get(ofKeys(a)))[0]?.contentType).toBe('application/json')
      expect((await bench.store.get(ofKeys(b)))[0]?.contentType).toBe('')
    },
  },
  {
    title: 'earlier values are read, the newest first',
    needs: ['configuration.history'],
    async run(bench) {
      const [key, other] = [keyOf(bench, 'history'), keyOf(bench, 'other')]
      for (const value of ['1', '2', '3']) await put(bench, { [key]: value, [other]: `other ${value}` })
      await expectItems(bench, ofKeys(key), { [key]: '3' })
      const { store } = bench
      const history = await bench.eventually('three values', async () => {
        const items = await store.history!(at(key), 10)
        return items.length === 3 && items
      })
      expect(history.map(item => item.value)).toEqual(['3', '2', '1'])
      expect(history.map(item => item.key)).toEqual([key, key, key])
      expect(new Set(history.map(item => item.version)).size).toBe(3)
      expect(history[0]!.version).toBe((await store.get(ofKeys(key)))[0]!.version)
      expect((await store.history!(at(key), 2)).map(item => item.value)).toEqual(['3', '2'])
      expect(await store.history!(at(keyOf(bench, 'never')), 5)).toEqual([])
    },
  },
  {
    title: 'what the store cannot do it does not offer',
    needs: [],
    async run(bench) {
      const writes = bench.has('configuration.write') || bench.has('configuration.delete')
      expect(bench.store.write !== undefined).toBe(writes)
      expect(bench.store.history !== undefined).toBe(bench.has('configuration.history'))
    },
  },
]

/** One key in three places: what is read, listed, watched and deleted in one is nothing to the others. */
async function separated(bench: ConfigurationBench, place: (key: string, i: number) => ItemKey): Promise<void> {
  const { store } = bench
  const key = keyOf(bench, 'same')
  const places = [0, 1, 2].map(i => place(key, i))
  const of = ({ group, label }: ItemKey) => ({ keys: [key], group, label })
  await seed(
    bench,
    places.map((each, i) => ({ ...each, value: `in ${i}` })),
  )
  for (const [i, each] of places.entries()) {
    await bench.eventually('the item in its place', async () => {
      expect(await store.get(of(each))).toMatchObject([{ ...each, value: `in ${i}` }])
      return true
    })
  }
  expect(
    await store.get(of({ ...place(key, 1), ...(place(key, 1).group ? { group: 'none' } : { label: 'none' }) })),
  ).toEqual([])
  if (bench.has('configuration.list')) {
    const { group, label } = places[1]!
    const listed = await store.get({ prefix: '', group, label })
    expect(listed.filter(item => item.key === key)).toMatchObject([{ value: 'in 1' }])
  }
  const view = bench.has('configuration.subscribe') ? new View(bench, of(places[1]!)) : undefined
  if (view) await expectView(bench, view, { [key]: 'in 1' })
  await seed(bench, [
    { ...places[0]!, value: 'not in 1' },
    { ...places[2]!, value: 'not in 1 either' },
  ])
  await seed(bench, [{ ...places[1]!, value: 'changed in 1' }])
  if (view) await expectView(bench, view, { [key]: 'changed in 1' })
  if (!bench.has('configuration.delete')) return
  await store.write!([places[1]!])
  expect(await store.get(of(places[1]!))).toEqual([])
  expect(await store.get(of(places[2]!))).toMatchObject([{ value: 'not in 1 either' }])
  if (!bench.has('configuration.prefix')) return
  expect(await store.get(ofPrefix(key))).toMatchObject([{ value: 'not in 1' }])
}
