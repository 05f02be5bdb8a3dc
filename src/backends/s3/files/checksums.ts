/** The digests that a request says its body has, and what the body has indeed. */
import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type ChecksumAlgorithm, S3Error, valueIn } from '../../../../codecs/s3/index.ts'
import type { StoreRequest } from '../store.ts'
import { combineCrcs } from './crc-combine.ts'
import type { PartRecord, StoredChecksum } from './record.ts'

/** What this store computes. */
export const SUPPORTED: ReadonlySet<ChecksumAlgorithm> = new Set<ChecksumAlgorithm>(['CRC32', 'SHA1', 'SHA256'])

const DIGEST_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
}
export const ALGORITHMS = Object.keys(DIGEST_BYTES) as ChecksumAlgorithm[]

/** The header that carries it. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`
}

/** The element of the API that carries it. */
export function checksumElement(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm}`
}

interface Running {
  update(bytes: Buffer): void
  /** Base64. */
  digest(): string
}

class Crc32 implements Running {
  #value = 0

  update(bytes: Buffer): void {
    this.#value = crc32(bytes, this.#value)
  }

  digest(): string {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(this.#value)
    return bytes.toString('base64')
  }
}

class Hashed implements Running {
  readonly #hash: Hash

  constructor(name: string) {
    this.#hash = createHash(name)
  }

  update(bytes: Buffer): void {
    this.#hash.update(bytes)
  }

  digest(): string {
    return this.#hash.digest('base64')
  }
}

/** A checksum of bytes to come. */
export function runningChecksum(algorithm: ChecksumAlgorithm): Running {
  return algorithm === 'CRC32' ? new Crc32() : new Hashed(algorithm.toLowerCase())
}

/** Computes all that is to be compared or kept while a body passes by. */
export class Digests {
  readonly #md5 = createHash('md5')
  readonly #sha256: Hash | undefined
  readonly #checksum: Running | undefined
  readonly #algorithm: ChecksumAlgorithm | undefined
  readonly #expected: {
    readonly md5: string | undefined
    readonly sha256: string | undefined
    readonly checksum: string | undefined
  }

  /** Throws an S3Error for digests that are none. `wanted` is an algorithm to compute without a value to compare. */
  constructor(request: StoreRequest, wanted?: ChecksumAlgorithm) {
    const md5 = valueIn(request.headers, 'content-md5')
    if (md5 !== undefined && !isDigest(md5, 16)) throw new S3Error('InvalidDigest')
    const announced = announcedChecksum(request)
    const { trailer } = request.body
    this.#algorithm = announced?.algorithm ?? (trailer && SUPPORTED.has(trailer) ? trailer : wanted)
    this.#expected = { md5, sha256: request.body.sha256, checksum: announced?.value }
    this.#checksum = this.#algorithm && runningChecksum(this.#algorithm)
    if (request.body.sha256 !== undefined) this.#sha256 = createHash('sha256')
  }

  update(bytes: Buffer): void {
    this.#md5.update(bytes)
    this.#sha256?.update(bytes)
    this.#checksum?.update(bytes)
  }

  /** What is kept of the body. Throws an S3Error when it is not what the request has said. */
  finish(trailer: string | undefined): { etag: string; checksum: StoredChecksum | undefined } {
    const md5 = this.#md5.digest()
    const { md5: expectedMd5, sha256, checksum: inHeader } = this.#expected
    if (expectedMd5 !== undefined && md5.toString('base64') !== expectedMd5) {
      throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.')
    }
    const actual = this.#sha256?.digest('hex')
    if (sha256 !== undefined && actual !== sha256) {
      throw new S3Error('XAmzContentSHA256Mismatch', undefined, {
        ClientComputedContentSHA256: sha256,
        S3ComputedContentSHA256: actual!,
      })
    }
    const value = this.#checksum?.digest()
    const expected = inHeader ?? trailer
    if (expected !== undefined && value !== undefined && value !== expected) {
      throw new S3Error('BadDigest', `The ${this.#algorithm} you specified did not match the calculated checksum.`)
    }
    const checksum = value && { algorithm: this.#algorithm!, value, type: 'FULL_OBJECT' as const }
    return { etag: md5.toString('hex'), checksum: checksum || undefined }
  }
}

/** The checksum of the body that a header has. */
function announcedChecksum(request: StoreRequest): { algorithm: ChecksumAlgorithm; value: string } | undefined {
  const { headers } = request
  let found: { algorithm: ChecksumAlgorithm; value: string } | undefined
  for (const algorithm of ALGORITHMS) {
    const value = valueIn(headers, checksumHeader(algorithm))
    if (value === undefined) continue
    if (found)
      throw new S3Error(
        'InvalidRequest',
        'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
      )
    if (!isDigest(value, DIGEST_BYTES[algorithm])) {
      throw new S3Error('InvalidRequest', `Value for ${checksumHeader(algorithm)} header is invalid.`)
    }
    // The listener has compared those that the store does not have.
    if (SUPPORTED.has(algorithm)) found = { algorithm, value }
  }
  const named = valueIn(headers, 'x-amz-sdk-checksum-algorithm')?.toUpperCase()
  if (found && named !== undefined && named !== found.algorithm) {
    throw new S3Error('InvalidRequest', 'Value for x-amz-sdk-checksum-algorithm header is invalid.')
  }
  return found
}

/** Whether it is the base64 of so many bytes. */
export function isDigest(value: string, bytes: number): boolean {
  const decoded = Buffer.from(value, 'base64')
  return decoded.length === bytes && decoded.toString('base64') === value
}

/** Of the parts of an upload together: the checksum of their checksums, and how many they are. */
export function compositeOf(algorithm: ChecksumAlgorithm, parts: readonly PartRecord[]): StoredChecksum {
  const checksum = runningChecksum(algorithm)
  for (const part of parts) checksum.update(Buffer.from(part.checksum!.value, 'base64'))
  return { algorithm, value: `${checksum.digest()}-${parts.length}`, type: 'COMPOSITE' }
}

/** Of the bytes of all parts, without reading them again. */
export function fullObjectOf(algorithm: ChecksumAlgorithm, parts: readonly PartRecord[]): StoredChecksum {
  const sums = parts.map(({ size, checksum }) => ({ size, crc: Buffer.from(checksum!.value, 'base64') }))
  return { algorithm, value: combineCrcs(algorithm, sums).toString('base64'), type: 'FULL_OBJECT' }
}

/** The headers that tell a checksum. */
export function checksumFields(checksum: StoredChecksum | undefined): string[] {
  if (!checksum) return []
  return [checksumHeader(checksum.algorithm), checksum.value, 'x-amz-checksum-type', checksum.type]
}

/** The algorithm that a header names; undefined without one, and for one that the store does not have. */
export function requestedAlgorithm(headers: readonly string[], header: string): ChecksumAlgorithm | undefined {
  const name = valueIn(headers, header)?.toUpperCase()
  if (name === undefined) return undefined
  const algorithm = ALGORITHMS.find(known => known === name)
  if (!algorithm) throw new S3Error('InvalidRequest', 'Checksum algorithm provided is unsupported.')
  return SUPPORTED.has(algorithm) ? algorithm : undefined
}
