/**
 * MariaDB's parsec (11.6 and later): the client signs both sides' scrambles with a key that is derived from the password.
 * https://mariadb.com/docs/server/reference/plugins/authentication-plugins/authentication-plugin-parsec
 *
 *     server   AuthSwitchRequest with a scramble of 32 bytes
 *     client   an empty packet
 *     server   AuthMoreData: 'P' | log2(iterations) - 10: 1 | salt
 *     client   its own scramble: 32 | signature of the server's scramble ‖ its own: 64
 */
import { createPrivateKey, createPublicKey, type KeyObject, pbkdf2, randomBytes, sign } from 'node:crypto'
import { ProtocolError } from '../../codec.ts'
import { malformed } from '../reader.ts'

export const PARSEC = 'parsec'
export const PARSEC_SCRAMBLE_BYTES = 32

const PBKDF2 = 0x50
/** A million iterations, most of a second: servers allow a thousand times as many, to which nobody could log in. */
const MAX_FACTOR = 10
const SEED_BYTES = 32
/** PKCS #8 around the seed of an Ed25519 key (RFC 8410, section 7). */
const KEY_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** What answers the server's `extSalt`. Rejects with ProtocolError when that asks for something else or too much. */
export async function parsecProof(password: string, scramble: Uint8Array, extSalt: Uint8Array): Promise<Buffer> {
  const key = await derive(password, extSalt)
  const own = randomBytes(PARSEC_SCRAMBLE_BYTES)
  return Buffer.concat([own, sign(null, Buffer.concat([scramble, own]), key)])
}

/** The public key of 32 bytes: what a server stores beside `extSalt`. */
export async function parsecHash(password: string, extSalt: Uint8Array): Promise<Buffer> {
  const { x } = createPublicKey(await derive(password, extSalt)).export({ format: 'jwk' })
  return Buffer.from(x!, 'base64url')
}

/** In a thread of its own: servers choose how long it takes. */
async function derive(password: string, extSalt: Uint8Array): Promise<KeyObject> {
  const [algorithm, factor] = extSalt
  if (algorithm !== PBKDF2 || factor === undefined) throw malformed('a salt that is not for PBKDF2')
  if (factor > MAX_FACTOR) {
    throw new ProtocolError('auth-plugin', `the server asks for 2^${factor + 10} iterations to derive a key`)
  }
  const seed = await new Promise<Buffer>((resolve, reject) => {
    const done = (error: Error | null, bytes: Buffer) => (error ? reject(error) : resolve(bytes))
    pbkdf2(password, extSalt.subarray(2), 1024 << factor, SEED_BYTES, 'sha512', done)
  })
  return createPrivateKey({ key: Buffer.concat([KEY_PREFIX, seed]), format: 'der', type: 'pkcs8' })
}
