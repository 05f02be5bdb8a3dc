/**
 * The CRC of bytes one after the other, from the CRC of each and their lengths: appending n zero bytes to a message is
 * multiplying its CRC by x^8n modulo the polynomial. All the CRCs of S3 are reflected: the highest power is the lowest bit.
 */
import type { ChecksumAlgorithm } from '../../../../codecs/s3/index.ts'

/** Reflected, without the highest power. */
const POLYNOMIALS: Partial<Record<ChecksumAlgorithm, { readonly bits: bigint; readonly polynomial: bigint }>> = {
  CRC32: { bits: 32n, polynomial: 0xedb88320n },
  CRC32C: { bits: 32n, polynomial: 0x82f63b78n },
  CRC64NVME: { bits: 64n, polynomial: 0x9a6c9329ac4bc9b5n },
}

/** Each CRC as its bytes, the highest first. */
export function combineCrcs(
  algorithm: ChecksumAlgorithm,
  pieces: readonly { readonly size: number; readonly crc: Buffer }[],
): Buffer {
  const facts = POLYNOMIALS[algorithm]
  if (!facts) throw new Error(`${algorithm} is no CRC`)
  const { bits, polynomial } = facts
  const one = 1n << (bits - 1n)
  const multiply = (a: bigint, b: bigint): bigint => {
    let product = 0n
    let shifted = b
    for (let bit = one; bit !== 0n; bit >>= 1n) {
      if (a & bit) product ^= shifted
      shifted = shifted & 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n
    }
    return product
  }
  // x^8, x^16, x^32 ...: what one, two, four ... zero bytes do.
  const powers = [one >> 8n]
  const afterZeros = (count: number): bigint => {
    let factor = one
    let rest = count
    for (let i = 0; rest > 0; i++) {
      if (powers[i] === undefined) powers.push(multiply(powers[i - 1]!, powers[i - 1]!))
      if (rest % 2 === 1) factor = multiply(factor, powers[i]!)
      rest = Math.floor(rest / 2)
    }
    return factor
  }
  // Most parts have one size.
  const factors = new Map<number, bigint>()
  let combined = 0n
  for (const { size, crc } of pieces) {
    let factor = factors.get(size)
    if (factor === undefined) factors.set(size, (factor = afterZeros(size)))
    combined = multiply(factor, combined) ^ BigInt(`0x${crc.toString('hex')}`)
  }
  return Buffer.from(combined.toString(16).padStart(Number(bits) / 4, '0'), 'hex')
}
