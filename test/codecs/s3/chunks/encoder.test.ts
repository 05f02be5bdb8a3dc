/** What is written for a backend, read again; and what a request's headers say of how it is read. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  AwsChunkedDecoder,
  type AwsChunkedEncoder,
  type ByteSink,
  CHUNK_BYTES,
  type ChunkSeed,
  encodedLength,
  SignedChunkEncoder,
  scopeOf,
  UnsignedChunkEncoder,
  withoutAwsChunked,
} from '../../../../codecs/s3/index.ts'
import { cut } from '../../../support/feed.ts'
import { SECRET, VECTORS } from '../signature/vectors.ts'

const scope = scopeOf('20130524', 'us-east-1')
const SEED: ChunkSeed = {
  key: SECRET.key(scope),
  amzDate: '20130524T000000Z',
  scope: scope.text,
  signature: VECTORS[5]!.signature,
}
const TRAILERS = ['x-amz-checksum-crc32c', 'sOO8/Q==']

function encode(
  make: (sink: ByteSink) => AwsChunkedEncoder,
  pieces: readonly Buffer[],
  trailers: readonly string[],
): Buffer {
  const sent: Buffer[] = []
  const encoder = make((bytes, owned) => sent.push(owned ? bytes : Buffer.from(bytes)))
  for (const piece of pieces) encoder.write(piece)
  encoder.end(trailers)
  return Buffer.concat(sent)
}

const signed = (length: number) => (sink: ByteSink) => new SignedChunkEncoder(length, SEED, sink)
const unsigned = (length: number) => (sink: ByteSink) => new UnsignedChunkEncoder(length, sink)

test("AWS's example, byte for byte", () => {
  const body = encode(signed(66_560), cut(Buffer.alloc(66_560, 'a'), 10_000), TRAILERS).toString()
  expect(body.replace(/a{1024,}/g, '')).toBe(
    '10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n\r\n' +
      '400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n\r\n' +
      '0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n' +
      'x-amz-checksum-crc32c:sOO8/Q==\r\n' +
      'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n',
  )
})

test('unsigned, byte for byte', () => {
  expect(encode(unsigned(5), [Buffer.from('he'), Buffer.from('llo')], TRAILERS).toString()).toBe(
    '5\r\nhello\r\n0\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n\r\n',
  )
})

describe.each([
  ['signed', signed, SEED],
  ['unsigned', unsigned, undefined],
])('%s', (name, make, seed) => {
  const lengths = fc.oneof(
    fc.constantFrom(0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES),
    fc.nat(4 * CHUNK_BYTES),
  )
  const sizes = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1 })

  test('is as long as was said before, and reads the same', () => {
    fc.assert(
      fc.property(lengths, sizes, fc.boolean(), (length, sizes, hasTrailers) => {
        const data = Buffer.alloc(length)
        for (let at = 0; at < length; at++) data[at] = at * 7 + (at >> 8)
        const trailers = hasTrailers ? TRAILERS : []
        const body = encode(make(length), cut(data, ...sizes), trailers)
        expect(body.length).toBe(encodedLength(length, name === 'signed', trailers))
        const read: Buffer[] = []
        let ended = false
        const options = { seed, trailers: hasTrailers ? [TRAILERS[0]!] : [], hasTrailers, decodedLength: length }
        const decoder = new AwsChunkedDecoder(
          { ...options, maxChunkBytes: CHUNK_BYTES },
          {
            onData: view => read.push(view),
            onChunkVerified: () => {},
            onTrailer: (name, value) => expect([name, value]).toEqual(TRAILERS),
            onEnd: () => {
              ended = true
            },
          },
        )
        decoder.write(body)
        decoder.end()
        expect(ended && Buffer.concat(read).equals(data)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  test.each([0, 1, 5, CHUNK_BYTES])('a body of other than %d bytes', length => {
    const incomplete = expect.objectContaining({ code: 'IncompleteBody' })
    expect(() => encode(make(length), [Buffer.alloc(length + 1)], [])).toThrow(incomplete)
    if (length > 0) expect(() => encode(make(length), [Buffer.alloc(length - 1)], [])).toThrow(incomplete)
  })
})

test.each([
  ['aws-chunked', ''],
  ['AWS-Chunked', ''],
  ['aws-chunked,gzip', 'gzip'],
  ['gzip, aws-chunked', 'gzip'],
  ['gzip, br', 'gzip,br'],
  ['', ''],
  [',aws-chunked,', ''],
  ['x-aws-chunked', 'x-aws-chunked'],
])('the content-encoding %j becomes %j', (before, after) => {
  expect(withoutAwsChunked(before)).toBe(after)
})
