import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Asked, Client } from './harness.ts'

const MIB = 1024 * 1024
const PART = Buffer.alloc(5 * MIB, 'abcdefg')
const LAST = Buffer.from('the last')
const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex')
const crcOf = (bytes: Buffer) => {
  const value = Buffer.alloc(4)
  value.writeUInt32BE(crc32(bytes))
  return value.toString('base64')
}

let client: Client
beforeAll(async () => {
  client = await Client.started()
  await client.ask('PUT', 'box')
})

async function begin(key: string, headers: Record<string, string> = {}): Promise<string> {
  const got = await client.ask('POST', 'box', { key, query: { uploads: '' }, headers })
  expect(got.status).toBe(200)
  return got.xml.textOf('UploadId')!
}

const part = (key: string, uploadId: string, partNumber: number, body: Buffer, asked: Asked = {}) =>
  client.put('box', key, body, { query: { uploadId, partNumber }, pieces: 500_000, ...asked })

function complete(key: string, uploadId: string, parts: readonly (readonly [number, string])[], headers = {}) {
  const list = parts.map(([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`)
  const body = `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`
  return client.ask('POST', 'box', { key, query: { uploadId }, body, headers })
}

const bodies = () => readdirSync(join(client.directory, 'buckets', 'box', 'bodies'))

describe('an upload', () => {
  test('becomes an object of its parts', async () => {
    const id = await begin('whole', { 'content-type': 'a/b', 'x-amz-meta-x': 'y', 'x-amz-tagging': 'k=v' })
    expect((await client.get('box', 'whole')).status).toBe(404)
    const etags = [
      (await part('whole', id, 2, PART)).headers['etag']!,
      (await part('whole', id, 7, LAST)).headers['etag']!,
    ]
    await part('whole', id, 9, LAST)
    await client.reopen()
    const done = await complete('whole', id, [
      [2, etags[0]!],
      [7, etags[1]!],
    ])
    const etag = `"${md5(Buffer.concat([PART, LAST].map(bytes => createHash('md5').update(bytes).digest())))}-2"`
    expect([done.status, done.xml.textOf('ETag'), done.xml.textOf('Location')]).toEqual([
      200,
      etag,
      'http://localhost:9000/box/whole',
    ])
    for (let round = 0; round < 2; round++) {
      const got = await client.get('box', 'whole')
      expect(got.body.equals(Buffer.concat([PART, LAST]))).toBe(true)
      expect(got.headers).toMatchObject({
        etag,
        'content-type': 'a/b',
        'x-amz-meta-x': 'y',
        'x-amz-tagging-count': '1',
      })
      await client.reopen()
    }
    const across = await client.get('box', 'whole', {
      headers: { range: `bytes=${PART.length - 2}-${PART.length + 2}` },
    })
    expect(across.text).toBe(`${PART.subarray(-2)}the`)
    const second = await client.get('box', 'whole', { query: { partNumber: 2 } })
    expect([second.status, second.text, second.headers['x-amz-mp-parts-count']]).toEqual([206, 'the last', '2'])
    expect((await client.get('box', 'whole', { query: { partNumber: 3 } })).code).toBe('InvalidPartNumber')
  })

  test('is completed once, however often that is asked', async () => {
    const id = await begin('once')
    const etag = (await part('once', id, 1, LAST)).headers['etag']!
    const all = await Promise.all([1, 2, 3].map(() => complete('once', id, [[1, etag]])))
    expect(all.map(got => [got.status, got.xml.textOf('ETag')])).toEqual(
      Array(3).fill([200, all[0]!.xml.textOf('ETag')]),
    )
    expect((await part('once', id, 1, LAST)).code).toBe('NoSuchUpload')
    await client.put('box', 'once', 'other')
    expect((await complete('once', id, [[1, etag]])).code).toBe('NoSuchUpload')
  })

  test('leaves nothing when it is aborted, and its object nothing when it is replaced or deleted', async () => {
    const before = bodies()
    const aborted = await begin('gone')
    await part('gone', aborted, 1, LAST)
    expect(bodies()).toHaveLength(before.length + 1)
    expect((await client.ask('DELETE', 'box', { key: 'gone', query: { uploadId: aborted } })).status).toBe(204)
    expect((await part('gone', aborted, 1, LAST)).code).toBe('NoSuchUpload')
    expect((await client.ask('DELETE', 'box', { key: 'gone', query: { uploadId: aborted } })).code).toBe('NoSuchUpload')
    for (const away of ['DELETE', 'PUT']) {
      const id = await begin('gone')
      const etag = (await part('gone', id, 1, LAST)).headers['etag']!
      await complete('gone', id, [[1, etag]])
      await client.ask(away, 'box', { key: 'gone' })
      expect(bodies()).toEqual(before)
    }
  })

  test('is read to its end by who has begun, although it is deleted meanwhile', async () => {
    const id = await begin('read')
    const etags = [
      (await part('read', id, 1, PART)).headers['etag']!,
      (await part('read', id, 2, LAST)).headers['etag']!,
    ]
    await complete('read', id, [
      [1, etags[0]!],
      [2, etags[1]!],
    ])
    const recorder = client.begin('GET', 'box', { key: 'read' })
    const onData = recorder.onData.bind(recorder)
    let deleted: Promise<unknown> | undefined
    recorder.onData = (bytes, owned) => {
      deleted ??= client.ask('DELETE', 'box', { key: 'read' })
      return onData(bytes, owned)
    }
    expect((await recorder.answer).body.equals(Buffer.concat([PART, LAST]))).toBe(true)
    await deleted
    expect((await client.get('box', 'read')).status).toBe(404)
    // The last reader has taken it away.
    await client.reopen()
    expect(bodies()).not.toContain(id)
  })

  test('has its parts checked', async () => {
    const id = await begin('checked')
    const [one, two] = [
      (await part('checked', id, 1, LAST)).headers['etag']!,
      (await part('checked', id, 2, LAST)).headers['etag']!,
    ]
    const other = `"${md5(PART)}"`
    expect((await complete('checked', id, [[1, other]])).code).toBe('InvalidPart')
    expect((await complete('checked', id, [[3, one]])).code).toBe('InvalidPart')
    expect(
      (
        await complete('checked', id, [
          [2, two],
          [1, one],
        ])
      ).code,
    ).toBe('InvalidPartOrder')
    expect(
      (
        await complete('checked', id, [
          [1, one],
          [1, one],
        ])
      ).code,
    ).toBe('InvalidPartOrder')
    expect((await complete('checked', id, [])).code).toBe('MalformedXML')
    expect((await complete('checked', id, [[0, one]])).code).toBe('MalformedXML')
    const small = await complete('checked', id, [
      [1, one],
      [2, two],
    ])
    expect([small.code, small.xml.textOf('PartNumber')]).toEqual(['EntityTooSmall', '1'])
    expect((await complete('checked', id, [[1, one]], { 'x-amz-mp-object-size': '9' })).code).toBe('InvalidRequest')
    expect((await complete('other', id, [[1, one]])).code).toBe('NoSuchUpload')
    expect((await complete('checked', '../../x', [[1, one]])).code).toBe('NoSuchUpload')
    expect((await client.get('box', 'checked')).status).toBe(404)
    expect((await complete('checked', id, [[1, one]])).status).toBe(200)
  })

  test.each([0, 10_001, -1, 1.5, '1/../2'])('has no part %s', async partNumber => {
    const id = await begin('numbers')
    expect((await client.put('box', 'numbers', 'x', { query: { uploadId: id, partNumber } })).code).toBe(
      'InvalidArgument',
    )
  })

  test('is completed under a condition', async () => {
    await client.put('box', 'there', 'x')
    const id = await begin('there')
    const etag = (await part('there', id, 1, LAST)).headers['etag']!
    expect((await complete('there', id, [[1, etag]], { 'if-none-match': '*' })).code).toBe('PreconditionFailed')
    expect((await client.get('box', 'there')).text).toBe('x')
    expect((await complete('there', id, [[1, etag]])).status).toBe(200)
    expect((await client.get('box', 'there')).text).toBe('the last')
  })
})

describe('checksums', () => {
  test('of the parts together', async () => {
    const id = await begin('sums', { 'x-amz-checksum-algorithm': 'CRC32' })
    const one = await part('sums', id, 1, PART)
    expect(one.headers['x-amz-checksum-crc32']).toBe(crcOf(PART))
    const two = await part('sums', id, 2, LAST, { headers: { 'x-amz-checksum-crc32': crcOf(LAST) } })
    const wrong = await part('sums', id, 3, LAST, {
      headers: { 'x-amz-checksum-sha1': createHash('sha1').digest('base64') },
    })
    expect(wrong.code).toBe('InvalidRequest')
    const done = await complete('sums', id, [
      [1, one.headers['etag']!],
      [2, two.headers['etag']!],
    ])
    const together = crcOf(Buffer.concat([PART, LAST].map(bytes => Buffer.from(crcOf(bytes), 'base64'))))
    expect([done.xml.textOf('ChecksumCRC32'), done.xml.textOf('ChecksumType')]).toEqual([`${together}-2`, 'COMPOSITE'])
    const head = await client.ask('HEAD', 'box', { key: 'sums', headers: { 'x-amz-checksum-mode': 'ENABLED' } })
    expect([head.headers['x-amz-checksum-crc32'], head.headers['x-amz-checksum-type']]).toEqual([
      `${together}-2`,
      'COMPOSITE',
    ])
  })

  test('of the whole object', async () => {
    const headers = { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'FULL_OBJECT' }
    const id = await begin('full', headers)
    const etags = [
      (await part('full', id, 1, PART)).headers['etag']!,
      (await part('full', id, 2, LAST)).headers['etag']!,
    ]
    const parts = [
      [1, etags[0]!],
      [2, etags[1]!],
    ] as const
    expect((await complete('full', id, parts, { 'x-amz-checksum-crc32': crcOf(LAST) })).code).toBe('BadDigest')
    const all = crcOf(Buffer.concat([PART, LAST]))
    const done = await complete('full', id, parts, { 'x-amz-checksum-crc32': all })
    expect([done.xml.textOf('ChecksumCRC32'), done.xml.textOf('ChecksumType')]).toEqual([all, 'FULL_OBJECT'])
  })

  test('are among the attributes of an object', async () => {
    const id = await begin('known', { 'x-amz-checksum-algorithm': 'CRC32' })
    const etag = (await part('known', id, 1, LAST)).headers['etag']!
    await complete('known', id, [[1, etag]])
    const ask = (attributes: string, more: Record<string, string> = {}) => {
      const headers = { 'x-amz-object-attributes': attributes, ...more }
      return client.get('box', 'known', { query: { attributes: '' }, headers })
    }
    const { xml } = await ask('ETag, Checksum,ObjectParts,StorageClass,ObjectSize')
    expect(xml.textOf('ETag')).toMatch(/^[0-9a-f]{32}-1$/)
    expect([xml.textOf('ObjectSize'), xml.textOf('StorageClass')]).toEqual(['8', 'STANDARD'])
    expect(xml.child('Checksum')!.textOf('ChecksumType')).toBe('COMPOSITE')
    const parts = xml.child('ObjectParts')!
    expect([parts.textOf('PartsCount'), parts.child('Part')!.textOf('ChecksumCRC32')]).toEqual(['1', crcOf(LAST)])
    const rest = await ask('ObjectParts', { 'x-amz-part-number-marker': '1' })
    expect(rest.xml.child('ObjectParts')!.all('Part')).toEqual([])
    expect((await ask('ETag')).xml.children).toHaveLength(1)
    expect((await ask('Other')).code).toBe('InvalidArgument')
    expect((await ask('')).code).toBe('InvalidArgument')
  })

  test('of a part that is not as its request says', async () => {
    const id = await begin('bad', { 'x-amz-checksum-algorithm': 'CRC32' })
    expect((await part('bad', id, 1, LAST, { headers: { 'x-amz-checksum-crc32': crcOf(PART) } })).code).toBe(
      'BadDigest',
    )
    const { xml } = await client.get('box', 'bad', { query: { uploadId: id } })
    expect(xml.all('Part')).toEqual([])
  })

  test.each([
    ['SHA256', 'FULL_OBJECT'],
    ['CRC32', 'OTHER'],
  ])('are not %s and %s', async (algorithm, type) => {
    const headers = { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': type }
    expect((await client.ask('POST', 'box', { key: 'x', query: { uploads: '' }, headers })).code).toBe('InvalidRequest')
  })
})

describe('listing', () => {
  test('the parts of an upload, in pages', async () => {
    const id = await begin('parts')
    for (const number of [3, 1, 2]) await part('parts', id, number, Buffer.from(`part ${number}`))
    await part('parts', id, 2, Buffer.from('again'))
    const list = async (query: Record<string, number>) =>
      (await client.get('box', 'parts', { query: { uploadId: id, ...query } })).xml
    const first = await list({ 'max-parts': 2 })
    expect(
      first.all('Part').map(item => [item.textOf('PartNumber'), item.textOf('Size'), item.textOf('ETag')]),
    ).toEqual([
      ['1', '6', `"${md5(Buffer.from('part 1'))}"`],
      ['2', '5', `"${md5(Buffer.from('again'))}"`],
    ])
    expect([first.textOf('IsTruncated'), first.textOf('NextPartNumberMarker')]).toEqual(['true', '2'])
    const second = await list({ 'part-number-marker': 2 })
    expect([second.all('Part').map(item => item.textOf('PartNumber')), second.textOf('IsTruncated')]).toEqual([
      ['3'],
      'false',
    ])
  })

  test('the uploads of a bucket, in pages', async () => {
    await client.ask('PUT', 'ups')
    const ids: string[] = []
    for (const key of ['b/1', 'a', 'b/2', 'a', '\u{1f600}', '\uff21']) {
      client.now += 1_000
      ids.push((await client.ask('POST', 'ups', { key, query: { uploads: '' } })).xml.textOf('UploadId')!)
    }
    const order = [ids[1], ids[3], ids[0], ids[2], ids[5], ids[4]]
    for (let round = 0; round < 2; round++) {
      const seen: string[] = []
      let more: Record<string, string> = {}
      for (;;) {
        const { xml } = await client.ask('GET', 'ups', { query: { uploads: '', 'max-uploads': 2, ...more } })
        seen.push(...xml.all('Upload').map(item => item.textOf('UploadId')!))
        if (xml.textOf('IsTruncated') === 'false') break
        more = { 'key-marker': xml.textOf('NextKeyMarker')!, 'upload-id-marker': xml.textOf('NextUploadIdMarker')! }
      }
      expect(seen).toEqual(order)
      await client.reopen()
    }
    const { xml } = await client.ask('GET', 'ups', { query: { uploads: '', delimiter: '/', 'key-marker': 'a' } })
    expect(
      xml.children
        .filter(item => /Upload$|CommonPrefixes/.test(item.name))
        .map(item => item.textOf('Key') ?? item.textOf('Prefix')),
    ).toEqual(['b/', '\uff21', '\u{1f600}'])
    // Uploads under way keep no bucket.
    expect((await client.ask('DELETE', 'ups')).status).toBe(204)
  })
})

describe('parts that are copies', () => {
  test('of the whole, and of a range', async () => {
    const source = Buffer.concat([PART, LAST])
    await client.put('box', 'so urce', source, { pieces: 1_000_000 })
    const id = await begin('copied', { 'x-amz-checksum-algorithm': 'SHA256' })
    const copy = (partNumber: number, headers: Record<string, string>) =>
      client.ask('PUT', 'box', {
        key: 'copied',
        query: { uploadId: id, partNumber },
        headers: { 'x-amz-copy-source': '/box/so%20urce', ...headers },
      })
    const one = await copy(1, {})
    expect([one.xml.name, one.xml.textOf('ETag')]).toEqual(['CopyPartResult', `"${md5(source)}"`])
    expect(one.xml.textOf('ChecksumSHA256')).toBe(createHash('sha256').update(source).digest('base64'))
    const two = await copy(2, { 'x-amz-copy-source-range': 'bytes=3-9' })
    for (const range of ['bytes=3-', 'bytes=-3', 'bytes=9-3', '3-9', `bytes=0-${source.length}`]) {
      expect((await copy(3, { 'x-amz-copy-source-range': range })).code).toBe('InvalidArgument')
    }
    expect((await copy(3, { 'x-amz-copy-source': 'box/none' })).code).toBe('NoSuchKey')
    expect((await copy(3, { 'x-amz-copy-source-if-match': '"x"' })).code).toBe('PreconditionFailed')
    const parts = [
      [1, one.xml.textOf('ETag')!],
      [2, two.xml.textOf('ETag')!],
    ] as const
    expect((await complete('copied', id, parts)).status).toBe(200)
    expect((await client.get('box', 'copied')).body.equals(Buffer.concat([source, source.subarray(3, 10)]))).toBe(true)
  })
})
