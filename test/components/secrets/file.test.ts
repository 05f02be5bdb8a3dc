import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { FeatureId } from '../../../src/apis/index.ts'
import { fileSecrets } from '../../../src/components/secrets/file.ts'
import { secretsConformance } from '../../conformance/secrets.ts'
import { ODD_NAMES } from '../../conformance/suite.ts'
import { openStore } from '../open.ts'

const dir = mkdtempSync(join(tmpdir(), 'secrets-file-'))
afterAll(() => rmSync(dir, { recursive: true }))

function replace(path: string, secrets: unknown): void {
  writeFileSync(`${path}.new`, JSON.stringify(secrets))
  renameSync(`${path}.new`, path)
}

describe.each([true, false])('multiValued: %s', multiValued => {
  const path = join(dir, `secrets-${multiValued}.json`)
  const secrets: Record<string, unknown> = {}
  replace(path, secrets)
  const features = fileSecrets.features.filter(id => multiValued || id !== ('secrets.multi-value' satisfies FeatureId))
  secretsConformance({
    features,
    open: () => openStore(fileSecrets, { path, multiValued }),
    oddNames: ODD_NAMES,
    restart: {
      stop: async () => renameSync(path, `${path}.away`),
      start: async () => renameSync(`${path}.away`, path),
    },
    async put(name, values) {
      if (values === undefined) delete secrets[name]
      else secrets[name] = multiValued ? values : values[name]
      replace(path, secrets)
    },
  })
})

const written = { redis: { password: 'p', users: [{ name: 'a' }, { name: 'b' }] }, plain: 's', port: 6379 }

test('nested maps are secrets of their own under the names of their paths, as in Dapr', async () => {
  const path = join(dir, 'nested.json')
  replace(path, written)
  const store = await openStore(fileSecrets, { path })
  const names = ['redis:password', 'redis:users:0:name', 'redis:users:1:name', 'plain', 'port']
  expect((await store.list!()).map(({ name }) => name)).toEqual(names)
  expect(await store.get('redis:users:1:name')).toMatchObject({ values: { 'redis:users:1:name': 'b' } })
  expect(await store.get('redis')).toBeUndefined()
  await store.close()
  const dotted = await openStore(fileSecrets, { path, nestedSeparator: '.' })
  expect((await dotted.get('port'))?.values).toEqual({ port: '6379' })
  expect((await dotted.get('redis.password'))?.values).toEqual({ 'redis.password': 'p' })
  await dotted.close()
})

test('with multiValued a map at the top is one secret', async () => {
  const path = join(dir, 'multi.json')
  replace(path, written)
  const store = await openStore(fileSecrets, { path, multiValued: true })
  const redis = { password: 'p', 'users:0:name': 'a', 'users:1:name': 'b' }
  expect((await store.list!()).map(({ values }) => values)).toEqual([redis, { plain: 's' }, { port: '6379' }])
  await store.close()
})

test('a file that is not valid tells nothing of what stands in it', async () => {
  const path = join(dir, 'broken.json')
  writeFileSync(path, '{ "a": "hunter2", hunter2')
  const store = await openStore(fileSecrets, { path })
  const error = await store.get('a').catch((reason: Error) => reason)
  expect(error).toMatchObject({ code: 'unavailable' })
  expect((error as Error).message).not.toContain('hunter2')
  await store.close()
})
