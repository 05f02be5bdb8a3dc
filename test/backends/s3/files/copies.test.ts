import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { nameOfKey } from '../../../../src/backends/s3/files/key-name.ts'
import { Client } from './harness.ts'

const LARGE = Buffer.alloc(1024 * 1024, 'large ')
const PAST = 'Sat, 28 Nov 2026 03:00:00 GMT'

let client: Client
beforeAll(async () => {
  client = await Client.started()
  for (const bucket of ['box', 'other']) await client.ask('PUT', bucket)
})

const copy = (source: string, bucket: string, key: string, headers: Record<string, string> = {}) =>
  client.ask('PUT', bucket, { key, headers: { 'x-amz-copy-source': source, ...headers } })
const tagsOf = async (key: string) => {
  const { xml } = await client.get('box', key, { query: { tagging: '' } })
  return xml
    .child('TagSet')!
    .all('Tag')
    .map(tag => [tag.textOf('Key'), tag.textOf('Value')])
}
const tagging = (...tags: readonly string[]) =>
  `<Tagging><TagSet>${tags.map(tag => `<Tag><Key>${tag}</Key><Value>v ${tag}</Value></Tag>`).join('')}</TagSet></Tagging>`

describe.each([
  ['small', Buffer.from('small')],
  ['large', LARGE],
])('a copy of a %s object', (size, body) => {
  const headers = { 'content-type': 'a/b', 'x-amz-meta-x': 'y', 'x-amz-tagging': 'a=b' }

  test('is its own: what happens to the other does not matter', async () => {
    await client.put('box', `${size} a+b`, body, { headers })
    const got = await copy(`/box/${size}%20a+b`, 'other', size)
    expect([got.status, got.xml.name]).toEqual([200, 'CopyObjectResult'])
    await client.put('box', `${size} a+b`, 'replaced')
    await client.reopen()
    const copied = await client.get('other', size)
    expect(copied.body.equals(body)).toBe(true)
    expect(copied.headers).toMatchObject({ 'content-type': 'a/b', 'x-amz-meta-x': 'y', 'x-amz-tagging-count': '1' })
    // A copy of a copy, whose source then goes.
    await copy(`other/${size}`, 'box', `${size}-again`)
    await client.ask('DELETE', 'other', { key: size })
    expect((await client.get('box', `${size}-again`)).body.equals(body)).toBe(true)
    await client.ask('DELETE', 'box', { key: `${size}-again` })
    expect(readdirSync(join(client.directory, 'buckets', 'other', 'bodies'))).toEqual([])
    expect(readdirSync(join(client.directory, 'buckets', 'box', 'bodies'))).toEqual([])
  })

  test('onto itself changes what is beside the bytes', async () => {
    await client.put('box', 'self', body, { headers })
    expect((await copy('box/self', 'box', 'self')).code).toBe('InvalidRequest')
    for (let round = 0; round < 3; round++) {
      const replace = { 'x-amz-metadata-directive': 'REPLACE', 'x-amz-meta-round': String(round) }
      expect((await copy('box/self', 'box', 'self', replace)).status).toBe(200)
      const got = await client.get('box', 'self')
      expect(got.body.equals(body)).toBe(true)
      expect(got.headers).toMatchObject({
        'content-type': 'binary/octet-stream',
        'x-amz-meta-round': String(round),
        'x-amz-tagging-count': '1',
      })
      expect(got.headers['x-amz-meta-x']).toBeUndefined()
    }
    await client.ask('DELETE', 'box', { key: 'self' })
    expect(readdirSync(join(client.directory, 'buckets', 'box', 'bodies'))).toEqual([])
  })

  test('may have a checksum that its source has not', async () => {
    await client.put('box', 'plain', body)
    const got = await copy('box/plain', 'box', 'summed', { 'x-amz-checksum-algorithm': 'SHA256' })
    const sum = createHash('sha256').update(body).digest('base64')
    expect(got.xml.textOf('ChecksumSHA256')).toBe(sum)
    const head = await client.ask('HEAD', 'box', { key: 'summed', headers: { 'x-amz-checksum-mode': 'ENABLED' } })
    expect(head.headers['x-amz-checksum-sha256']).toBe(sum)
    for (const key of ['plain', 'summed']) await client.ask('DELETE', 'box', { key })
  })

  test('keeps its bytes while its tags change', async () => {
    await client.put('box', 'tagged', body, { headers })
    expect(await tagsOf('tagged')).toEqual([['a', 'b']])
    for (const tag of ['one', 'two']) {
      const put = await client.put('box', 'tagged', tagging(tag), { query: { tagging: '' } })
      expect(put.status).toBe(200)
      expect(await tagsOf('tagged')).toEqual([[tag, `v ${tag}`]])
      expect((await client.get('box', 'tagged')).body.equals(body)).toBe(true)
      await client.reopen()
    }
    expect((await client.ask('DELETE', 'box', { key: 'tagged', query: { tagging: '' } })).status).toBe(204)
    expect(await tagsOf('tagged')).toEqual([])
    expect((await client.get('box', 'tagged')).headers['x-amz-tagging-count']).toBeUndefined()
    await client.ask('DELETE', 'box', { key: 'tagged' })
    expect(readdirSync(join(client.directory, 'buckets', 'box', 'bodies'))).toEqual([])
  })
})

test('a copy of a large object takes no room of its own', async () => {
  await client.put('box', 'large', LARGE)
  await copy('box/large', 'box', 'twin')
  const file = join(client.directory, 'buckets', 'box', 'objects', nameOfKey('twin'))
  expect(statSync(file).size).toBeLessThan(4_096)
})

test.each<[headers: Record<string, string>, code: string]>([
  [{ 'x-amz-copy-source-if-match': '"x"' }, 'PreconditionFailed'],
  [{ 'x-amz-copy-source-if-none-match': '*' }, 'PreconditionFailed'],
  [{ 'x-amz-copy-source-if-modified-since': 'Sat, 28 Nov 2026 05:00:00 GMT' }, 'PreconditionFailed'],
  [{ 'x-amz-copy-source-if-unmodified-since': PAST }, 'PreconditionFailed'],
  [{ 'x-amz-copy-source-if-match': '*', 'x-amz-copy-source-if-unmodified-since': PAST }, ''],
  [{ 'x-amz-copy-source-if-none-match': '"x"', 'x-amz-copy-source-if-modified-since': PAST }, ''],
  [{ 'if-none-match': '*' }, 'PreconditionFailed'],
  [{ 'x-amz-metadata-directive': 'OTHER' }, 'InvalidArgument'],
])('the conditions of a copy: %j', async (headers, code) => {
  await client.put('box', 'from', 'x')
  await client.put('box', 'to', 'old')
  expect((await copy('box/from', 'box', 'to', headers)).code).toBe(code)
  expect((await client.get('box', 'to')).text).toBe(code === '' ? 'x' : 'old')
})

test.each([
  ['box', 'InvalidArgument'],
  ['/box/', 'InvalidArgument'],
  ['/', 'InvalidArgument'],
  ['box/none', 'NoSuchKey'],
  ['nobox/a', 'NoSuchBucket'],
  ['../box/a', 'NoSuchBucket'],
  ['box/%zz', 'InvalidURI'],
  ['box/from?versionId=x', 'NoSuchVersion'],
  ['box/../../../../etc/passwd', 'NoSuchKey'],
])('a copy of %s is refused', async (source, code) => {
  expect((await copy(source, 'box', 'to')).code).toBe(code)
})

describe('tags', () => {
  test.each([
    ['k='.padEnd(300, 'x'), 'InvalidTag'],
    ['=v', 'InvalidTag'],
    ['k=%3C', 'InvalidTag'],
    ['k=1&k=2', 'InvalidArgument'],
    [Array.from({ length: 11 }, (_, i) => `k${i}=v`).join('&'), 'BadRequest'],
  ])('of the header %.30s are refused', async (tags, code) => {
    expect((await client.put('box', 'bad', 'x', { headers: { 'x-amz-tagging': tags } })).code).toBe(code)
    expect((await client.get('box', 'bad')).status).toBe(404)
  })

  test('of a document', async () => {
    await client.put('box', 'doc', 'x')
    const put = (body: string, key = 'doc') => client.put('box', key, body, { query: { tagging: '' } })
    expect((await put(tagging('a', 'a'))).code).toBe('InvalidTag')
    expect((await put('<Tagging/>')).code).toBe('MalformedXML')
    expect((await put('<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>')).code).toBe('MalformedXML')
    expect((await put(tagging('a'), 'none')).code).toBe('NoSuchKey')
    expect(await tagsOf('doc')).toEqual([])
  })
})
