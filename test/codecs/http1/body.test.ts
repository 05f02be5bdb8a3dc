/** Bodies: where they end, what is refused in them, and that nothing of them is copied or gathered. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  BodyDecoder,
  type BodyKind,
  ChunkedDecoder,
  encodeChunkSize,
  encodeLastChunk,
} from '../../../codecs/http1/index.ts'
import { cut, everyFeed } from '../../support/feed.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')

interface Decoded {
  readonly data: string
  readonly trailers: readonly string[]
  readonly ends: number
  /** What lies behind the body. */
  readonly rest: string
  readonly error: string | undefined
}

function decode(pieces: readonly Buffer[], kind: BodyKind = 'chunked', length = 0): Decoded {
  let data = ''
  let ends = 0
  let rest = ''
  const trailers: string[] = []
  const body = new BodyDecoder({
    onData: view => {
      if (view.length === 0) throw new Error('an empty view')
      data += view.toString('latin1')
    },
    onTrailer: (name, value) => trailers.push(name, value),
    onEnd: () => ends++,
  })
  let error: string | undefined
  try {
    body.begin(kind, length)
    for (const piece of pieces) {
      const at = body.write(piece, 0, piece.length)
      if (at < piece.length && !body.ended) throw new Error('it stops although it has not ended')
      rest += piece.toString('latin1', at)
    }
  } catch (caught) {
    if (!(caught instanceof ProtocolError)) throw caught
    error = caught.kind
  }
  return { data, trailers, ends, rest, error }
}

describe.each<[text: string, data: string, trailers: string[]]>([
  ['0\r\n\r\n', '', []],
  ['5\r\nhello\r\n0\r\n\r\n', 'hello', []],
  ['5;\r\nhello\r\n000;x="\t\xff"\r\n\r\n', 'hello', []],
  ['1\r\na\r\n1\r\nb\r\nB\r\n\r\n0\r\n\r\n0123\r\n0\r\n\r\n', 'ab\r\n0\r\n\r\n0123', []],
  [
    'c\r\n0123456789ab\r\n0\r\nA: b\r\nX-Amz-Checksum-CRC32:\tAAAA== \r\n\r\n',
    '0123456789ab',
    ['a', 'b', 'x-amz-checksum-crc32', 'AAAA=='],
  ],
  ['0000000000005\r\nhello\r\n0\r\n\r\n', 'hello', []],
])('%j', (text, data, trailers) => {
  test.each([undefined, 'GET / HTTP/1.1\r\n', '0\r\n\r\n'])('followed by %j', trailing => {
    for (const { way, pieces } of everyFeed(latin1(text), trailing === undefined ? undefined : latin1(trailing))) {
      const behind = way.includes('trailing') ? trailing : ''
      expect(decode(pieces), way).toEqual({ data, trailers, ends: 1, rest: behind, error: undefined })
    }
  })
})

const LONG = 'x'.repeat(5000)

test.each<[kind: string, text: string, name?: string]>([
  ['chunk-size', '\r\n'],
  ['chunk-size', ' 5\r\n'],
  ['chunk-size', '5 \r\n'],
  ['chunk-size', '5\t;a\r\n'],
  ['chunk-size', '+5\r\n'],
  ['chunk-size', '-5\r\n'],
  ['chunk-size', '0x5\r\n'],
  ['chunk-size', '5_0\r\n'],
  ['chunk-size', 'g\r\n'],
  ['chunk-size', ';a\r\n'],
  ['chunk-size', '00000000000005\r\n'],
  ['chunk-size', 'ffffffffffffffff\r\n'],
  ['chunk-line', '5\n'],
  ['chunk-line', '5\rhello'],
  ['chunk-line', '5;a\n'],
  ['chunk-line', '5;a\0\r\n'],
  ['chunk-line', '5\r\nhello5\r\n'],
  ['chunk-line', '5\r\nhello\n'],
  ['chunk-line', '5\r\nhello\rx'],
  ['chunk-line', '5\r\nhello!\r\n'],
  ['chunk-line', '0\r\nA: b\n'],
  ['chunk-line', '0\r\nA: \0b\r\n'],
  ['chunk-line', '0\r\n\rx'],
  ['trailer', '0\r\nA b\r\n'],
  ['trailer', '0\r\n: b\r\n'],
  ['trailer', '0\r\nA : b\r\n'],
  ['trailer', '0\r\n A: b\r\n'],
  ['trailer', '0\r\nContent-Length: 5\r\n'],
  ['trailer', '0\r\ntransfer-encoding: chunked\r\n'],
  ['trailer', '0\r\nConnection: close\r\n'],
  ['trailer', `0\r\nA: ${LONG}`, '0\r\nA: xxx...'],
  ['trailer', `0\r\n${'A: b\r\n'.repeat(33)}`, '33 trailers'],
  ['chunk-extension', `1;${LONG}`, '1;xxx...'],
  ['chunk-extension', `1;${'x'.repeat(4000)}\r\na\r\n`.repeat(20), '20 extensions of 4000 bytes'],
])('%s: %j is refused', (kind, text) => {
  for (const pieces of [[latin1(text)], cut(latin1(text), 1)]) {
    expect(decode(pieces)).toMatchObject({ error: kind, ends: 0 })
  }
})

describe('the other kinds', () => {
  test('none, and a length of 0, end at once', () => {
    const nothing = { data: '', trailers: [], ends: 1, rest: 'rest', error: undefined }
    expect(decode([latin1('rest')], 'none')).toEqual(nothing)
    expect(decode([latin1('rest')], 'length', 0)).toEqual(nothing)
  })

  test('a length', () => {
    for (const { way, pieces } of everyFeed(latin1('hello'), latin1('GET'))) {
      const rest = way.includes('trailing') ? 'GET' : ''
      expect(decode(pieces, 'length', 5), way).toEqual({ data: 'hello', trailers: [], ends: 1, rest, error: undefined })
    }
  })

  test.each<[BodyKind, number, string, boolean]>([
    ['until-close', 0, 'abc', true],
    ['length', 5, 'abc', false],
    ['length', 3, 'abc', true],
    ['chunked', 0, '3\r\nabc\r\n', false],
    ['chunked', 0, '3\r\nabc\r\n0\r\n', false],
    ['chunked', 0, '3\r\nabc\r\n0\r\n\r\n', true],
  ])('%s %i %j, and then the connection ends: whole is %s', (kind, length, text, whole) => {
    let ends = 0
    const body = new BodyDecoder({ onData() {}, onTrailer() {}, onEnd: () => ends++ })
    body.begin(kind, length)
    body.write(latin1(text), 0, text.length)
    expect(body.close()).toBe(whole)
    expect(ends).toBe(whole ? 1 : 0)
  })
})

test('the data are views of what was read', () => {
  const bytes = latin1('400\r\n'.concat('x'.repeat(1024), '\r\n0\r\n\r\n'))
  const views: Buffer[] = []
  const decoder = new ChunkedDecoder({ onData: view => views.push(view), onTrailer() {}, onEnd() {} })
  expect(decoder.write(bytes, 0, bytes.length)).toBe(bytes.length)
  expect(views).toHaveLength(1)
  expect(views[0]!.buffer).toBe(bytes.buffer)
})

test('what is encoded in chunks is decoded the same, in any pieces, and again', () => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 })
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(chunks, sizes, (parts, cuts) => {
      const framed = parts.flatMap(part => [latin1(encodeChunkSize(part.length)), Buffer.from(part), latin1('\r\n')])
      const bytes = Buffer.concat([...framed, latin1(encodeLastChunk(['x-t', 'v']))])
      const found = decode(cut(bytes, ...cuts))
      const data = Buffer.concat(parts).toString('latin1')
      expect(found).toEqual({ data, trailers: ['x-t', 'v'], ends: 1, rest: '', error: undefined })
    }),
  )
})
