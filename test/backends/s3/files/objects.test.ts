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

describe('headers', () => {
  test('a type of its own when none was given', async () => {
    await client.put('box', 'plain', 'x')
    expect((await client.get('box', 'plain')).headers['content-type']).toBe('binary/octet-stream')
  })

  test('may be overridden by the query', async () => {
    await client.put('box', 'over', 'x', { headers: { 'content-type': 'a/b' } })
    const query = { 'response-content-type': 'c/d', 'response-content-disposition': 'attachment; filename="\u00e9"' }
    const { headers } = await client.get('box', 'over', { query })
    expect(headers['content-type']).toBe('c/d')
    expect(headers['content-disposition']).toBe('attachment; filename="\u00c3\u00a9"')
  })

  test('but by no line break', async () => {
    await client.put('box', 'over', 'x')
    const got = await client.get('box', 'over', { query: { 'response-content-type': 'a/b\r\nset-cookie: c' } })
    expect(got.code).toBe('InvalidArgument')
  })

  test('of 2 KiB of metadata, and no more', async () => {
    const fits = { 'x-amz-meta-a': 'x'.repeat(2047) }
    expect((await client.put('box', 'meta', 'x', { headers: fits })).status).toBe(200)
    const over = { 'x-amz-meta-a': 'x'.repeat(2048) }
    expect((await client.put('box', 'meta', 'x', { headers: over })).code).toBe('MetadataTooLarge')
  })

  test.each([
    [{ 'x-amz-server-side-encryption': 'AES256' }, 'NotImplemented'],
    [{ 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }, 'NotImplemented'],
    [{ 'x-amz-object-lock-mode': 'GOVERNANCE' }, 'NotImplemented'],
    [{ 'x-amz-website-redirect-location': '/' }, 'NotImplemented'],
    [{ 'x-amz-storage-class': 'GLACIER' }, 'InvalidStorageClass'],
    [{ 'x-amz-acl': 'public-read' }, 'AccessControlListNotSupported'],
    [{ 'x-amz-grant-read': 'id=x' }, 'AccessControlListNotSupported'],
    [{ 'if-none-match': '"x"' }, 'NotImplemented'],
  ])('%j is refused and nothing stored', async (headers, code) => {
    expect((await client.put('box', 'lacking', 'x', { headers })).code).toBe(code)
    expect((await client.get('box', 'lacking')).status).toBe(404)
  })

  test.each([{ 'x-amz-storage-class': 'STANDARD' }, { 'x-amz-acl': 'private' }])(
    '%j says nothing new',
    async headers => {
      expect((await client.put('box', 'same', 'x', { headers })).status).toBe(200)
    },
  )
})

describe('ranges', () => {
  beforeAll(async () => {
    await client.put('box', 'digits', '0123456789')
    await client.put('box', 'nothing', '')
    await client.put('box', 'large', BIG, { pieces: 100_000 })
  })

  test.each([
    ['bytes=0-0', '0', 'bytes 0-0/10'],
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=7-100', '789', 'bytes 7-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-100', '0123456789', 'bytes 0-9/10'],
  ])('%s', async (range, text, contentRange) => {
    const got = await client.get('box', 'digits', { headers: { range } })
    expect([got.status, got.text, got.headers['content-range']]).toEqual([206, text, contentRange])
    expect((await client.ask('HEAD', 'box', { key: 'digits', headers: { range } })).status).toBe(206)
  })

  test.each(['bytes=', 'bytes=-', 'bytes=5-4', 'bytes=a-b', 'bytes=0-1,3-4', 'lines=0-1', '0-1'])(
    '%s means all',
    async range => {
      const got = await client.get('box', 'digits', { headers: { range } })
      expect([got.status, got.text, got.headers['content-range']]).toEqual([200, '0123456789', undefined])
    },
  )

  test.each([
    ['digits', 'bytes=10-', 10],
    ['digits', 'bytes=10-20', 10],
    ['digits', 'bytes=-0', 10],
    ['nothing', 'bytes=0-', 0],
    ['nothing', 'bytes=-1', 0],
  ])('%s %s is outside', async (key, range, size) => {
    const got = await client.get('box', key, { headers: { range } })
    expect([got.status, got.code, got.headers['content-range']]).toEqual([416, 'InvalidRange', `bytes */${size}`])
  })

  test.each([
    [0, 10],
    [300_000, 800_001],
    [BIG.length - 9_000, BIG.length],
    [BIG.length - 8_200, BIG.length - 8_100],
    [BIG.length - 5, BIG.length],
  ])('bytes %i up to %i of a large object', async (start, end) => {
    const got = await client.get('box', 'large', { headers: { range: `bytes=${start}-${end - 1}` } })
    expect(got.body.equals(BIG.subarray(start, end))).toBe(true)
  })

  test('if-range', async () => {
    const { headers } = await client.get('box', 'digits')
    const ranged = async (condition: string) =>
      (await client.get('box', 'digits', { headers: { range: 'bytes=1-1', 'if-range': condition } })).text
    expect(await ranged(headers['etag']!)).toBe('1')
    expect(await ranged(headers['last-modified']!)).toBe('1')
    expect(await ranged('"other"')).toBe('0123456789')
    expect(await ranged('Sat, 28 Nov 2026 03:59:59 GMT')).toBe('0123456789')
  })

  test('of the one part of an object that came whole', async () => {
    const first = await client.get('box', 'digits', { query: { partNumber: 1 } })
    expect([first.status, first.text, first.headers['x-amz-mp-parts-count']]).toEqual([206, '0123456789', undefined])
    expect((await client.get('box', 'nothing', { query: { partNumber: 1 } })).status).toBe(200)
    expect((await client.get('box', 'digits', { query: { partNumber: 2 } })).code).toBe('InvalidPartNumber')
    expect((await client.get('box', 'digits', { query: { partNumber: 0 } })).code).toBe('InvalidArgument')
    const both = await client.get('box', 'digits', { query: { partNumber: 1 }, headers: { range: 'bytes=0-0' } })
    expect(both.code).toBe('InvalidRequest')
  })
})

describe('conditional reads', () => {
  const BEFORE = 'Sat, 28 Nov 2026 03:59:59 GMT'
  const SAME = 'Sat, 28 Nov 2026 04:00:00 GMT'
  const tag = `"${md5('x')}"`
  beforeAll(async () => {
    await client.put('box', 'cond', 'x')
  })

  test.each<[headers: Record<string, string>, status: number]>([
    [{ 'if-match': tag }, 200],
    [{ 'if-match': md5('x') }, 200],
    [{ 'if-match': `"a", W/${tag}` }, 200],
    [{ 'if-match': '*' }, 200],
    [{ 'if-match': '"a"' }, 412],
    [{ 'if-none-match': tag }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"a"' }, 200],
    [{ 'if-modified-since': BEFORE }, 200],
    [{ 'if-modified-since': SAME }, 304],
    [{ 'if-modified-since': 'yesterday' }, 200],
    [{ 'if-unmodified-since': SAME }, 200],
    [{ 'if-unmodified-since': BEFORE }, 412],
    [{ 'if-match': tag, 'if-unmodified-since': BEFORE }, 200],
    [{ 'if-match': '"a"', 'if-unmodified-since': SAME }, 412],
    [{ 'if-none-match': tag, 'if-modified-since': BEFORE }, 304],
    [{ 'if-none-match': '"a"', 'if-modified-since': SAME }, 200],
    [{ 'if-match': '"a"', 'if-none-match': tag }, 412],
  ])('%j: %i', async (headers, status) => {
    const got = await client.get('box', 'cond', { headers })
    expect([got.status, got.body.length > 0]).toEqual([status, status !== 304])
    if (status === 304) expect([got.headers['etag'], got.headers['content-type']]).toEqual([tag, undefined])
    expect((await client.ask('HEAD', 'box', { key: 'cond', headers })).status).toBe(status)
  })
})

describe('conditional writes', () => {
  test('only where there is nothing', async () => {
    const headers = { 'if-none-match': '*' }
    expect((await client.put('box', 'first', '1', { headers })).status).toBe(200)
    const second = await client.put('box', 'first', '2', { headers })
    expect([second.status, second.code, second.xml.textOf('Condition')]).toEqual([
      412,
      'PreconditionFailed',
      'If-None-Match',
    ])
    expect((await client.get('box', 'first')).text).toBe('1')
  })

  test('only in place of what is known', async () => {
    const ifMatch = (etag: string) => ({ headers: { 'if-match': etag } })
    expect((await client.put('box', 'known', '1', ifMatch('"a"'))).code).toBe('NoSuchKey')
    await client.put('box', 'known', '1')
    expect((await client.put('box', 'known', '2', ifMatch(`"${md5('1')}"`))).status).toBe(200)
    expect((await client.put('box', 'known', '3', ifMatch(`"${md5('1')}"`))).code).toBe('PreconditionFailed')
    expect((await client.get('box', 'known')).text).toBe('2')
  })

  test('and removals', async () => {
    await client.put('box', 'known', '1')
    const remove = (etag: string) => client.ask('DELETE', 'box', { key: 'known', headers: { 'if-match': etag } })
    expect((await remove('"a"')).code).toBe('PreconditionFailed')
    expect((await remove(`"${md5('1')}"`)).status).toBe(204)
    expect((await remove('*')).code).toBe('PreconditionFailed')
  })

  test('are refused before the body is sent where they cannot succeed', async () => {
    await client.put('box', 'first', '1')
    const recorder = client.begin('PUT', 'box', {
      key: 'first',
      body: BIG,
      pieces: 1000,
      headers: { 'if-none-match': '*' },
    })
    let isWanted = false
    recorder.onContinue = () => {
      isWanted = true
    }
    expect((await recorder.answer).code).toBe('PreconditionFailed')
    expect(isWanted).toBe(false)
  })
})

describe('digests', () => {
  const crc32 = 'NhCmhg=='
  const sha256 = createHash('sha256').update('hello').digest()

  test.each<[what: string, headers: Record<string, string>, code: string]>([
    ['MD5', { 'content-md5': 'XUFAKrxLKna5cZ2REBfFkg==' }, ''],
    ['another MD5', { 'content-md5': 'XUFAKrxLKna5cZ2REBfFkA==' }, 'BadDigest'],
    ['no MD5', { 'content-md5': 'XUFAKrxLKna5cZ2REBfF' }, 'InvalidDigest'],
    ['CRC32', { 'x-amz-checksum-crc32': crc32 }, ''],
    ['another CRC32', { 'x-amz-checksum-crc32': 'NhCmhw==' }, 'BadDigest'],
    ['no CRC32', { 'x-amz-checksum-crc32': 'NhCm' }, 'InvalidRequest'],
    ['CRC32C', { 'x-amz-checksum-crc32c': 'mnG7TA==' }, ''],
    ['another CRC64NVME', { 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' }, 'BadDigest'],
    ['SHA1', { 'x-amz-checksum-sha1': createHash('sha1').update('hello').digest('base64') }, ''],
    ['SHA256', { 'x-amz-checksum-sha256': sha256.toString('base64') }, ''],
    ['another SHA256', { 'x-amz-checksum-sha256': createHash('sha256').update('x').digest('base64') }, 'BadDigest'],
    [
      'two checksums',
      { 'x-amz-checksum-crc32': crc32, 'x-amz-checksum-sha256': sha256.toString('base64') },
      'InvalidRequest',
    ],
  ])('%s', async (_, headers, code) => {
    await client.ask('DELETE', 'box', { key: 'sum' })
    const put = await client.put('box', 'sum', 'hello', { headers, pieces: 2 })
    expect(put.code).toBe(code)
    const [name, value] = Object.entries(headers)[0]!
    const got = await client.get('box', 'sum', { headers: { 'x-amz-checksum-mode': 'ENABLED' } })
    if (code !== '') return expect(got.status).toBe(404)
    if (!name.startsWith('x-amz')) return
    expect([put.headers[name], put.headers['x-amz-checksum-type']]).toEqual([value, 'FULL_OBJECT'])
    expect([got.headers[name], got.headers['x-amz-checksum-type']]).toEqual([value, 'FULL_OBJECT'])
    const range = { 'x-amz-checksum-mode': 'ENABLED', range: 'bytes=0-1' }
    expect((await client.get('box', 'sum', { headers: range })).headers[name]).toBeUndefined()
    expect((await client.get('box', 'sum')).headers[name]).toBeUndefined()
  })

  test('in a trailer', async () => {
    const announced = { trailer: 'CRC32' } as const
    const put = await client.put('box', 'sum', 'hello', { announced, trailer: crc32, pieces: 2 })
    expect(put.headers['x-amz-checksum-crc32']).toBe(crc32)
    const wrong = await client.put('box', 'sum2', 'hello', { announced, trailer: 'NhCmhw==', pieces: 2 })
    expect(wrong.code).toBe('BadDigest')
    // Who gives all bytes at once has verified it.
    const whole = await client.put('box', 'sum', 'hello', { announced })
    expect(whole.headers['x-amz-checksum-crc32']).toBe(crc32)
  })

  test('the hash that was signed', async () => {
    const signed = (hash: Buffer) => ({ announced: { sha256: hash.toString('hex') }, pieces: 2 })
    expect((await client.put('box', 'signed', 'hello', signed(sha256))).status).toBe(200)
    const wrong = await client.put('box', 'signed2', 'hello', signed(createHash('sha256').update('x').digest()))
    expect([wrong.status, wrong.code]).toEqual([400, 'XAmzContentSHA256Mismatch'])
    expect((await client.get('box', 'signed2')).status).toBe(404)
  })

  test('the length', async () => {
    const short = await client.put('box', 'short', 'hello', { announced: { length: 6 }, pieces: 2 })
    expect(short.code).toBe('IncompleteBody')
    expect((await client.put('box', 'unknown', 'hello', { announced: { length: undefined }, pieces: 2 })).status).toBe(
      200,
    )
    const huge = await client.put('box', 'huge', 'hello', { announced: { length: 5 * 1024 ** 3 + 1 }, pieces: 2 })
    expect(huge.code).toBe('EntityTooLarge')
  })
})
