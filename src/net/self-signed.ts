/**
 * A certificate that nobody else has signed, made when it is needed. Node makes keys and
 * signatures but no certificates: the little of DER that one needs is here. (RFC 5280)
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'

export interface Certificate {
  /** Both in PEM form. */
  readonly cert: string
  readonly key: string
}

const DAY_MS = 86_400_000
const VALID_DAYS = 3650

/** For these host names and addresses, of which the first becomes the common name; valid from yesterday, as clocks differ. */
export function selfSigned(names: readonly string[], now: Date): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(set(sequence(COMMON_NAME, tagged(UTF8_STRING, Buffer.from(names[0]!)))))
  const validity = sequence(time(now.getTime() - DAY_MS), time(now.getTime() + VALID_DAYS * DAY_MS))
  // 127 bits, so that the number is positive.
  const serial = randomBytes(16)
  serial[0]! = (serial[0]! & 0x7f) | 0x40
  const content = sequence(
    tagged(CONTEXT | CONSTRUCTED | 0, tagged(INTEGER, Buffer.of(VERSION_3))),
    tagged(INTEGER, serial),
    ECDSA_WITH_SHA256,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(CONTEXT | CONSTRUCTED | 3, extensions(names, publicKey)),
  )
  const signature = sign('sha256', content, privateKey)
  return {
    cert: pem(sequence(content, ECDSA_WITH_SHA256, bitString(signature))),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

function extensions(names: readonly string[], publicKey: KeyObject): Buffer {
  const keyId = createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
  return sequence(
    extension(SUBJECT_KEY_IDENTIFIER, tagged(OCTET_STRING, keyId)),
    // As an authority of itself: a client may trust it by having it as its only one.
    extension(BASIC_CONSTRAINTS, sequence(tagged(BOOLEAN, TRUE)), TRUE),
    extension(SUBJECT_ALT_NAME, sequence(...names.map(generalName))),
  )
}

function extension(id: Buffer, value: Buffer, critical?: Buffer): Buffer {
  const flag = critical ? [tagged(BOOLEAN, critical)] : []
  return sequence(id, ...flag, tagged(OCTET_STRING, value))
}

/** An address as its bytes, anything else as a DNS name. */
function generalName(name: string): Buffer {
  if (isIPv4(name)) return tagged(CONTEXT | 7, Buffer.from(name.split('.').map(Number)))
  if (isIPv6(name)) return tagged(CONTEXT | 7, ipv6Bytes(name))
  return tagged(CONTEXT | 2, Buffer.from(name))
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::')
  const groups = (text: string) => text.split(':').filter(Boolean)
  const [first, last] = [groups(head), groups(tail)]
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0')
  return Buffer.from([...first, ...zeros, ...last].map(group => group.padStart(4, '0')).join(''), 'hex')
}

// --- DER: tag, length, content ---------------------------------------------------------------------------------------

const BOOLEAN = 0x01
const INTEGER = 0x02
const BIT_STRING = 0x03
const OCTET_STRING = 0x04
const UTF8_STRING = 0x0c
const GENERALIZED_TIME = 0x18
const UTC_TIME = 0x17
const SEQUENCE = 0x30
const SET = 0x31
const CONTEXT = 0x80
const CONSTRUCTED = 0x20

const TRUE = Buffer.of(0xff)
const VERSION_3 = 2

/** Object identifiers, encoded. */
const COMMON_NAME = Buffer.from('0603550403', 'hex')
const SUBJECT_KEY_IDENTIFIER = Buffer.from('0603551d0e', 'hex')
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex')
const BASIC_CONSTRAINTS = Buffer.from('0603551d13', 'hex')
/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex')

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: readonly Buffer[]): Buffer => tagged(SEQUENCE, Buffer.concat(parts))

const set = (...parts: readonly Buffer[]): Buffer => tagged(SET, Buffer.concat(parts))

/** No unused bits in the last byte. */
const bitString = (bytes: Buffer): Buffer => tagged(BIT_STRING, Buffer.concat([Buffer.of(0), bytes]))

/** Two digits of the year until 2050, four from then on. */
function time(ms: number): Buffer {
  const digits = `${new Date(ms).toISOString().replace(/\D/g, '').slice(0, 14)}Z`
  const isLate = digits >= '2050'
  return tagged(isLate ? GENERALIZED_TIME : UTC_TIME, Buffer.from(isLate ? digits : digits.slice(2)))
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}
