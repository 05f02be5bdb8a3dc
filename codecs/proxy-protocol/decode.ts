/**
 * Reads a PROXY header, strictly: what a peer says about an address may decide what it may do.
 *
 *   v1  "PROXY" SP ("TCP4" | "TCP6") SP source SP destination SP port SP port CRLF      at most 107 bytes
 *       "PROXY UNKNOWN" anything CRLF
 *
 *   v2  +--------------------+---------+-----------+--------+-----------+------------------+
 *       | signature 12 bytes | ver cmd | fam trans | length | addresses | TLVs             |
 *       |                    | 4b  4b  | 4b  4b    | 16 b   | 12/36/216 | type, 16 b, data |
 *       +--------------------+---------+-----------+--------+-----------+------------------+
 *                                                           |<-------- length bytes ------>|
 */
import { ProtocolError } from '../codec.ts'
import {
  COMMAND_LOCAL,
  COMMAND_PROXY,
  FAMILY_INET,
  FAMILY_INET6,
  FAMILY_UNIX,
  FAMILY_UNSPEC,
  type ProxyAddress,
  type ProxyHeader,
  TRANSPORT_DATAGRAM,
  TRANSPORT_STREAM,
  UNIX_PATH_BYTES,
  V2_PREFIX_BYTES,
  V2_SIGNATURE,
} from './header.ts'
import { formatIp, parseIp } from './ip.ts'

const V1_PREFIX = Buffer.from('PROXY ', 'latin1')
const V1_MAX_BYTES = 107
const V2_MAX_LENGTH = 4096

/** Give up on a peer that sent as many bytes without the header being complete; decodeProxyHeader then throws. */
export const MAX_PROXY_HEADER_BYTES = V2_PREFIX_BYTES + V2_MAX_LENGTH

/**
 * The header that `bytes`, all that a connection has sent so far, begins with; undefined when more is needed.
 * Throws ProtocolError when it can never become one.
 */
export function decodeProxyHeader(bytes: Buffer): ProxyHeader | undefined {
  if (beginsLike(bytes, V2_SIGNATURE)) return bytes.length < V2_PREFIX_BYTES ? undefined : decodeV2(bytes)
  if (beginsLike(bytes, V1_PREFIX)) return decodeV1(bytes)
  throw malformed('the connection does not begin with one')
}

function beginsLike(bytes: Buffer, prefix: Buffer): boolean {
  const length = Math.min(bytes.length, prefix.length)
  return bytes.compare(prefix, 0, length, 0, length) === 0
}

function decodeV1(bytes: Buffer): ProxyHeader | undefined {
  const end = bytes.subarray(0, V1_MAX_BYTES).indexOf('\r\n', 0, 'latin1')
  if (end < 0) {
    if (bytes.length < V1_MAX_BYTES) return undefined
    throw malformed('its line is too long')
  }
  const byteLength = end + 2
  const [, family, ...fields] = bytes.toString('latin1', 0, end).split(' ')
  // Whatever follows UNKNOWN must be ignored: believing it let peers choose their own address (CVE-2026-48772).
  if (family === 'UNKNOWN') return { version: 1, byteLength }
  const [source, destination, sourcePort, destinationPort, ...rest] = fields
  const ipBytes = family === 'TCP4' ? 4 : family === 'TCP6' ? 16 : undefined
  if (ipBytes === undefined || rest.length > 0) throw malformed('its line is not of the specified form')
  return {
    version: 1,
    source: readV1Address(source, sourcePort, ipBytes),
    destination: readV1Address(destination, destinationPort, ipBytes),
    byteLength,
  }
}

function readV1Address(host = '', port = '', ipBytes: number): ProxyAddress {
  if (parseIp(host)?.length !== ipBytes) throw malformed('an address is not valid')
  if (!/^(0|[1-9]\d{0,4})$/.test(port) || Number(port) > 0xffff) throw malformed('a port is not valid')
  return { host, port: Number(port) }
}

function decodeV2(bytes: Buffer): ProxyHeader | undefined {
  const command = bytes[12]! & 15
  const family = bytes[13]! >> 4
  const transport = bytes[13]! & 15
  const length = bytes.readUInt16BE(14)
  if (bytes[12]! >> 4 !== 2) throw malformed('its version is unknown')
  if (command !== COMMAND_LOCAL && command !== COMMAND_PROXY) throw malformed('its command is unknown')
  if (family > FAMILY_UNIX || transport > TRANSPORT_DATAGRAM) throw malformed('its address family is unknown')
  if (length > V2_MAX_LENGTH) throw malformed('it is too long')
  const byteLength = V2_PREFIX_BYTES + length
  if (bytes.length < byteLength) return undefined
  // A hard wall: nothing below sees a byte of the protocol behind, however much arrived with the header.
  const body = bytes.subarray(V2_PREFIX_BYTES, byteLength)
  if (command === COMMAND_LOCAL || family === FAMILY_UNSPEC) return { version: 2, byteLength }

  const addressBytes = V2_ADDRESS_BYTES[family]!
  if (body.length < addressBytes) throw malformed('it is too short for its addresses')
  checkTlvs(body, addressBytes)
  if (transport !== TRANSPORT_STREAM) return { version: 2, byteLength }
  const [source, destination] = readV2Addresses(body, family)
  return { version: 2, source, destination, byteLength }
}

const V2_ADDRESS_BYTES: Readonly<Record<number, number>> = {
  [FAMILY_INET]: 12,
  [FAMILY_INET6]: 36,
  [FAMILY_UNIX]: 2 * UNIX_PATH_BYTES,
}

function readV2Addresses(body: Buffer, family: number): readonly [ProxyAddress, ProxyAddress] {
  if (family === FAMILY_UNIX) return [readPath(body, 0), readPath(body, UNIX_PATH_BYTES)]
  const size = family === FAMILY_INET ? 4 : 16
  return [
    { host: formatIp(body, 0, size), port: body.readUInt16BE(2 * size) },
    { host: formatIp(body, size, size), port: body.readUInt16BE(2 * size + 2) },
  ]
}

function readPath(body: Buffer, at: number): ProxyAddress {
  const nul = body.indexOf(0, at)
  const end = nul < 0 ? at + UNIX_PATH_BYTES : Math.min(nul, at + UNIX_PATH_BYTES)
  return { path: body.toString('utf8', at, end) }
}

/** Nobody here asks for a TLV yet, but one that reaches over the wall marks a sender that cannot be trusted. */
function checkTlvs(body: Buffer, from: number): void {
  let at = from
  while (at < body.length) {
    if (at + 3 > body.length) throw malformed('a TLV is cut off')
    at += 3 + body.readUInt16BE(at + 1)
    if (at > body.length) throw malformed('a TLV is longer than the header')
  }
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('proxy-header', `malformed PROXY header: ${what}`)
}
