/** Where S3 names checksums: in headers, trailers and XML. */
import type { ChecksumAlgorithm } from '../checksum-algorithm.ts'
import { S3Error } from '../errors.ts'
import { valueIn } from '../pairs.ts'

interface ChecksumFacts {
  /** Of the header or trailer, in lower case. */
  readonly header: string
  /** Of the element in XML. */
  readonly element: string
  /** Of the checksum itself. */
  readonly bytes: number
  /** How the checksum of an object in parts comes about, the usual way first. */
  readonly types: readonly ('COMPOSITE' | 'FULL_OBJECT')[]
}

export const CHECKSUMS: Readonly<Record<ChecksumAlgorithm, ChecksumFacts>> = {
  CRC32: {
    header: 'x-amz-checksum-crc32',
    element: 'ChecksumCRC32',
    bytes: 4,
    types: ['COMPOSITE', 'FULL_OBJECT'],
  },
  CRC32C: {
    header: 'x-amz-checksum-crc32c',
    element: 'ChecksumCRC32C',
    bytes: 4,
    types: ['COMPOSITE', 'FULL_OBJECT'],
  },
  CRC64NVME: {
    header: 'x-amz-checksum-crc64nvme',
    element: 'ChecksumCRC64NVME',
    bytes: 8,
    types: ['FULL_OBJECT'],
  },
  SHA1: { header: 'x-amz-checksum-sha1', element: 'ChecksumSHA1', bytes: 20, types: ['COMPOSITE'] },
  SHA256: { header: 'x-amz-checksum-sha256', element: 'ChecksumSHA256', bytes: 32, types: ['COMPOSITE'] },
}

const BY_HEADER = new Map(
  Object.entries(CHECKSUMS).map(([algorithm, { header }]) => [header, algorithm as ChecksumAlgorithm]),
)

/** Of a header or trailer by its name in lower case; undefined for others, also those of later algorithms. */
export function checksumOfHeader(name: string): ChecksumAlgorithm | undefined {
  return BY_HEADER.get(name)
}

/** Whether a value in base64 can be one of the algorithm. */
export function isChecksumValue(algorithm: ChecksumAlgorithm, value: string): boolean {
  return isBase64(value, CHECKSUMS[algorithm].bytes)
}

/** Exactly so many bytes, and spelt as nobody else would spell others. */
function isBase64(text: string, bytes: number): boolean {
  const decoded = Buffer.from(text, 'base64')
  return decoded.length === bytes && decoded.toString('base64') === text
}

/** A checksum that the sender of a body has made. */
export interface BodyChecksum {
  readonly algorithm: ChecksumAlgorithm
  /** Base64; undefined when a trailer brings it. */
  readonly value: string | undefined
}

/**
 * What the headers of a request say of its body's checksum; undefined when nothing. Not for CompleteMultipartUpload,
 * where they speak of the object. Throws InvalidRequest for what contradicts itself.
 */
export function readBodyChecksum(headers: readonly string[]): BodyChecksum | undefined {
  let found: BodyChecksum | undefined
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!
    if (!name.startsWith('x-amz-')) continue
    const trailers = name === 'x-amz-trailer' ? headers[at + 1]!.toLowerCase().split(',') : undefined
    for (const header of trailers ?? [name]) {
      const algorithm = BY_HEADER.get(header.trim())
      if (algorithm === undefined) continue
      if (found !== undefined) {
        throw new S3Error(
          'InvalidRequest',
          'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
        )
      }
      const value = trailers === undefined ? headers[at + 1]! : undefined
      if (value !== undefined && !isChecksumValue(algorithm, value)) {
        throw new S3Error('InvalidRequest', `Value for ${header} header is invalid.`)
      }
      found = { algorithm, value }
    }
  }
  checkAnnounced(valueIn(headers, 'x-amz-sdk-checksum-algorithm'), found, headers)
  return found
}

/** What an SDK says it does must be done; of algorithms of later years we know too little to say. */
function checkAnnounced(name: string | undefined, found: BodyChecksum | undefined, headers: readonly string[]): void {
  const algorithm = name?.toUpperCase() as ChecksumAlgorithm | undefined
  if (algorithm === undefined || !Object.hasOwn(CHECKSUMS, algorithm)) return
  if (found === undefined && headers.every((header, at) => at % 2 === 1 || !OTHER_CHECKSUM.test(header))) {
    throw new S3Error(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    )
  }
  if (found !== undefined && found.algorithm !== algorithm) {
    throw new S3Error('InvalidRequest', 'Value for x-amz-sdk-checksum-algorithm header is invalid.')
  }
}

const OTHER_CHECKSUM = /^x-amz-(trailer|checksum-(?!algorithm$|type$|mode$))/

/** The MD5 that a body should have, in base64; undefined without one. Throws InvalidDigest for what is none. */
export function readContentMd5(headers: readonly string[]): string | undefined {
  const value = valueIn(headers, 'content-md5')
  if (value === undefined || isBase64(value, 16)) return value
  throw new S3Error('InvalidDigest', undefined, { 'Content-MD5': value })
}
