import { afterAll, beforeAll, expect, test } from 'vitest'
import { nacosConfiguration } from '../../../src/components/configuration/nacos.ts'
import { configurationConformance } from '../../conformance/configuration.ts'
import { at, ofKeys, ofPrefix, valuesOf } from '../../conformance/configuration-bench.ts'
import { NacosFake } from '../../support/nacos-fake.ts'
import { openStore } from '../open.ts'

const nacos = new NacosFake()
beforeAll(() => nacos.http.start())
afterAll(() => nacos.stop())
const open = (more: object = {}) =>
  openStore(nacosConfiguration, { address: nacos.address, listEvery: '50ms', ...more })

configurationConformance({
  features: nacosConfiguration.features,
  open: () => open(),
  restart: { stop: () => nacos.stop(), start: () => nacos.http.start() },
  oddKeys: ['.dots.', ':colon', '_under-Score', `long-${'x'.repeat(150)}`],
  oddValues: [' blanks around ', 'value||7', '{"json": ["x", 1]}', 'two\nlines\r\n', 'a=1&b=%41+', 'Grüße-日本語-🚀'],
})

test('namespaces are kept apart', async () => {
  const [one, other] = [await open({ namespace: 'one' }), await open()]
  await one.write!([{ ...at('same'), value: '1' }])
  await other.write!([{ ...at('same'), value: '2' }])
  expect(await valuesOf(one, ofKeys('same'))).toEqual({ same: '1' })
  expect(await valuesOf(one, ofPrefix('sa'))).toEqual({ same: '1' })
  const seen: string[] = []
  const watch = one.watch(ofKeys('same'), {
    onItems: items => seen.push(...items.map(({ value }) => value)),
    onItem() {},
    onGone() {},
    onOutage() {},
  })
  await expect.poll(() => seen).toEqual(['1'])
  await other.write!([{ ...at('same'), value: '3' }])
  await one.write!([{ ...at('same'), value: '4' }])
  await expect.poll(() => seen).toEqual(['1', '4'])
  watch.close()
  await Promise.all([one.close(), other.close()])
})

test('more items than a page holds are all read', async () => {
  const store = await open({ namespace: 'pages' })
  await store.write!(Array.from({ length: 501 }, (_, i) => ({ ...at(`key-${i}`), value: 'x' })))
  expect(await store.get(ofPrefix('key-'))).toHaveLength(501)
  await store.close()
})

test('what Nacos does not keep is refused before anything is written', async () => {
  const store = await open()
  const good = { ...at('good'), value: 'x' }
  const refused = { code: 'invalid-argument' }
  await expect(store.write!([good, { ...at('a b'), value: 'x' }])).rejects.toMatchObject(refused)
  await expect(store.write!([good, { ...at('empty'), value: '' }])).rejects.toMatchObject(refused)
  await expect(store.write!([{ ...good, expected: '' }])).rejects.toMatchObject({
    code: 'feature-missing',
    details: { feature: 'configuration.cas' },
  })
  expect(await store.get(ofKeys('good'))).toEqual([])
  await store.close()
})

test('it logs in once, again when the token is refused, and a wrong password is denied', async () => {
  const own = new NacosFake()
  own.user = { username: 'app', password: 'right' }
  await own.http.start()
  process.env.NACOS_TEST_PASSWORD = 'right'
  const credentials = { username: 'app', password: { env: 'NACOS_TEST_PASSWORD' } }
  const store = await openStore(nacosConfiguration, { address: own.address, credentials })
  await Promise.all([store.get(ofKeys('a')), store.get(ofKeys('b'))])
  expect(own.logins).toBe(1)
  own.tokens.clear()
  await store.write!([{ ...at('a'), value: '1' }])
  expect(own.logins).toBe(2)
  own.tokens.clear()
  process.env.NACOS_TEST_PASSWORD = 'wrong'
  await expect(store.get(ofKeys('a'))).rejects.toMatchObject({ code: 'denied' })
  await store.close()
  await own.stop()
})
