import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { Client } from './harness.ts'

const BIG = Buffer.alloc(3 * 1024 * 1024 + 17, 'portolan ')
const md5 = (bytes: Buffer | string) => createHash('md5').update(bytes).digest('hex')

let client: Client
beforeAll(async () => {
  client = await Client.started()
  expect((await client.ask('PUT', 'box')).status).toBe(200)
})

describe('an object', () => {
  test.each([
    ['empty', Buffer.alloc(0), undefined],
    ['small', Buffer.from('hello'), undefined],
    ['small in pieces', Buffer.from('hello'), 2],
    ['a tail and a bit', Buffer.alloc(8 * 1024, 'x'), 1000],
    ['large in pieces', BIG, 60_000],
  ])('%s comes back as it was put', async (key, body, pieces) => {
    const headers = { 'content-type': 'text/x', 'x-amz-meta-a': '\u00e9', 'cache-control': 'no-cache', 'x-other': '1' }
    const put = await client.put('box', key, body, pieces === undefined ? { headers } : { headers, pieces })
    expect([put.status, put.headers['etag']]).toEqual([200, `"${md5(body)}"`])
    const got = await client.get('box', key)
    expect(got.body.equals(body)).toBe(true)
    expect(got.headers).toEqual({
      etag: `"${md5(body)}"`,
      'last-modified': 'Sat, 28 Nov 2026 04:00:00 GMT',
      'accept-ranges': 'bytes',
      'content-type': 'text/x',
      'x-amz-meta-a': '\u00e9',
      'cache-control': 'no-cache',
    })
    const head = await client.ask('HEAD', 'box', { key })
    expect([head.status, head.headers, head.body.length]).toEqual([200, got.headers, 0])
  })

  test('that is not there', async () => {
    const got = await client.get('box', 'none')
    expect([got.status, got.code, got.xml.textOf('Key'), got.xml.textOf('Resource')]).toEqual([
      404,
      'NoSuchKey',
      'none',
      '/box/none',
    ])
    expect((await client.ask('HEAD', 'box', { key: 'none' })).status).toBe(404)
    expect((await client.get('nobox', 'none')).code).toBe('NoSuchBucket')
    expect((await client.put('nobox', 'none', 'x')).code).toBe('NoSuchBucket')
  })

  test('is replaced and deleted', async () => {
    await client.put('box', 'again', 'one')
    await client.put('box', 'again', 'two')
    expect((await client.get('box', 'again')).text).toBe('two')
    expect((await client.ask('DELETE', 'box', { key: 'again' })).status).toBe(204)
    expect((await client.get('box', 'again')).status).toBe(404)
    expect((await client.ask('DELETE', 'box', { key: 'again' })).status).toBe(204)
  })
})
