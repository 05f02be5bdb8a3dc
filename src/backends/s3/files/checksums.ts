/** The digests that a request says its body has, and what the body has indeed. */
import { createHash, type Hash } from 'node:crypto'
import {
  type BodyChecksum,
  CHECKSUMS,
  type Checksum,
  type ChecksumAlgorithm,
  combineChecksums,
  compositeChecksum,
  createChecksum,
  readBodyChecksum,
  readContentMd5,
  S3Error,
  valueIn,
} from '../../../../codecs/s3/index.ts'
import type { StoreRequest } from '../store.ts'
import type { PartRecord, StoredChecksum } from './record.ts'

export const ALGORITHMS = Object.keys(CHECKSUMS) as ChecksumAlgorithm[]

/** Which checksum the request says its body has. */
export function bodyChecksum({ headers, body }: StoreRequest): BodyChecksum | undefined {
  return body.trailer === undefined ? readBodyChecksum(headers) : { algorithm: body.trailer, value: undefined }
}

/** Computes all that is to be compared or kept while a body passes by. */
export class Digests {
  readonly #md5 = createHash('md5')
  readonly #expectedMd5: string | undefined
  readonly #sha256: Hash | undefined
  readonly #expectedSha256: string | undefined
  readonly #checksum: Checksum | undefined
  readonly #expectedChecksum: string | undefined

  /** Throws an S3Error for digests that are none. */
  constructor(request: StoreRequest, checksum: BodyChecksum | undefined) {
    this.#expectedMd5 = readContentMd5(request.headers)
    this.#expectedSha256 = request.body.sha256
    if (this.#expectedSha256 !== undefined) this.#sha256 = createHash('sha256')
    this.#checksum = checksum && createChecksum(checksum.algorithm)
    this.#expectedChecksum = checksum?.value
  }

  update(bytes: Buffer): void {
    this.#md5.update(bytes)
    this.#sha256?.update(bytes)
    this.#checksum?.update(bytes)
  }

  /** What is kept of the body. Throws an S3Error when it is not what the request has said. */
  finish(trailer: string | undefined): { etag: string; checksum: StoredChecksum | undefined } {
    const md5 = this.#md5.digest()
    if (this.#expectedMd5 !== undefined && md5.toString('base64') !== this.#expectedMd5) {
      throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.')
    }
    const sha256 = this.#sha256?.digest('hex')
    if (sha256 !== this.#expectedSha256) {
      throw new S3Error('XAmzContentSHA256Mismatch', undefined, {
        ClientComputedContentSHA256: this.#expectedSha256 ?? '',
        S3ComputedContentSHA256: sha256 ?? '',
      })
    }
    const etag = md5.toString('hex')
    if (!this.#checksum) return { etag, checksum: undefined }
    const { algorithm } = this.#checksum
    const value = this.#checksum.base64()
    const expected = this.#expectedChecksum ?? trailer
    if (expected !== undefined && value !== expected) throw notMatching(algorithm)
    return { etag, checksum: { algorithm, value, type: 'FULL_OBJECT' } }
  }
}

export function notMatching(algorithm: ChecksumAlgorithm): S3Error {
  return new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`)
}

/** Of an object, from those that all of its parts have. */
export function checksumOfParts(
  algorithm: ChecksumAlgorithm,
  type: StoredChecksum['type'],
  parts: readonly PartRecord[],
): StoredChecksum | undefined {
  const sums = parts.map(({ size, checksum }) => ({ value: checksum!.value, length: size }))
  const values = sums.map(sum => sum.value)
  const value = type === 'COMPOSITE' ? compositeChecksum(algorithm, values) : combineChecksums(algorithm, sums)
  return value === undefined ? undefined : { algorithm, value, type }
}

/** The headers that tell a checksum. */
export function checksumFields(checksum: StoredChecksum | undefined): string[] {
  if (!checksum) return []
  return [CHECKSUMS[checksum.algorithm].header, checksum.value, 'x-amz-checksum-type', checksum.type]
}

/** The algorithm that a header names; undefined without one. */
export function requestedAlgorithm(headers: readonly string[], header: string): ChecksumAlgorithm | undefined {
  const name = valueIn(headers, header)?.toUpperCase()
  const algorithm = ALGORITHMS.find(known => known === name)
  if (name === undefined || algorithm) return algorithm
  throw new S3Error('InvalidRequest', 'Checksum algorithm provided is unsupported.')
}
