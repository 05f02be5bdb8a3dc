import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { keyOfName, nameOfKey } from '../../../../src/backends/s3/files/key-name.ts'
import { Client } from './harness.ts'

const ODD = [
  ...['a', 'a/', 'a/b', 'a//b', '/a', '//', '/', '.', '..', '../..', 'a/../b', './a', '../../../etc/passwd', 'a\\b'],
  ...[
    '%2F',
    '%2f',
    '%',
    'a+b',
    'a b',
    ' ',
    'A',
    'a%41',
    '~',
    `~${'0'.repeat(64)}`,
    'x.tmp',
    'bucket',
    'upload',
    '-rf',
    '*',
    '\n',
    '\r',
    '\u0001',
  ],
  ...[
    '\u00e9',
    'e\u0301',
    '\u{1f600}',
    '\uffff',
    '\ufb01',
    'CON',
    'a:b',
    'x'.repeat(1024),
    'y'.repeat(1023),
    '\u{1f600}'.repeat(256),
  ],
]

let client: Client
beforeAll(async () => {
  client = await Client.started()
  await client.ask('PUT', 'odd')
})

test('odd keys are each their own object, and nothing is written elsewhere', async () => {
  for (const key of ODD) expect((await client.put('odd', key, `of ${key}`)).status, key).toBe(200)
  for (let round = 0; round < 2; round++) {
    for (const key of ODD) expect((await client.get('odd', key)).text).toBe(`of ${key}`)
    const { keys } = await client.list('odd')
    expect(keys).toEqual([...ODD].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
    await client.reopen()
  }
  expect(readdirSync(client.directory).sort()).toEqual(['buckets', 'format', 'lock', 'tmp'])
  expect(readdirSync(join(client.directory, 'tmp'))).toEqual([])
  expect(readdirSync(join(client.directory, 'buckets', 'odd', 'objects'))).toHaveLength(ODD.length)
  for (const key of ODD) expect((await client.ask('DELETE', 'odd', { key })).status).toBe(204)
  expect((await client.list('odd')).keys).toEqual([])
})

test('keys of more than 1,024 bytes are refused', async () => {
  for (const key of ['x'.repeat(1025), '\u{1f600}'.repeat(257)]) {
    expect((await client.put('odd', key, 'x')).code).toBe('KeyTooLongError')
  }
})

test('a link among the objects is not followed, neither for reading nor for writing', async () => {
  const secret = join(client.directory, 'tmp', 'secret')
  writeFileSync(secret, 'secret')
  symlinkSync(secret, join(client.directory, 'buckets', 'odd', 'objects', nameOfKey('link')))
  expect((await client.get('odd', 'link')).code).toBe('InternalError')
  expect((await client.put('odd', 'link', 'mine')).status).toBe(200)
  expect((await client.get('odd', 'link')).text).toBe('mine')
  await client.ask('DELETE', 'odd', { key: 'link' })
})

test('a folder that is a link is no bucket', async () => {
  const elsewhere = join(client.directory, 'tmp', 'elsewhere')
  mkdirSync(elsewhere)
  const link = join(client.directory, 'buckets', 'link')
  symlinkSync(elsewhere, link)
  await expect(client.reopen()).rejects.toThrow(/link is no bucket/)
  rmSync(link)
  await client.reopen()
})

describe('the name of a key', () => {
  test.each([
    ['a/b.txt', 'a%2fb.txt'],
    ['.', '%2e'],
    ['..', '%2e.'],
    ['A+\u00e9', '%41%2b%c3%a9'],
    ['~', '%7e'],
  ])('%s', (key, name) => {
    expect(nameOfKey(key)).toBe(name)
  })

  test('is safe, fits, is its own, and tells the key unless it is long', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 100 }), key => {
        const name = nameOfKey(key)
        expect(name).toMatch(/^[a-z0-9%_~-][a-z0-9%._~-]{0,239}$/)
        expect(keyOfName(name) ?? key).toBe(key)
        expect(name.startsWith('~')).toBe(keyOfName(name) === undefined)
      }),
    )
  })
})
