import { afterAll, expect, test } from 'vitest'
import { envSecrets } from '../../../src/components/secrets/env.ts'
import { secretsConformance } from '../../conformance/secrets.ts'
import { openStore } from '../open.ts'

const PREFIX = 'SECRETS_OF_A_TEST_'
const before = new Set(Object.keys(process.env))
afterAll(() => {
  for (const name of Object.keys(process.env)) if (!before.has(name)) delete process.env[name]
})

secretsConformance({
  features: envSecrets.features,
  open: () => openStore(envSecrets, { prefix: PREFIX }),
  async put(name, values) {
    if (values) process.env[PREFIX + name] = values[name]
    else delete process.env[PREFIX + name]
  },
})

test('only what begins with the prefix can be read', async () => {
  process.env.ANOTHER_SECRET = 'x'
  const store = await openStore(envSecrets, { prefix: PREFIX })
  expect(await store.get('ANOTHER_SECRET')).toBeUndefined()
  expect((await store.list!()).map(({ name }) => name)).not.toContain('ANOTHER_SECRET')
  await store.close()
})

test('without a prefix all variables can be read but those of the sidecar itself', async () => {
  Object.assign(process.env, { ANOTHER_SECRET: 'x', DAPR_API_TOKEN: 't', APP_API_TOKEN: 't', PORTOLAN_X: 't' })
  const store = await openStore(envSecrets, { prefix: '' })
  expect(await store.get('ANOTHER_SECRET')).toMatchObject({ values: { ANOTHER_SECRET: 'x' } })
  const names = (await store.list!()).map(({ name }) => name)
  expect(names).toContain('ANOTHER_SECRET')
  for (const name of ['DAPR_API_TOKEN', 'APP_API_TOKEN', 'PORTOLAN_X']) {
    expect(await store.get(name)).toBeUndefined()
    expect(names).not.toContain(name)
  }
  await store.close()
})
