import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { indexed, KeyIndex, unindexed } from '../../../../src/backends/s3/files/key-index.ts'
import { listPage } from '../../../../src/backends/s3/files/list-page.ts'
import { Client } from './harness.ts'

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
/** Few characters, so that keys share prefixes; one of each length in UTF-8, and a pair that UTF-16 orders the other way. */
const KEY = fc.string({
  unit: fc.constantFrom('a', 'b', '/', '\u00e9', '\uff21', '\u{1f600}'),
  minLength: 1,
  maxLength: 6,
})

/** What S3 says of a page, in its own words and without any cleverness. */
function model(keys: readonly string[], prefix: string, delimiter: string, after: string, max: number) {
  const found = new Set<string>()
  for (const key of keys) {
    if (!key.startsWith(prefix)) continue
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const entry = cut === -1 ? key : key.slice(0, cut + delimiter.length)
    if (byBytes(cut === -1 ? key : entry, after) > 0) found.add(`${cut === -1 ? 'K' : 'P'}${entry}`)
  }
  const all = [...found].sort((a, b) => byBytes(a.slice(1), b.slice(1)))
  return { entries: all.slice(0, max), isTruncated: all.length > max }
}

test('the index finds what a sorted list has, through any changes', () => {
  const change = fc.record({ key: KEY, isAdded: fc.boolean() })
  fc.assert(
    fc.property(fc.array(KEY), fc.array(change), KEY, (first, changes, bound) => {
      const keys = new Set(first)
      const index = new KeyIndex([...keys].map(indexed))
      for (const { key, isAdded } of changes) {
        if (isAdded) {
          index.add(indexed(key))
          keys.add(key)
        } else {
          index.delete(indexed(key))
          keys.delete(key)
        }
      }
      const found = index.atOrAfter(indexed(bound))
      const expected = [...keys].sort(byBytes).find(key => byBytes(key, bound) >= 0)
      expect([found && unindexed(found), index.size, index.has(indexed(bound))]).toEqual([
        expected,
        keys.size,
        keys.has(bound),
      ])
    }),
  )
})

test('the index holds a hundred thousand keys, and any page of them', () => {
  const name = (i: number) => `k${String(i).padStart(6, '0')}/${i % 7}`
  const index = new KeyIndex([])
  for (let i = 0; i < 100_000; i++) index.add(name((i * 7_919) % 100_000))
  expect(index.size).toBe(100_000)
  for (const at of [0, 511, 512, 1_024, 50_000, 99_000]) {
    const page = listPage(index, { prefix: 'k', delimiter: '', after: at === 0 ? '' : name(at - 1), max: 1_000 })
    expect(page.entries.map(entry => entry.text)).toEqual(Array.from({ length: 1_000 }, (_, i) => name(at + i)))
    expect(page.isTruncated).toBe(at !== 99_000)
  }
  const folders = listPage(index, { prefix: 'k', delimiter: '0', after: '', max: 1_000 })
  expect(folders.entries[0]).toEqual({ text: 'k0', isPrefix: true })
  for (let i = 0; i < 100_000; i++) index.delete(name(i))
  expect([index.size, index.atOrAfter('')]).toEqual([0, undefined])
})

test('a page is what the model says', () => {
  const text = fc.oneof(fc.constant(''), KEY)
  fc.assert(
    fc.property(
      fc.uniqueArray(KEY),
      text,
      fc.constantFrom('', '/', 'b', '\u{1f600}', 'a/'),
      text,
      fc.integer({ min: 1, max: 6 }),
      (keys, prefix, delimiter, after, max) => {
        const index = new KeyIndex(keys.map(indexed))
        const request = { prefix: indexed(prefix), delimiter: indexed(delimiter), after: indexed(after), max }
        const { entries, isTruncated } = listPage(index, request)
        const said = entries.map(entry => `${entry.isPrefix ? 'P' : 'K'}${unindexed(entry.text)}`)
        expect({ entries: said, isTruncated }).toEqual(model(keys, prefix, delimiter, after, max))
      },
    ),
    { numRuns: 1_000 },
  )
})

describe('a bucket', () => {
  let client: Client
  beforeAll(async () => {
    client = await Client.started()
  })
  beforeEach(async () => {
    await client.ask('PUT', 'listed')
  })
  afterEach(async () => {
    for (const key of (await client.list('listed')).keys) await client.ask('DELETE', 'listed', { key })
    expect((await client.ask('DELETE', 'listed')).status).toBe(204)
  })

  const fill = async (...keys: string[]) => {
    await Promise.all(keys.map(key => client.put('listed', key, `of ${key}`)))
  }

  test('is listed in pages, each key once, while the marker moves on', async () => {
    await fill('a', 'a/1', 'a/2', 'b', 'b/1', 'c', '\u00e9', '\u{1f600}')
    for (const version of [1, 2]) {
      const seen: string[] = []
      let more: Record<string, string> = {}
      for (;;) {
        const query = { ...(version === 2 ? { 'list-type': 2 } : {}), delimiter: '/', 'max-keys': 2, ...more }
        const { xml } = await client.ask('GET', 'listed', { query })
        for (const child of xml.children) {
          if (child.name === 'Contents') seen.push(child.textOf('Key')!)
          if (child.name === 'CommonPrefixes') seen.push(child.textOf('Prefix')!)
        }
        expect(xml.textOf('MaxKeys')).toBe('2')
        const next = xml.textOf(version === 2 ? 'NextContinuationToken' : 'NextMarker')
        expect(next !== undefined).toBe(xml.textOf('IsTruncated') === 'true')
        if (next === undefined) break
        more = version === 2 ? { 'continuation-token': next } : { marker: next }
      }
      expect(seen).toEqual(['a', 'a/', 'b', 'b/', 'c', '\u00e9', '\u{1f600}'])
    }
  })

  test('says of an object what is known', async () => {
    await client.put('listed', 'a b', 'hello', { headers: { 'x-amz-checksum-crc32': 'NhCmhg==' } })
    const { xml } = await client.list('listed', { 'fetch-owner': 'true' })
    const object = xml.child('Contents')!
    expect(Object.fromEntries(object.children.map(child => [child.name, child.text]))).toMatchObject({
      Key: 'a b',
      LastModified: '2026-11-28T04:00:00.000Z',
      ETag: '"5d41402abc4b2a76b9719d911017c592"',
      Size: '5',
      StorageClass: 'STANDARD',
      ChecksumAlgorithm: 'CRC32',
    })
    expect(object.child('Owner')!.textOf('DisplayName')).toBe('portolan')
    expect((await client.list('listed')).xml.child('Contents')!.child('Owner')).toBeUndefined()
    await client.reopen()
    expect((await client.list('listed', { 'fetch-owner': 'true' })).xml).toEqual(xml)
  })

  test('encodes what XML cannot say, when asked', async () => {
    await fill('a +%\n/b', 'p\u0001')
    const { keys, prefixes, xml } = await client.list('listed', { 'encoding-type': 'url', delimiter: '/', prefix: '' })
    expect([keys, prefixes, xml.textOf('EncodingType')]).toEqual([['p%01'], ['a%20%2B%25%0A/'], 'url'])
    expect((await client.list('listed', { prefix: 'p' })).keys).toEqual(['p\u0001'])
    expect((await client.ask('GET', 'listed', { query: { 'encoding-type': 'xml' } })).code).toBe('InvalidArgument')
  })

  test('keeps up with puts and deletes of others, also while it is first read', async () => {
    await fill('a', 'b', 'c')
    await client.reopen()
    const [, , first] = await Promise.all([
      client.put('listed', 'd', 'x'),
      client.ask('DELETE', 'listed', { key: 'a' }),
      client.list('listed'),
    ])
    expect(first.keys.filter(key => key !== 'a' && key !== 'd')).toEqual(['b', 'c'])
    expect((await client.list('listed')).keys).toEqual(['b', 'c', 'd'])
    await client.put('listed', 'b', 'longer')
    expect((await client.list('listed')).xml.child('Contents')!.textOf('Size')).toBe('6')
  })

  test('takes start-after, no keys at all, and what is no number', async () => {
    await fill('a', 'b', 'c')
    expect((await client.list('listed', { 'start-after': 'a' })).keys).toEqual(['b', 'c'])
    const none = await client.list('listed', { 'max-keys': 0 })
    expect([none.keys, none.xml.textOf('IsTruncated'), none.xml.textOf('KeyCount')]).toEqual([[], 'false', '0'])
    expect((await client.list('listed', { 'max-keys': 5_000 })).xml.textOf('MaxKeys')).toBe('1000')
    for (const bad of ['-1', 'x', '1.5', '99999999999']) {
      expect((await client.ask('GET', 'listed', { query: { 'max-keys': bad } })).code).toBe('InvalidArgument')
    }
    const token = { 'list-type': 2, 'continuation-token': 'no token' }
    expect((await client.ask('GET', 'listed', { query: token })).code).toBe('InvalidArgument')
  })

  test('lists every object as its only version', async () => {
    await fill('a', 'b/1')
    const { xml } = await client.ask('GET', 'listed', { query: { versions: '', delimiter: '/' } })
    const [version] = xml.all('Version')
    expect([version!.textOf('Key'), version!.textOf('VersionId'), version!.textOf('IsLatest')]).toEqual([
      'a',
      'null',
      'true',
    ])
    expect(xml.child('CommonPrefixes')!.textOf('Prefix')).toBe('b/')
    expect((await client.get('listed', 'a', { query: { versionId: 'null' } })).text).toBe('of a')
    expect((await client.get('listed', 'a', { query: { versionId: 'x' } })).code).toBe('NoSuchVersion')
  })
})

describe('DeleteObjects', () => {
  let client: Client
  beforeAll(async () => {
    client = await Client.started()
    await client.ask('PUT', 'box')
  })
  const md5 = (body: string) => ({ 'content-md5': createHash('md5').update(body).digest('base64') })
  const remove = (body: string, headers: Record<string, string> = md5(body)) =>
    client.ask('POST', 'box', { query: { delete: '' }, body, headers })

  test('removes what it names and says so', async () => {
    for (const key of ['a&b', 'c']) await client.put('box', key, 'x')
    const { xml } = await remove(
      '<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>none</Key></Object>' +
        '<Object><Key>c</Key><ETag>"other"</ETag></Object><Object><Key>c</Key><VersionId>v1</VersionId></Object></Delete>',
    )
    expect(xml.all('Deleted').map(item => item.textOf('Key'))).toEqual(['a&b', 'none'])
    expect(xml.all('Error').map(item => [item.textOf('Key'), item.textOf('Code')])).toEqual([
      ['c', 'PreconditionFailed'],
      ['c', 'NoSuchVersion'],
    ])
    expect((await client.list('box')).keys).toEqual(['c'])
    const quiet = await remove('<Delete><Quiet>true</Quiet><Object><Key>c</Key></Object></Delete>')
    expect(quiet.xml.children).toEqual([])
  })

  test('takes a thousand keys', async () => {
    const keys = Array.from({ length: 1_000 }, (_, i) => `k${i}`)
    await Promise.all(keys.map(key => client.put('box', key, 'x')))
    expect((await client.list('box')).keys).toHaveLength(1_000)
    await remove(`<Delete>${keys.map(key => `<Object><Key>${key}</Key></Object>`).join('')}</Delete>`)
    expect((await client.list('box')).keys).toEqual([])
  })

  test.each([
    ['<Delete></Delete>', 'MalformedXML'],
    ['<Delete><Object></Object></Delete>', 'UserKeyMustBeSpecified'],
    ['<Other><Object><Key>a</Key></Object></Other>', 'MalformedXML'],
    ['<Delete><Object>', 'MalformedXML'],
    [`<Delete>${'<Object><Key>a</Key></Object>'.repeat(1_001)}</Delete>`, 'MalformedXML'],
    ['<!DOCTYPE x [<!ENTITY y "z">]><Delete><Object><Key>&y;</Key></Object></Delete>', 'MalformedXML'],
  ])('refuses %.40s', async (body, code) => {
    expect((await remove(body)).code).toBe(code)
  })

  test('that is not what its digest says removes nothing', async () => {
    const body = '<Delete><Object><Key>a</Key></Object></Delete>'
    await client.put('box', 'a', 'x')
    expect((await remove(body, { 'content-md5': 'XUFAKrxLKna5cZ2REBfFkg==' })).code).toBe('BadDigest')
    expect((await client.get('box', 'a')).status).toBe(200)
  })
})
