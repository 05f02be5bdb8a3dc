/** What the proofs are made of. */
import { createHash, timingSafeEqual } from 'node:crypto'

/** The parts one behind the other; strings as UTF-8. */
export function hash(algorithm: 'sha1' | 'sha256' | 'sha512', ...parts: readonly (string | Uint8Array)[]): Buffer {
  const digest = createHash(algorithm)
  for (const part of parts) digest.update(part)
  return digest.digest()
}

/** As long as a; b is repeated. */
export function xor(a: Uint8Array, b: Uint8Array): Buffer {
  const result = Buffer.from(a)
  for (let i = 0; i < result.length; i++) result[i]! ^= b[i % b.length]!
  return result
}

/** In a time that tells nothing but whether the lengths are equal. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
