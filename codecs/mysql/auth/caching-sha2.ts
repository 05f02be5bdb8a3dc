/**
 * caching_sha2_password: a proof while the server's cache knows the password (fast), otherwise the password itself (full),
 * under TLS or encrypted with the server's RSA key.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html
 *
 *     proof = SHA256(password) xor SHA256(SHA256(SHA256(password)) ‖ scramble)
 */
import { equal, hash, xor } from './digests.ts'

export const CACHING_SHA2_PASSWORD = 'caching_sha2_password'

/** AuthMoreData of the server: the proof is right and OK follows; or the password is wanted. */
export const CACHING_SHA2_FAST_OK = 3
export const CACHING_SHA2_FULL = 4
/** What a client sends to be told the server's public key. */
export const CACHING_SHA2_REQUEST_KEY = 2

/** A NUL for an empty password. */
export function cachingSha2Proof(password: string | Uint8Array, scramble: Uint8Array): Buffer {
  if (password.length === 0) return Buffer.alloc(1)
  const once = hash('sha256', password)
  return xor(once, hash('sha256', hash('sha256', once), scramble))
}

/** What a server's cache holds, and what `checkCachingSha2` takes. */
export function cachingSha2Hash(password: string | Uint8Array): Buffer {
  return hash('sha256', hash('sha256', password))
}

/** Whether the proof is one of a password with this hash; takes the same time for every proof of 32 bytes. */
export function checkCachingSha2(proof: Uint8Array, scramble: Uint8Array, stored: Uint8Array): boolean {
  if (proof.length !== stored.length) return false
  return equal(hash('sha256', xor(proof, hash('sha256', stored, scramble))), stored)
}
