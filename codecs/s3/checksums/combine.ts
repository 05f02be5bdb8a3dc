/**
 * The checksum of an object made of parts, from theirs. Of a CRC it is that of all the bytes: the CRC of what comes first
 * is moved on, by multiplication with a power of x, over as many zero bits as the rest has (zlib's crc32_combine).
 */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { ChecksumAlgorithm } from '../checksum-algorithm.ts'
import { CRC32C_POLYNOMIAL, crc32c } from './crc32c.ts'
import { CRC64NVME_POLYNOMIAL } from './crc64nvme.ts'

export interface PartChecksum {
  /** Base64. */
  readonly value: string
  /** Of the part, in bytes. */
  readonly length: number
}

const CRCS: Partial<Record<ChecksumAlgorithm, { width: bigint; polynomial: bigint }>> = {
  CRC32: { width: 32n, polynomial: 0xedb88320n },
  CRC32C: { width: 32n, polynomial: BigInt(CRC32C_POLYNOMIAL) },
  CRC64NVME: { width: 64n, polynomial: CRC64NVME_POLYNOMIAL },
}

/** Of type FULL_OBJECT, in base64; undefined for an algorithm that has none. */
export function combineChecksums(algorithm: ChecksumAlgorithm, parts: readonly PartChecksum[]): string | undefined {
  const crc = CRCS[algorithm]
  if (crc === undefined) return undefined
  const field = new Field(crc.width, crc.polynomial)
  let whole = 0n
  for (const { value, length } of parts) {
    const part = BigInt(`0x${Buffer.from(value, 'base64').toString('hex') || '0'}`)
    whole = field.multiply(field.powerOfX(8n * BigInt(length)), whole) ^ part
  }
  return Buffer.from(whole.toString(16).padStart(Number(crc.width / 4n), '0'), 'hex').toString('base64')
}

/** Of type COMPOSITE: that of the parts' checksums one after the other, and their number. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, values: readonly string[]): string | undefined {
  const bytes = Buffer.concat(values.map(value => Buffer.from(value, 'base64')))
  const digest = compositeDigest(algorithm, bytes)
  return digest && `${digest.toString('base64')}-${values.length}`
}

function compositeDigest(algorithm: ChecksumAlgorithm, bytes: Buffer): Buffer | undefined {
  if (algorithm === 'SHA1' || algorithm === 'SHA256') return createHash(algorithm).update(bytes).digest()
  if (algorithm === 'CRC64NVME') return undefined
  const digest = Buffer.allocUnsafe(4)
  digest.writeUInt32BE(algorithm === 'CRC32' ? crc32(bytes) : crc32c(bytes, 0))
  return digest
}

/** Polynomials modulo that of a CRC, the highest bit being the coefficient of x to the power of 0. */
class Field {
  readonly #polynomial: bigint
  readonly #one: bigint
  /** x to the power of 1, 2, 4 .... */
  readonly #squares: bigint[]
  /** Most parts are of one length. */
  #lastExponent = 0n
  #lastPower: bigint

  constructor(width: bigint, polynomial: bigint) {
    this.#polynomial = polynomial
    this.#one = 1n << (width - 1n)
    this.#squares = [this.#one >> 1n]
    this.#lastPower = this.#one
  }

  multiply(one: bigint, other: bigint): bigint {
    let product = 0n
    for (let bit = this.#one, shifted = other; bit > 0n; bit >>= 1n) {
      if (one & bit) product ^= shifted
      shifted = shifted & 1n ? (shifted >> 1n) ^ this.#polynomial : shifted >> 1n
    }
    return product
  }

  powerOfX(exponent: bigint): bigint {
    if (exponent === this.#lastExponent) return this.#lastPower
    let power = this.#one
    let rest = exponent
    for (let i = 0; rest > 0n; i++, rest >>= 1n) {
      this.#squares[i] ??= this.multiply(this.#squares[i - 1]!, this.#squares[i - 1]!)
      if (rest & 1n) power = this.multiply(power, this.#squares[i]!)
    }
    this.#lastExponent = exponent
    return (this.#lastPower = power)
  }
}
