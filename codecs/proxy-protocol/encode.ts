/** Writes PROXY headers. */
import {
  COMMAND_LOCAL,
  COMMAND_PROXY,
  FAMILY_INET,
  FAMILY_INET6,
  FAMILY_UNIX,
  FAMILY_UNSPEC,
  type ProxyAddress,
  type ProxyVersion,
  TRANSPORT_STREAM,
  TRANSPORT_UNSPEC,
  UNIX_PATH_BYTES,
  V2_PREFIX_BYTES,
  V2_SIGNATURE,
} from './header.ts'
import { formatIp, parseIp } from './ip.ts'

/**
 * The header for a connection that is relayed from `source`, which had dialled `destination`. Ends that are not known
 * or that the version cannot express are left out (UNKNOWN, UNSPEC). Hosts must be IP addresses.
 */
export function encodeProxyHeader(
  version: ProxyVersion,
  source: ProxyAddress | undefined,
  destination: ProxyAddress | undefined,
): Buffer {
  const pair = source && destination && pairOf(source, destination)
  if (version === 1) return encodeV1(pair)
  if (pair === undefined) return frameV2(COMMAND_PROXY, FAMILY_UNSPEC, TRANSPORT_UNSPEC, Buffer.alloc(0))
  return frameV2(COMMAND_PROXY, pair.family, TRANSPORT_STREAM, pair.body)
}

/** The header for a connection of our own, such as a health check. */
export function encodeLocalHeader(version: ProxyVersion): Buffer {
  return version === 1 ? encodeV1(undefined) : frameV2(COMMAND_LOCAL, FAMILY_UNSPEC, TRANSPORT_UNSPEC, Buffer.alloc(0))
}

/** Two ends in one family, in the binary form. */
interface Pair {
  readonly family: number
  readonly body: Buffer
}

function pairOf(source: ProxyAddress, destination: ProxyAddress): Pair | undefined {
  if ('path' in source || 'path' in destination) {
    return 'path' in source && 'path' in destination ? unixPair(source.path, destination.path) : undefined
  }
  let from = parseIp(source.host)
  let to = parseIp(destination.host)
  if (from === undefined || to === undefined) return undefined
  if (from.length !== to.length) {
    from = asIpv6(from)
    to = asIpv6(to)
  }
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(source.port, 0)
  ports.writeUInt16BE(destination.port, 2)
  return { family: from.length === 4 ? FAMILY_INET : FAMILY_INET6, body: Buffer.from([...from, ...to, ...ports]) }
}

function unixPair(source: string, destination: string): Pair | undefined {
  const body = Buffer.alloc(2 * UNIX_PATH_BYTES)
  if (Buffer.byteLength(source) > UNIX_PATH_BYTES || Buffer.byteLength(destination) > UNIX_PATH_BYTES) return undefined
  body.write(source, 0)
  body.write(destination, UNIX_PATH_BYTES)
  return { family: FAMILY_UNIX, body }
}

function asIpv6(ip: readonly number[]): readonly number[] {
  return ip.length === 16 ? ip : [...new Array<number>(10).fill(0), 255, 255, ...ip]
}

function encodeV1(pair: Pair | undefined): Buffer {
  if (pair === undefined || pair.family === FAMILY_UNIX) return Buffer.from('PROXY UNKNOWN\r\n', 'latin1')
  const { family, body } = pair
  const size = family === FAMILY_INET ? 4 : 16
  const addresses = `${formatIp(body, 0, size)} ${formatIp(body, size, size)}`
  const ports = `${body.readUInt16BE(2 * size)} ${body.readUInt16BE(2 * size + 2)}`
  return Buffer.from(`PROXY ${size === 4 ? 'TCP4' : 'TCP6'} ${addresses} ${ports}\r\n`, 'latin1')
}

function frameV2(command: number, family: number, transport: number, body: Buffer): Buffer {
  const header = Buffer.alloc(V2_PREFIX_BYTES + body.length)
  V2_SIGNATURE.copy(header)
  header[12] = (2 << 4) | command
  header[13] = (family << 4) | transport
  header.writeUInt16BE(body.length, 14)
  body.copy(header, V2_PREFIX_BYTES)
  return header
}
