/** The conformance suite of the configuration API: what is read and watched, and what configuration-writes.ts adds. */
import { expect } from 'vitest'
import {
  at,
  type ConfigurationCase,
  type ConfigurationSubject,
  expectItems,
  expectView,
  keyOf,
  ofKeys,
  ofPrefix,
  put,
  View,
  valuesOf,
} from './configuration-bench.ts'
import { configurationWriteCases } from './configuration-writes.ts'
import { expectRefusal, ODD_NAMES, register } from './suite.ts'

export type { ConfigurationSubject } from './configuration-bench.ts'

export function configurationConformance(subject: ConfigurationSubject): void {
  register('configuration', configurationCases, subject)
}

const ODD_VALUES: readonly string[] = [
  '',
  ' blanks around ',
  'value||7',
  '{"json": ["x", 1]}',
  'two\nlines\r\n',
  'quote\'"\\$(x)`',
  'Grüße-日本語-🚀',
  'x'.repeat(65_536),
]

export const configurationCases: readonly ConfigurationCase[] = [
  {
    title: 'items are read by key: one, some, none; what does not exist is left out',
    needs: ['configuration.get'],
    async run(bench) {
      const [a, b, c, missing] = ['a', 'b', 'c', 'missing'].map(hint => keyOf(bench, hint)) as [
        string,
        string,
        string,
        string,
      ]
      await put(bench, { [a]: '1', [b]: '2', [c]: '3' })
      await expectItems(bench, ofKeys(a, b, c), { [a]: '1', [b]: '2', [c]: '3' })
      expect(await valuesOf(bench.store, ofKeys(b))).toEqual({ [b]: '2' })
      expect(await valuesOf(bench.store, ofKeys(missing, c))).toEqual({ [c]: '3' })
      expect(await bench.store.get(ofKeys(missing))).toEqual([])
      expect(await bench.store.get(ofKeys())).toEqual([])
      const [item] = await bench.store.get(ofKeys(a))
      expect(item).toMatchObject({ ...at(a), value: '1' })
      expect(typeof item!.version).toBe('string')
      expect(typeof item!.contentType).toBe('string')
      expect(item!.metadata).toBeTypeOf('object')
    },
  },
  {
    title: 'odd keys and values are read as they are',
    needs: ['configuration.get'],
    async run(bench) {
      const base = keyOf(bench, 'odd')
      const odd = Object.fromEntries((bench.subject.oddKeys ?? ODD_NAMES).map(key => [`${base}${key}`, `of ${key}`]))
      await put(bench, odd)
      await expectItems(bench, ofKeys(...Object.keys(odd)), odd)
      const key = keyOf(bench, 'odd-values')
      for (const value of bench.subject.oddValues ?? ODD_VALUES) {
        await put(bench, { [key]: value })
        await expectItems(bench, ofKeys(key), { [key]: value })
      }
      for (const missing of ['__proto__', 'constructor', 'toString', '', `${base}/../x`]) {
        expect(await bench.store.get(ofKeys(missing)), missing).toEqual([])
      }
    },
  },
  {
    title: 'a version changes with each change, and only then',
    needs: ['configuration.get'],
    async run(bench) {
      const key = keyOf(bench, 'version')
      const { store } = bench
      const versionOf = async () => (await store.get(ofKeys(key)))[0]!.version
      await put(bench, { [key]: '1' })
      await expectItems(bench, ofKeys(key), { [key]: '1' })
      const first = await versionOf()
      expect(await versionOf()).toBe(first)
      await put(bench, { [key]: '2' })
      await expectItems(bench, ofKeys(key), { [key]: '2' })
      const second = await versionOf()
      if (first !== '' || bench.has('configuration.cas')) expect(second).not.toBe(first)
      expect(await versionOf()).toBe(second)
    },
  },
  {
    title: 'all items are read without naming keys',
    needs: ['configuration.list'],
    async run(bench) {
      const items = { [keyOf(bench, 'x')]: '1', [keyOf(bench, 'y')]: '2', [keyOf(bench, 'z')]: '3' }
      await put(bench, items)
      await expectItems(bench, ofKeys(...Object.keys(items)), items)
      expect(await valuesOf(bench.store, ofPrefix(''))).toMatchObject(items)
    },
  },
  {
    title: 'items are read by the beginning of their keys, which is no pattern',
    needs: ['configuration.prefix'],
    async run(bench) {
      const base = keyOf(bench, 'prefix')
      const items = { [`${base}.a`]: '1', [`${base}.b.c`]: '2' }
      await put(bench, { ...items, [`${base}x`]: '3', [keyOf(bench, 'else')]: '4', [base]: '5' })
      await expectItems(bench, ofPrefix(`${base}.`), items)
      await expectItems(bench, ofPrefix(base), { ...items, [`${base}x`]: '3', [base]: '5' })
      expect(await bench.store.get(ofPrefix(`${base}.b.c.d`))).toEqual([])
      for (const pattern of ['*', '?', '.*', '%', '_', '[', '\\']) {
        expect(await bench.store.get(ofPrefix(`${base}${pattern}`)), pattern).toEqual([])
      }
    },
  },
  {
    title: 'three subscribers are told what is there, what is new and what changes',
    needs: ['configuration.subscribe'],
    async run(bench) {
      const [a, b, c] = [keyOf(bench, 'a'), keyOf(bench, 'b'), keyOf(bench, 'c')]
      await put(bench, { [a]: '1', [c]: 'others' })
      await expectItems(bench, ofKeys(a), { [a]: '1' })
      const views = [
        new View(bench, ofKeys(a, b)),
        new View(bench, ofKeys(a, b)),
        new View(bench, ofKeys(b), await bench.open()),
      ] as const
      await expectView(bench, views[0], { [a]: '1' })
      await expectView(bench, views[1], { [a]: '1' })
      await expectView(bench, views[2], {})
      await put(bench, { [b]: '2', [c]: 'changed' })
      for (const view of views.slice(0, 2)) await expectView(bench, view, { [a]: '1', [b]: '2' })
      await expectView(bench, views[2], { [b]: '2' })
      views[1].close()
      const { told } = views[1]
      await put(bench, { [a]: '3' })
      await expectView(bench, views[0], { [a]: '3', [b]: '2' })
      for (let i = 0; i < 30; i++) await put(bench, { [b]: `b${i}` })
      await expectView(bench, views[0], { [a]: '3', [b]: 'b29' })
      await expectView(bench, views[2], { [b]: 'b29' })
      expect(views[1].told).toBe(told)
    },
  },
  {
    title: 'a subscriber is told of all that begins so',
    needs: ['configuration.subscribe', 'configuration.prefix'],
    async run(bench) {
      const base = keyOf(bench, 'watched')
      await put(bench, { [`${base}.a`]: '1', [`${base}x`]: 'others' })
      const view = new View(bench, ofPrefix(`${base}.`))
      await expectView(bench, view, { [`${base}.a`]: '1' })
      await put(bench, { [`${base}.b`]: '2', [`${base}y`]: 'others' })
      await expectView(bench, view, { [`${base}.a`]: '1', [`${base}.b`]: '2' })
    },
  },
  {
    title: 'a subscriber is told that an item is gone, and when it is back',
    needs: ['configuration.delete-event'],
    async run(bench) {
      const [a, b] = [keyOf(bench, 'a'), keyOf(bench, 'b')]
      await put(bench, { [a]: '1', [b]: '2' })
      const view = new View(bench, ofKeys(a, b))
      await expectView(bench, view, { [a]: '1', [b]: '2' })
      await put(bench, { [a]: undefined })
      await expectView(bench, view, { [b]: '2' })
      await put(bench, { [a]: '1' })
      await expectView(bench, view, { [a]: '1', [b]: '2' })
    },
  },
  ...configurationWriteCases,
  {
    title:
      'over an outage: calls are refused as unavailable, a subscriber is told once, and then what changed meanwhile',
    needs: ['configuration.get'],
    outage: true,
    async run(bench) {
      const [a, b, c] = [keyOf(bench, 'a'), keyOf(bench, 'b'), keyOf(bench, 'c')]
      await put(bench, { [a]: '1', [b]: '2' })
      await expectItems(bench, ofKeys(a, b), { [a]: '1', [b]: '2' })
      const view = bench.has('configuration.subscribe') ? new View(bench, ofKeys(a, b, c)) : undefined
      if (view) await expectView(bench, view, { [a]: '1', [b]: '2' })
      await bench.outage(async () => {
        await expectRefusal(bench.store.get(ofKeys(a)), 'unavailable')
        await expectRefusal(bench.store.check(2_000), 'unavailable')
        const change = { ...at(a), value: 'lost' }
        if (bench.has('configuration.write')) await expectRefusal(bench.store.write!([change]), 'unavailable')
        if (view) await bench.eventually('the subscriber hears of the outage', () => view.outages > 0)
      })
      const changes = { [a]: '3', [b]: bench.has('configuration.delete-event') ? undefined : '2', [c]: '4' }
      await bench.eventually('items are changed again', () => put(bench, changes).then(() => true))
      const expected: Record<string, string> = { [a]: '3', [c]: '4', ...(changes[b] && { [b]: changes[b] }) }
      await expectItems(bench, ofKeys(a, b, c), expected)
      if (!view) return
      await expectView(bench, view, expected)
      expect(view.outages).toBe(1)
    },
  },
]
