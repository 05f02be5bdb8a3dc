/**
 * The greeting, a server's first packet (protocol version 10).
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
 *
 *     | 10 | version: NUL string | connection id: 4 | scramble: 8 | 00 | capabilities, low half: 2 | collation: 1 |
 *     | status: 2 | capabilities, high half: 2 | scramble bytes + 1: 1 | 6 zeros | MariaDB's capabilities: 4 |
 *     | scramble: the other 12 | 00 | plugin: NUL string |
 */
import { ProtocolError } from '../codec.ts'
import { type Capabilities, CLIENT_LONG_PASSWORD, CLIENT_PLUGIN_AUTH, CLIENT_RESERVED2 } from './capabilities.ts'
import { PayloadReader } from './reader.ts'
import { PayloadWriter } from './writer.ts'

export const SCRAMBLE_BYTES = 20
const PROTOCOL_VERSION = 10
const FIRST_SCRAMBLE_BYTES = 8

export interface Greeting {
  /** Clients decide by it what to expect; MariaDB before 11 puts `5.5.5-` in front. */
  readonly serverVersion: string
  readonly connectionId: number
  /** 20 bytes, none of them 0. */
  readonly scramble: Uint8Array
  readonly capabilities: Capabilities
  /** The low byte of the number of the default collation. */
  readonly collation: number
  readonly status: number
  /** Such as `caching_sha2_password`; empty when the server has no plugins. */
  readonly authPlugin: string
}

/** Whose greeting it is; an unknown server is taken for one of MySQL. */
export function isMariaDb(greeting: Greeting | null): boolean {
  return greeting?.serverVersion.includes('MariaDB') ?? false
}

export function encodeGreeting(greeting: Greeting): Buffer {
  const { low, mariadb } = greeting.capabilities
  const writer = new PayloadWriter(128).u8(PROTOCOL_VERSION).nulString(greeting.serverVersion)
  writer.u32(greeting.connectionId).bytes(greeting.scramble.subarray(0, FIRST_SCRAMBLE_BYTES)).u8(0)
  writer
    .u16(low)
    .u8(greeting.collation)
    .u16(greeting.status)
    .u16(low >>> 16)
  writer.u8((low & CLIENT_PLUGIN_AUTH) === 0 ? 0 : greeting.scramble.length + 1)
  writer.zeros(6).u32((low & CLIENT_LONG_PASSWORD) === 0 ? mariadb : 0)
  writer.bytes(greeting.scramble.subarray(FIRST_SCRAMBLE_BYTES)).u8(0)
  if ((low & CLIENT_PLUGIN_AUTH) !== 0) writer.nulString(greeting.authPlugin)
  return writer.packet(0)
}

/** Throws ProtocolError: `greeting` when the server speaks another version, `malformed-packet`. */
export function decodeGreeting(bytes: Uint8Array, start: number, end: number): Greeting {
  const reader = new PayloadReader(bytes, start, end)
  const version = reader.u8()
  if (version !== PROTOCOL_VERSION) throw new ProtocolError('greeting', `the server speaks protocol version ${version}`)
  const serverVersion = reader.nulString()
  const connectionId = reader.u32()
  const first = reader.take(FIRST_SCRAMBLE_BYTES)
  reader.skip(1)
  let low = reader.u16()
  const collation = reader.u8()
  const status = reader.u16()
  low = (low | (reader.u16() << 16)) >>> 0
  const scrambleBytes = reader.u8()
  reader.skip(6)
  const mariadb = reader.u32()
  // The last byte is a NUL that belongs to no scramble; a few servers leave it out.
  const restBytes = Math.max(SCRAMBLE_BYTES + 1, scrambleBytes) - FIRST_SCRAMBLE_BYTES
  const rest = (low & CLIENT_RESERVED2) === 0 ? EMPTY : reader.take(Math.min(restBytes, reader.left))
  const scramble = Buffer.concat([first, rest.at(-1) === 0 ? rest.subarray(0, -1) : rest])
  return {
    serverVersion,
    connectionId,
    scramble,
    capabilities: { low, mariadb: (low & CLIENT_LONG_PASSWORD) === 0 ? mariadb : 0 },
    collation,
    status,
    authPlugin: (low & CLIENT_PLUGIN_AUTH) === 0 ? '' : untilNul(reader.rest()),
  }
}

const EMPTY = Buffer.alloc(0)

/** MySQL before 5.5.10 ended the name without a NUL. */
function untilNul(bytes: Buffer): string {
  const nul = bytes.indexOf(0)
  return bytes.toString('utf8', 0, nul < 0 ? bytes.length : nul)
}
