/**
 * MariaDB's client_ed25519: the client signs the scramble of 32 bytes. The key is derived from SHA512(password) where
 * RFC 8032 has SHA512(seed of 32 bytes), so that Node can check a signature but not make one: the curve is here.
 * https://mariadb.com/docs/server/reference/plugins/authentication-plugins/authentication-plugin-ed25519
 * https://www.rfc-editor.org/rfc/rfc8032
 */
import { createPublicKey, verify } from 'node:crypto'
import { hash } from './digests.ts'

export const ED25519 = 'client_ed25519'
export const ED25519_SCRAMBLE_BYTES = 32

/** A signature of 64 bytes; takes some milliseconds. */
export function ed25519Proof(password: string | Uint8Array, scramble: Uint8Array): Buffer {
  const { scalar, prefix } = secretOf(password)
  const publicKey = encodePoint(multiplyBase(scalar))
  const nonce = toInteger(hash('sha512', prefix, scramble)) % ORDER
  const commitment = encodePoint(multiplyBase(nonce))
  const challenge = toInteger(hash('sha512', commitment, publicKey, scramble)) % ORDER
  return Buffer.concat([commitment, toBytes((nonce + challenge * scalar) % ORDER)])
}

/** The public key of 32 bytes: what a server stores, and what `checkEd25519` and `certificateProof` take. */
export function ed25519Hash(password: string | Uint8Array): Buffer {
  return encodePoint(multiplyBase(secretOf(password).scalar))
}

/** Whether the signature is one of a password with this public key. */
export function checkEd25519(proof: Uint8Array, scramble: Uint8Array, stored: Uint8Array): boolean {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(stored).toString('base64url') }
  return verify(null, scramble, createPublicKey({ key: jwk, format: 'jwk' }), proof)
}

function secretOf(password: string | Uint8Array): { scalar: bigint; prefix: Buffer } {
  const digest = hash('sha512', password)
  digest[0]! &= 0xf8
  digest[31] = (digest[31]! & 0x3f) | 0x40
  return { scalar: toInteger(digest.subarray(0, 32)), prefix: digest.subarray(32) }
}

/** The curve -x² + y² = 1 + d x² y² over the integers modulo PRIME; ORDER is that of its base point. */
const PRIME = 2n ** 255n - 19n
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
const D = modulo(-121665n * inverse(121666n))

/** In extended coordinates: x = X/Z, y = Y/Z, T = XY/Z. */
type Point = readonly [X: bigint, Y: bigint, Z: bigint, T: bigint]

const BASE_Y = modulo(4n * inverse(5n))
const BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202n
const BASE: Point = [BASE_X, BASE_Y, 1n, modulo(BASE_X * BASE_Y)]
const NEUTRAL: Point = [0n, 1n, 1n, 0n]

/** RFC 8032, section 5.1.4; serves for doubling too. */
function add([x1, y1, z1, t1]: Point, [x2, y2, z2, t2]: Point): Point {
  const a = modulo((y1 - x1) * (y2 - x2))
  const b = modulo((y1 + x1) * (y2 + x2))
  const c = modulo(2n * t1 * t2 * D)
  const d = modulo(2n * z1 * z2)
  const [e, f, g, h] = [b - a, d - c, d + c, b + a]
  return [modulo(e * f), modulo(g * h), modulo(f * g), modulo(e * h)]
}

function multiplyBase(scalar: bigint): Point {
  let result = NEUTRAL
  let power = BASE
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = add(result, power)
    power = add(power, power)
  }
  return result
}

function encodePoint([x, y, z]: Point): Buffer {
  const inverseZ = inverse(z)
  const bytes = toBytes(modulo(y * inverseZ))
  if ((modulo(x * inverseZ) & 1n) === 1n) bytes[31]! |= 0x80
  return bytes
}

function modulo(value: bigint): bigint {
  const rest = value % PRIME
  return rest < 0n ? rest + PRIME : rest
}

/** By Fermat: value to the power of PRIME - 2. */
function inverse(value: bigint): bigint {
  let result = 1n
  let power = modulo(value)
  for (let rest = PRIME - 2n; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = modulo(result * power)
    power = modulo(power * power)
  }
  return result
}

const toInteger = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)

const toBytes = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse()
