import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Crc32c, Crc64Nvme } from '@aws-sdk/checksums/crc'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type BodyChecksum,
  CHECKSUMS,
  type ChecksumAlgorithm,
  checksumOfHeader,
  combineChecksums,
  compositeChecksum,
  createChecksum,
  isChecksumValue,
  readBodyChecksum,
  readContentMd5,
} from '../../../../codecs/s3/index.ts'
import { cut } from '../../../support/feed.ts'

const ALGORITHMS = Object.keys(CHECKSUMS) as ChecksumAlgorithm[]

function of(algorithm: ChecksumAlgorithm, ...pieces: readonly Buffer[]): string {
  const checksum = createChecksum(algorithm)
  for (const piece of pieces) checksum.update(piece)
  return checksum.base64()
}

/** The same by others' code. */
async function byOthers(algorithm: ChecksumAlgorithm, bytes: Buffer): Promise<string> {
  if (algorithm === 'SHA1' || algorithm === 'SHA256') return createHash(algorithm).update(bytes).digest('base64')
  if (algorithm === 'CRC32') return Buffer.from(crc32(bytes).toString(16).padStart(8, '0'), 'hex').toString('base64')
  const checksum = algorithm === 'CRC32C' ? new Crc32c() : new Crc64Nvme()
  checksum.update(bytes)
  return Buffer.from(await checksum.digest()).toString('base64')
}

describe('published values', () => {
  test.each<[ChecksumAlgorithm, string, string]>([
    ['CRC32', '123456789', 'cbf43926'],
    ['CRC32C', '123456789', 'e3069283'],
    ['CRC64NVME', '123456789', 'ae8b14860a799888'],
    ['CRC32', '', '00000000'],
    ['CRC32C', '', '00000000'],
    ['CRC64NVME', '', '0000000000000000'],
    // RFC 3720, B.4.
    ['CRC32C', '\0'.repeat(32), '8a9136aa'],
    ['CRC32C', '\xff'.repeat(32), '62a8ab43'],
    ['SHA1', 'abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['SHA256', '', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ])('%s of %j', (algorithm, text, hex) => {
    expect(Buffer.from(of(algorithm, Buffer.from(text, 'latin1')), 'base64').toString('hex')).toBe(hex)
  })

  test("AWS's example of a trailer", () => {
    expect(of('CRC32C', Buffer.alloc(66_560, 'a'))).toBe('sOO8/Q==')
  })
})

describe.each(ALGORITHMS)('%s', algorithm => {
  test('is what others make of it, in whatever pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.nat(40), { minLength: 1 }),
        async (data, sizes) => {
          const bytes = Buffer.from(data)
          const value = of(algorithm, ...cut(bytes, ...sizes))
          expect(value).toBe(await byOthers(algorithm, bytes))
          expect(isChecksumValue(algorithm, value)).toBe(true)
        },
      ),
    )
  })

  test('may be asked again', () => {
    const checksum = createChecksum(algorithm)
    checksum.update(Buffer.from('x'))
    expect(checksum.base64()).toBe(checksum.base64())
    expect(checksum.algorithm).toBe(algorithm)
  })

  test('of parts is that of the whole, or of their checksums', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 6 }), list => {
        const parts = list.map(data => Buffer.from(data))
        const sums = parts.map(bytes => ({ value: of(algorithm, bytes), length: bytes.length }))
        const types = CHECKSUMS[algorithm].types
        expect(combineChecksums(algorithm, sums)).toBe(
          types.includes('FULL_OBJECT') ? of(algorithm, ...parts) : undefined,
        )
        const bytes = Buffer.concat(sums.map(({ value }) => Buffer.from(value, 'base64')))
        const composite = types.includes('COMPOSITE') ? `${of(algorithm, bytes)}-${parts.length}` : undefined
        expect(
          compositeChecksum(
            algorithm,
            sums.map(({ value }) => value),
          ),
        ).toBe(composite)
      }),
    )
  })

  test('is named by its header', () => {
    expect(checksumOfHeader(CHECKSUMS[algorithm].header)).toBe(algorithm)
    expect(CHECKSUMS[algorithm].header).toBe(`x-amz-checksum-${algorithm.toLowerCase()}`)
  })

  test('values of another form are none', () => {
    const value = of(algorithm, Buffer.from('x'))
    const wrong = [
      '',
      'x',
      `${value}-1`,
      `${value}=`,
      ` ${value}`,
      value.replace(/=*$/, ''),
      `AAAA${value}`,
      value.slice(4),
    ]
    for (const text of wrong) if (text !== value) expect(isChecksumValue(algorithm, text), text).toBe(false)
  })
})

test('a large part moves a CRC on as far as its bytes do', () => {
  const zeros = Buffer.alloc(5 << 20)
  for (const algorithm of ['CRC32', 'CRC32C', 'CRC64NVME'] as const) {
    const parts = [Buffer.from('first'), zeros, Buffer.from('last')]
    const sums = parts.map(bytes => ({ value: of(algorithm, bytes), length: bytes.length }))
    expect(combineChecksums(algorithm, sums)).toBe(of(algorithm, ...parts))
  }
})

describe('what headers say', () => {
  const CRC32 = ['x-amz-checksum-crc32', 'AAAAAA==']
  test.each<[string[], BodyChecksum | undefined]>([
    [[], undefined],
    [
      ['x-amz-checksum-mode', 'ENABLED', 'x-amz-checksum-algorithm', 'CRC32', 'x-amz-checksum-type', 'COMPOSITE'],
      undefined,
    ],
    [CRC32, { algorithm: 'CRC32', value: 'AAAAAA==' }],
    [[...CRC32, 'x-amz-sdk-checksum-algorithm', 'crc32'], { algorithm: 'CRC32', value: 'AAAAAA==' }],
    [['x-amz-trailer', ' X-Amz-Checksum-CRC64NVME '], { algorithm: 'CRC64NVME', value: undefined }],
    [['x-amz-trailer', 'x-amz-other,x-amz-checksum-sha1'], { algorithm: 'SHA1', value: undefined }],
    [['x-amz-trailer', 'x-amz-checksum-sha512', 'x-amz-sdk-checksum-algorithm', 'SHA512'], undefined],
    [['x-amz-checksum-xxhash3', 'x', 'x-amz-sdk-checksum-algorithm', 'XXHASH3'], undefined],
  ])('%j', (headers, expected) => {
    expect(readBodyChecksum(headers)).toEqual(expected)
  })

  test.each([
    [[...CRC32, 'x-amz-checksum-sha1', of('SHA1', Buffer.alloc(0))]],
    [[...CRC32, ...CRC32]],
    [[...CRC32, 'x-amz-trailer', 'x-amz-checksum-crc32c']],
    [['x-amz-trailer', 'x-amz-checksum-crc32,x-amz-checksum-crc32']],
    [['x-amz-checksum-crc32', 'AAAAAA']],
    [['x-amz-checksum-crc32', 'AAAAAAA=']],
    [['x-amz-checksum-crc32', 'AAAAAA==-2']],
    [['x-amz-checksum-crc32', '']],
    [['x-amz-sdk-checksum-algorithm', 'CRC32']],
    [[...CRC32, 'x-amz-sdk-checksum-algorithm', 'SHA256']],
  ])('%j is refused', headers => {
    expect(() => readBodyChecksum(headers)).toThrow(expect.objectContaining({ code: 'InvalidRequest' }))
  })

  test('Content-MD5', () => {
    expect(readContentMd5([])).toBeUndefined()
    expect(readContentMd5(['content-md5', '1B2M2Y8AsgTpgAmY7PhCfg=='])).toBe('1B2M2Y8AsgTpgAmY7PhCfg==')
    for (const wrong of ['', 'x', '1B2M2Y8AsgTpgAmY7PhCfg', 'd41d8cd98f00b204e9800998ecf8427e']) {
      expect(() => readContentMd5(['content-md5', wrong])).toThrow(expect.objectContaining({ code: 'InvalidDigest' }))
    }
  })
})
