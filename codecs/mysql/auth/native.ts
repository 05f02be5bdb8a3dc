/**
 * mysql_native_password: the client proves that it knows SHA1(password), the server stores SHA1(SHA1(password)).
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_authentication_methods_native_password_authentication.html
 *
 *     proof = SHA1(password) xor SHA1(scramble ‖ SHA1(SHA1(password)))
 */
import { equal, hash, xor } from './digests.ts'

export const NATIVE_PASSWORD = 'mysql_native_password'

/** Empty for an empty password. */
export function nativeProof(password: string | Uint8Array, scramble: Uint8Array): Buffer {
  if (password.length === 0) return Buffer.alloc(0)
  const once = hash('sha1', password)
  return xor(once, hash('sha1', scramble, hash('sha1', once)))
}

/** What a server stores, and what `checkNative` and `certificateProof` take. */
export function nativeHash(password: string | Uint8Array): Buffer {
  return hash('sha1', hash('sha1', password))
}

/** Whether the proof is one of a password with this hash; takes the same time for every proof of 20 bytes. */
export function checkNative(proof: Uint8Array, scramble: Uint8Array, stored: Uint8Array): boolean {
  if (proof.length !== stored.length) return false
  return equal(hash('sha1', xor(proof, hash('sha1', scramble, stored))), stored)
}
