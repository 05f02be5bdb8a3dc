/**
 * How caching_sha2_password and sha256_password send a password without TLS: RSA with OAEP (SHA-1) over the password and a
 * NUL, xor the scramble.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html
 */
import { constants, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto'
import { malformed } from '../reader.ts'
import { clearPassword, readClearPassword } from './clear.ts'
import { xor } from './digests.ts'

// A function: the start must not load node:crypto for it.
const padding = () => ({ padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' })

/** `publicKey` in PEM form. Throws ProtocolError when that is no key or the password too long for it. */
export function encryptPassword(password: string, scramble: Uint8Array, publicKey: string | Uint8Array): Buffer {
  try {
    return publicEncrypt({ key: Buffer.from(publicKey), ...padding() }, xor(clearPassword(password), scramble))
  } catch {
    throw malformed("the server's public key cannot encrypt the password")
  }
}

/** Throws ProtocolError when the bytes were encrypted for another key or scramble, or not at all. */
export function decryptPassword(cipher: Uint8Array, scramble: Uint8Array, privateKey: KeyObject): Buffer {
  let plain: Buffer
  try {
    plain = privateDecrypt({ key: privateKey, ...padding() }, cipher)
  } catch {
    throw malformed('the password is not encrypted with our public key')
  }
  return readClearPassword(xor(plain, scramble))
}
