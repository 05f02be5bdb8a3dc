import { expect, test } from 'vitest'
import { memorySecrets } from '../../../src/components/secrets/memory.ts'
import { secretsConformance } from '../../conformance/secrets.ts'
import { openStore } from '../open.ts'

/** The references cannot change while a store is open, so each store sees those of the moment it is opened. */
const secrets: Record<string, { env: string } | Record<string, { env: string }>> = {}
const variable = (name: string, key: string) => `MEMORY_SECRETS_${name}_${key}`

secretsConformance({
  features: memorySecrets.features,
  // A view of whatever is referred to at the moment of the call.
  async open() {
    const now = () => openStore(memorySecrets, { secrets })
    const first = await now()
    return {
      get: async (...args) => (await now()).get(...args),
      list: async () => (await now()).list!(),
      check: first.check.bind(first),
      close: first.close.bind(first),
    }
  },
  async put(name, values) {
    delete secrets[name]
    if (!values) return
    for (const [key, value] of Object.entries(values)) process.env[variable(name, key)] = value
    const references = Object.fromEntries(Object.keys(values).map(key => [key, { env: variable(name, key) }]))
    secrets[name] = Object.keys(values).join() === name ? references[name]! : references
  },
})

test('a key may be named as a kind of reference', async () => {
  process.env.OF_ENV = 'x'
  const store = await openStore(memorySecrets, { secrets: { odd: { env: { env: 'OF_ENV' } } } })
  expect(await store.get('odd')).toMatchObject({ values: { env: 'x' } })
  await store.close()
})

test('what a reference leads to may be missing for a while', async () => {
  const store = await openStore(memorySecrets, { secrets: { late: { env: 'OF_LATE' } } })
  await expect(store.get('late')).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching('OF_LATE'),
  })
  process.env.OF_LATE = 'there'
  expect(await store.get('late')).toMatchObject({ values: { late: 'there' } })
  await store.close()
})
