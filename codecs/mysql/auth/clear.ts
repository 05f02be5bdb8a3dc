/**
 * mysql_clear_password: the password and a NUL, as they are; under TLS only. Tokens of clouds travel like this.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_authentication_methods_clear_text_password.html
 */
import { malformed } from '../reader.ts'

export const CLEAR_PASSWORD = 'mysql_clear_password'

export function clearPassword(password: string): Buffer {
  return Buffer.from(`${password}\0`)
}

/** A view of the password. Throws ProtocolError when the NUL is not the last byte. */
export function readClearPassword(bytes: Uint8Array): Buffer {
  if (bytes.indexOf(0) !== bytes.length - 1 || bytes.length === 0)
    throw malformed('a password that does not end with NUL')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length - 1)
}
