import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { FeatureId, ItemChange } from '../../../src/apis/index.ts'
import { fileConfiguration } from '../../../src/components/configuration/file.ts'
import { configurationConformance } from '../../conformance/configuration.ts'
import { at, ofKeys, ofPrefix, valuesOf } from '../../conformance/configuration-bench.ts'
import { openStore } from '../open.ts'

const dir = mkdtempSync(join(tmpdir(), 'configuration-file-'))
afterAll(() => rmSync(dir, { recursive: true }))

/** The file is away meanwhile. */
const away = (path: string) => ({
  stop: async () => renameSync(path, `${path}.away`),
  start: async () => renameSync(`${path}.away`, path),
})

describe.each(['yaml', 'json', 'properties'])('a %s file that is written', ending => {
  const path = join(dir, `written.${ending}`)
  configurationConformance({
    features: fileConfiguration.features,
    open: () => openStore(fileConfiguration, { path, write: true }),
  })
})

describe('a file that is only read', () => {
  const path = join(dir, 'read.json')
  const items: Record<string, string> = {}
  writeFileSync(path, '{}')
  const writing: FeatureId[] = ['configuration.write', 'configuration.delete']
  configurationConformance({
    features: fileConfiguration.features.filter(feature => !writing.includes(feature)),
    open: () => openStore(fileConfiguration, { path }),
    restart: away(path),
    async seed(changes: readonly ItemChange[]) {
      for (const { key, value } of changes) {
        if (value === undefined) delete items[key]
        else items[key] = value
      }
      writeFileSync(`${path}.new`, JSON.stringify(items))
      renameSync(`${path}.new`, path)
    },
  })

  test('says what it lacks', async () => {
    const store = await openStore(fileConfiguration, { path })
    expect((await store.check(1_000)).lacks).toMatchObject({ 'configuration.write': expect.stringContaining('write') })
    await store.close()
  })
})

async function withFile(name: string, text: string) {
  const path = join(dir, name)
  writeFileSync(path, text, { mode: 0o640 })
  const store = await openStore(fileConfiguration, { path, write: true })
  return { path, store, text: () => readFileSync(path, 'utf8') }
}

test('nested maps of YAML are keys with dots, lists too, and what is no text is written as in JSON', async () => {
  const { store } = await withFile(
    'nested.yaml',
    'a:\n  b: 1\n  c: { d: true }\nlist: [x, y]\nnone:\ndate: 2024-01-01\n',
  )
  const nested = { 'a.b': '1', 'a.c.d': 'true', 'list.0': 'x', 'list.1': 'y', none: '', date: '2024-01-01' }
  expect(await valuesOf(store, ofPrefix(''))).toEqual(nested)
  await store.close()
})

test('a write leaves comments, nesting, other keys and the mode of the file as they are', async () => {
  const { path, store, text } = await withFile('kept.yaml', '# about a\na:\n  b: 1 # about b\nz: last\n')
  await store.write!([{ ...at('a.b'), value: 'two' }, { ...at('new.key'), value: '3' }, at('z')])
  expect(text()).toBe('# about a\na:\n  b: two # about b\nnew.key: "3"\n')
  expect(statSync(path).mode & 0o777).toBe(0o640)
  await store.close()
})

test('writes at the same time are all kept', async () => {
  const { store } = await withFile('many.json', '{}')
  await Promise.all(Array.from({ length: 20 }, (_, i) => store.write!([{ ...at(`key${i}`), value: String(i) }])))
  expect(await store.get(ofPrefix('key'))).toHaveLength(20)
  await store.close()
})

test('properties are read as Java does, and keep their comments', async () => {
  const written = [
    '# comment',
    '! another',
    'plain=1',
    'colon: 2',
    'blank 3',
    'spaced \\= key = a \\',
    '    continued',
    'unicode=\\u00e4\\t|',
    'empty',
    'last = no newline',
  ].join('\n')
  const { store, text } = await withFile('java.properties', written)
  expect(await valuesOf(store, ofPrefix(''))).toEqual({
    plain: '1',
    colon: '2',
    blank: '3',
    spaced: '= key = a continued',
    unicode: 'ä\t|',
    empty: '',
    last: 'no newline',
  })
  await store.write!([{ ...at('colon'), value: 'two' }, at('blank'), { ...at('new'), value: ' x' }])
  const expected = written.replace('colon: 2', 'colon=two').replace('blank 3\n', '')
  expect(text()).toBe(`${expected}\nnew=\\ x\n`)
  await store.close()
})

test('a file that is not valid is like one that cannot be read, and none of it is told', async () => {
  const { path, store } = await withFile('broken.yaml', 'a: 1\n')
  writeFileSync(path, 'a: [hunter2\nb: }')
  const error = await store.get(ofKeys('a')).catch((reason: Error) => reason)
  expect(error).toMatchObject({ code: 'unavailable' })
  expect((error as Error).message).toMatch(/broken\.yaml is not valid: \S+ at line \d+/)
  expect((error as Error).message).not.toContain('hunter2')
  writeFileSync(path, '- a list\n')
  await expect(store.get(ofKeys('a'))).rejects.toMatchObject({ code: 'unavailable' })
  await store.close()
})
