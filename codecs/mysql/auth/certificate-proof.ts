/**
 * How a server with a certificate that nobody signed shows a client of MariaDB 11.4 or later that it knows the password and
 * that nobody sits in between: the info of the login's OK packet. Such clients verify certificates without being told.
 * https://mariadb.com/docs/server/security/encryption/data-in-transit-encryption/zero-configuration-tls
 *
 *     01 | hexadecimal SHA256(stored hash ‖ scramble ‖ SHA256 of the certificate in DER form)
 */
import { hash } from './digests.ts'

const SHA256 = 1

/**
 * `stored` is `nativeHash` or `ed25519Hash`, whichever plugin the client used (it takes no others); `scramble` the one that
 * the client's proof answered; `fingerprint` as Node gives it: pairs of hexadecimal digits, with or without colons.
 */
export function certificateProof(stored: Uint8Array, scramble: Uint8Array, fingerprint: string): Buffer {
  const digest = hash('sha256', stored, scramble, Buffer.from(fingerprint.replaceAll(':', ''), 'hex'))
  return Buffer.concat([Buffer.of(SHA256), Buffer.from(digest.toString('hex').toUpperCase())])
}
