import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  AwsChunkedDecoder,
  type AwsChunkedOptions,
  type ChunkSeed,
  S3Error,
  SignedChunkEncoder,
  scopeOf,
} from '../../../../codecs/s3/index.ts'
import { cut, everyFeed } from '../../../support/feed.ts'
import { SECRET, VECTORS } from '../signature/vectors.ts'

const scope = scopeOf('20130524', 'us-east-1')

function seedOf(signature: string): ChunkSeed {
  return { key: SECRET.key(scope), amzDate: '20130524T000000Z', scope: scope.text, signature }
}

const SEED = seedOf(VECTORS[4]!.signature)
const TRAILER_SEED = seedOf(VECTORS[5]!.signature)
const CRC32C = 'x-amz-checksum-crc32c'

const SIGNED: AwsChunkedOptions = {
  seed: SEED,
  trailers: [],
  hasTrailers: false,
  decodedLength: 66_560,
  maxChunkBytes: 1 << 20,
}
const SIGNED_TRAILER: AwsChunkedOptions = { ...SIGNED, seed: TRAILER_SEED, trailers: [CRC32C], hasTrailers: true }
const UNSIGNED: AwsChunkedOptions = {
  seed: undefined,
  trailers: ['x-amz-checksum-crc32'],
  hasTrailers: true,
  decodedLength: undefined,
  maxChunkBytes: 1 << 20,
}

const A64K = 'a'.repeat(65_536)
const A1K = 'a'.repeat(1024)
/** The chunked upload of AWS's documentation. */
const EXAMPLE =
  `10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n${A64K}\r\n` +
  `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${A1K}\r\n` +
  '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n'
/** The one with a trailer. */
const LAST = '0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n'
const TRAILER = `${CRC32C}:sOO8/Q==\r\n`
const TRAILER_SIGNATURE = 'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n'
const TRAILER_DATA =
  `10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n${A64K}\r\n` +
  `400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n${A1K}\r\n${LAST}`
const TRAILER_EXAMPLE = `${TRAILER_DATA}${TRAILER}${TRAILER_SIGNATURE}\r\n`

interface Decoded {
  data: string
  /** Bytes of data that had come when a chunk was verified. */
  verified: number[]
  trailers: Record<string, string>
  ended: boolean
}

function decode(pieces: readonly Buffer[], options: AwsChunkedOptions): Decoded {
  const decoded: Decoded = { data: '', verified: [], trailers: {}, ended: false }
  decodeInto(decoded, pieces, options)
  return decoded
}

function decodeInto(decoded: Decoded, pieces: readonly Buffer[], options: AwsChunkedOptions): void {
  const decoder = new AwsChunkedDecoder(options, {
    onData: view => {
      expect(view.length).toBeGreaterThan(0)
      decoded.data += view.toString('latin1')
    },
    onChunkVerified: () => decoded.verified.push(decoded.data.length),
    onTrailer: (name, value) => {
      decoded.trailers[name] = value
    },
    onEnd: () => {
      decoded.ended = true
    },
  })
  for (const piece of pieces) decoder.write(piece)
  decoder.end()
}

function decodeText(text: string, options: AwsChunkedOptions): Decoded {
  return decode([Buffer.from(text, 'latin1')], options)
}

const codeOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof S3Error) return error.code
    throw error
  }
  return 'none'
}

describe("AWS's examples", () => {
  const all = A64K + A1K
  test.each([[[100_000]], [[1]], [[7, 1, 1000]], [[65_536]], [[88]]])('signed chunks, in pieces of %j bytes', sizes => {
    const decoded = decode(cut(Buffer.from(EXAMPLE), ...sizes), SIGNED)
    expect(decoded.data === all).toBe(true)
    expect(decoded).toMatchObject({ verified: [65_536, 66_560, 66_560], trailers: {}, ended: true })
    const trailing = decode(cut(Buffer.from(TRAILER_EXAMPLE), ...sizes), SIGNED_TRAILER)
    expect(trailing.data === all).toBe(true)
    expect(trailing).toMatchObject({ trailers: { [CRC32C]: 'sOO8/Q==' }, ended: true })
  })
})

describe('unsigned chunks', () => {
  const BODY = '5\r\nhello\r\n0006\r\n\r\nworl\r\nA\r\n0123456789\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n'
  test('cut in any way', () => {
    for (const { way, pieces } of everyFeed(Buffer.from(BODY))) {
      expect(decode(pieces, UNSIGNED), way).toEqual({
        data: 'hello\r\nworl0123456789',
        verified: [],
        trailers: { 'x-amz-checksum-crc32': 'AAAAAA==' },
        ended: true,
      })
    }
  })

  test('nothing', () => {
    const decoded = decodeText('0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n', { ...UNSIGNED, decodedLength: 0 })
    expect(decoded).toMatchObject({ data: '', ended: true })
  })

  test('every cut body is incomplete', () => {
    for (let length = 0; length < BODY.length; length++) {
      expect(
        codeOf(() => decodeText(BODY.slice(0, length), UNSIGNED)),
        `${length} bytes`,
      ).toBe('IncompleteBody')
    }
  })
})

describe('what clients send behind the last chunk', () => {
  test.each([
    ['as AWS describes it', `${TRAILER}${TRAILER_SIGNATURE}\r\n`],
    ['a newline and an empty line before the signature', `${CRC32C}:sOO8/Q==\n\r\n${TRAILER_SIGNATURE}\r\n`],
    ['empty lines more', `${TRAILER}${TRAILER_SIGNATURE}\r\n\r\n\r\n`],
    ['newlines only', `${TRAILER}${TRAILER_SIGNATURE}\r\n`.replaceAll('\r', '')],
    ['a space before the value', `${CRC32C}: sOO8/Q==\r\n${TRAILER_SIGNATURE}\r\n`],
    [
      'names in upper case',
      `${CRC32C.toUpperCase()}:sOO8/Q==\r\nX-Amz-Trailer-Signature:${TRAILER_SIGNATURE.slice(24)}\r\n`,
    ],
  ])('%s', (_, end) => {
    expect(decodeText(TRAILER_DATA + end, SIGNED_TRAILER)).toMatchObject({
      trailers: { [CRC32C]: 'sOO8/Q==' },
      ended: true,
    })
  })

  test('empty lines behind an unsigned trailer', () => {
    const body = '1\r\nx\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\n\r\n\r\n\r\n'
    expect(decodeText(body, UNSIGNED)).toMatchObject({ data: 'x', ended: true })
  })
})

describe('a wrong body is refused', () => {
  const swap = (text: string, from: string | RegExp, to: string) => {
    const changed = text.replace(from, to)
    expect(changed).not.toBe(text)
    return changed
  }
  test.each<[string, string, AwsChunkedOptions, string]>([
    ['data of the first chunk', swap(EXAMPLE, 'aa', 'ab'), SIGNED, 'SignatureDoesNotMatch'],
    ['data of the second chunk', swap(EXAMPLE, 'a\r\n0;', 'b\r\n0;'), SIGNED, 'SignatureDoesNotMatch'],
    ['signature of the last chunk', swap(EXAMPLE, 'b6c6', 'b6c7'), SIGNED, 'SignatureDoesNotMatch'],
    ['chunks in another order', chunksSwapped(), SIGNED, 'SignatureDoesNotMatch'],
    ['another head', EXAMPLE, { ...SIGNED, seed: TRAILER_SEED }, 'SignatureDoesNotMatch'],
    ['a chunk without signature', swap(EXAMPLE, /;chunk-signature=[0-9a-f]*/, ''), SIGNED, 'IncompleteBody'],
    ['a short signature', swap(EXAMPLE, 'ad80', 'ad8'), SIGNED, 'IncompleteBody'],
    ['a signature in upper case', swap(EXAMPLE, 'ad80', 'AD80'), SIGNED, 'IncompleteBody'],
    ['another extension', swap(EXAMPLE, 'chunk-signature', 'chunk-Signature'), SIGNED, 'IncompleteBody'],
    ['no last chunk', EXAMPLE.slice(0, EXAMPLE.indexOf('0;chunk-signature=b6')), SIGNED, 'IncompleteBody'],
    ['more behind the end', `${EXAMPLE}x\r\n`, SIGNED, 'IncompleteBody'],
    ['a trailer that may not be there', swap(EXAMPLE, /\r\n$/, `${TRAILER}\r\n`), SIGNED, 'IncompleteBody'],
    ['a length that is longer', EXAMPLE, { ...SIGNED, decodedLength: 66_561 }, 'IncompleteBody'],
    ['a length that is shorter', EXAMPLE, { ...SIGNED, decodedLength: 66_559 }, 'IncompleteBody'],
    ['a chunk that is too large', EXAMPLE, { ...SIGNED, maxChunkBytes: 65_535 }, 'InvalidChunkSizeError'],
    ['the trailer', swap(TRAILER_EXAMPLE, 'sOO8/Q==', 'sOO8/g=='), SIGNED_TRAILER, 'SignatureDoesNotMatch'],
    ['the signature of the trailer', swap(TRAILER_EXAMPLE, 'd81f', 'd81e'), SIGNED_TRAILER, 'SignatureDoesNotMatch'],
    ['no trailer', `${TRAILER_DATA}\r\n`, SIGNED_TRAILER, 'MalformedTrailerError'],
    ['no signature of the trailer', `${TRAILER_DATA}${TRAILER}\r\n`, SIGNED_TRAILER, 'MalformedTrailerError'],
    [
      'the signature first',
      `${TRAILER_DATA}${TRAILER_SIGNATURE}${TRAILER}\r\n`,
      SIGNED_TRAILER,
      'MalformedTrailerError',
    ],
    [
      'two signatures',
      `${TRAILER_DATA}${TRAILER}${TRAILER_SIGNATURE}${TRAILER_SIGNATURE}\r\n`,
      SIGNED_TRAILER,
      'MalformedTrailerError',
    ],
    [
      'the trailer twice',
      `${TRAILER_DATA}${TRAILER}${TRAILER}${TRAILER_SIGNATURE}\r\n`,
      SIGNED_TRAILER,
      'MalformedTrailerError',
    ],
    ['a trailer that is not declared', TRAILER_EXAMPLE, { ...SIGNED_TRAILER, trailers: [] }, 'MalformedTrailerError'],
    [
      'a signature of nothing declared',
      `${TRAILER_DATA}${TRAILER_SIGNATURE}\r\n`,
      { ...SIGNED_TRAILER, trailers: [] },
      'SignatureDoesNotMatch',
    ],
    [
      'no empty line behind the trailers',
      `${TRAILER_DATA}${TRAILER}${TRAILER_SIGNATURE}`,
      SIGNED_TRAILER,
      'IncompleteBody',
    ],
    ['a line without a colon', `${TRAILER_DATA}x\r\n\r\n`, SIGNED_TRAILER, 'MalformedTrailerError'],
    ['a trailer without a value', `${TRAILER_DATA}${CRC32C}:\r\n\r\n`, SIGNED_TRAILER, 'MalformedTrailerError'],
    ['trailers without an end', `${TRAILER_DATA}${'\r\n'.repeat(9000)}`, SIGNED_TRAILER, 'MalformedTrailerError'],
    [
      'a signature where nothing is signed',
      '0\r\nx-amz-trailer-signature:x\r\n\r\n',
      { ...UNSIGNED, trailers: [] },
      'MalformedTrailerError',
    ],
    ['a trailer that is too long', `0\r\n${'x'.repeat(5000)}`, UNSIGNED, 'IncompleteBody'],
  ])('%s', (_, body, options, code) => {
    const decoded: Decoded = { data: '', verified: [], trailers: {}, ended: false }
    expect(codeOf(() => decodeInto(decoded, [Buffer.from(body, 'latin1')], options))).toBe(code)
    expect(decoded).toMatchObject({ trailers: {}, ended: false })
    expect(codeOf(() => decode(cut(Buffer.from(body, 'latin1'), 1000, 3, 1), options))).toBe(code)
  })

  test.each([
    ...['', 'x', '+1', '-1', '0x1', ' 1', '1 ', '1;a=b', '1;', '1,', '1e', '12345678901234567'].map(
      size => `${size}\r\nx\r\n`,
    ),
    ...[
      '1\nx\r\n',
      '1\r\nx\n',
      '1\r\nxy\r\n',
      '1\r\nx\r\n\r\n',
      '1\r\r\nx\r\n',
      '\r\n',
      `${'0'.repeat(5000)}`,
      '1\r\nx0\r\n',
    ],
  ])('%j is no chunk', text => {
    const end = '0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n'
    expect(decodeText(`1\r\nx\r\n${end}`, UNSIGNED).ended).toBe(true)
    expect(codeOf(() => decodeText(text + end, UNSIGNED))).toBe('IncompleteBody')
  })

  test('a size that no number holds', () => {
    expect(codeOf(() => decodeText('ffffffffffffffff\r\n', UNSIGNED))).toBe('InvalidChunkSizeError')
  })

  test('nothing is taken behind the end', () => {
    const decoder = new AwsChunkedDecoder(
      { ...UNSIGNED, trailers: [] },
      { onData() {}, onChunkVerified() {}, onTrailer() {}, onEnd() {} },
    )
    decoder.write(Buffer.from('0\r\n\r\n'))
    decoder.end()
    expect(codeOf(() => decoder.write(Buffer.from('x')))).toBe('IncompleteBody')
    expect(codeOf(() => decoder.end())).toBe('IncompleteBody')
  })

  test('says which chunk it was, and what is signed', () => {
    expect(() => decodeText(swap(EXAMPLE, 'a\r\n0;', 'b\r\n0;'), SIGNED)).toThrow(
      expect.objectContaining({
        fields: expect.objectContaining({ ChunkNumber: '2', StringToSign: expect.stringContaining('\nad80c730') }),
      }),
    )
  })
})

function chunksSwapped(): string {
  const second = EXAMPLE.indexOf('400;')
  const last = EXAMPLE.indexOf('0;chunk-signature=b6')
  return EXAMPLE.slice(second, last) + EXAMPLE.slice(0, second) + EXAMPLE.slice(last)
}

test('any byte of a signed body that is changed, any that is lost or added, is noticed', () => {
  const sent: Buffer[] = []
  const encoder = new SignedChunkEncoder(20, TRAILER_SEED, bytes => sent.push(bytes))
  encoder.write(Buffer.from('twenty bytes of data'))
  encoder.end([CRC32C, 'sOO8/Q=='])
  const bytes = Buffer.concat(sent)
  const options = { ...SIGNED_TRAILER, decodedLength: undefined }
  const lastLine = bytes.indexOf('0;chunk', 50) + LAST.length
  expect(codeOf(() => decode([bytes], options))).toBe('none')
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at]! ^= 1
    const lost = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
    const added = Buffer.concat([bytes.subarray(0, at), Buffer.from('7'), bytes.subarray(at)])
    for (const [what, body] of Object.entries({ changed, lost, added })) {
      // Behind the last chunk a bare newline ends a line.
      if (what === 'lost' && bytes[at] === 0x0d && at >= lastLine) continue
      expect(
        codeOf(() => decode([body], options)),
        `${what} at ${at}`,
      ).not.toBe('none')
    }
  }
})

test('any bytes end in data or an S3Error', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '0',
      '1',
      'a',
      '\r\n',
      '\n',
      '\r',
      ';chunk-signature=',
      'x-amz-checksum-crc32:AAAAAA==',
      'f'.repeat(64),
      ':',
    ),
    fc.string({ unit: 'binary-ascii', maxLength: 4 }),
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 40 }),
      fc.constantFrom(UNSIGNED, SIGNED_TRAILER, SIGNED),
      (pieces, options) => {
        const whole = codeOf(() => decodeText(pieces.join(''), options))
        expect(
          codeOf(() =>
            decode(
              pieces.map(text => Buffer.from(text)),
              options,
            ),
          ),
        ).toBe(whole)
      },
    ),
  )
})
