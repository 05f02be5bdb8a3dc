/**
 * A client's answer to the greeting (HandshakeResponse41), and the first part of it that asks for TLS (SSLRequest).
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_response.html
 *
 *     | capabilities: 4 | longest packet: 4 | collation: 1 | 19 zeros | MariaDB's capabilities: 4 |   <- all of an SSLRequest
 *     | user: NUL string | proof: length (lenenc or 1), bytes | database: NUL string | plugin: NUL string |
 *     | attributes: lenenc bytes | zstd level: 1 |                            each but the first two when capabilities say so
 */
import { ProtocolError } from '../codec.ts'
import {
  type Capabilities,
  CLIENT_CONNECT_ATTRS,
  CLIENT_CONNECT_WITH_DB,
  CLIENT_LONG_PASSWORD,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA,
  CLIENT_PROTOCOL_41,
  CLIENT_RESERVED2,
  CLIENT_SSL,
  CLIENT_ZSTD_COMPRESSION_ALGORITHM,
} from './capabilities.ts'
import { PayloadReader } from './reader.ts'
import { PayloadWriter } from './writer.ts'

/** What both begin with. */
export interface LoginHead {
  readonly capabilities: Capabilities
  /** The longest payload that the client takes; servers ignore it. */
  readonly maxPacketBytes: number
  readonly collation: number
}

export type ConnectAttributes = readonly (readonly [name: string, value: string])[]

export interface Login extends LoginHead {
  readonly user: string
  /** What the plugin sends first, answering the greeting's scramble. */
  readonly proof: Uint8Array
  /** Empty for none. */
  readonly database: string
  /** Empty when the client has no plugins: then it is mysql_native_password. */
  readonly authPlugin: string
  readonly attributes: ConnectAttributes
  /** 0 without CLIENT_ZSTD_COMPRESSION_ALGORITHM. */
  readonly zstdLevel: number
}

const HEAD_BYTES = 32

/** True for what asks for TLS and says nothing else. */
export function isSslRequest(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === HEAD_BYTES && (decodeLoginHead(bytes, start, end).capabilities.low & CLIENT_SSL) !== 0
}

/** Throws ProtocolError: `login` for a client of MySQL before 4.1, `malformed-packet`. */
export function decodeLoginHead(bytes: Uint8Array, start: number, end: number): LoginHead {
  return readHead(new PayloadReader(bytes, start, end))
}

/** Throws ProtocolError: `login` for a client of MySQL before 4.1, `malformed-packet`. */
export function decodeLogin(bytes: Uint8Array, start: number, end: number): Login {
  const reader = new PayloadReader(bytes, start, end)
  const head = readHead(reader)
  const { low } = head.capabilities
  const user = reader.nulString()
  let proof: Uint8Array
  if ((low & CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA) !== 0) proof = reader.lenencBytes()
  else if ((low & CLIENT_RESERVED2) !== 0) proof = reader.take(reader.u8())
  else proof = reader.nulBytes()
  // As servers do: some clients announce more than they send.
  const database = (low & CLIENT_CONNECT_WITH_DB) !== 0 && reader.left > 0 ? reader.nulString() : ''
  const authPlugin = (low & CLIENT_PLUGIN_AUTH) !== 0 && reader.left > 0 ? reader.nulString() : ''
  const attributes = (low & CLIENT_CONNECT_ATTRS) !== 0 && reader.left > 0 ? readAttributes(reader) : []
  const zstdLevel = (low & CLIENT_ZSTD_COMPRESSION_ALGORITHM) !== 0 && reader.left > 0 ? reader.u8() : 0
  return { ...head, user, proof, database, authPlugin, attributes, zstdLevel }
}

/** The database is sent when there is one, whatever the capabilities say of it. */
export function encodeLogin(sequence: number, login: Login): Buffer {
  const capabilities = withDatabase(login)
  const { low } = capabilities
  const writer = writeHead(new PayloadWriter(256), { ...login, capabilities }).nulString(login.user)
  if ((low & CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA) !== 0) writer.lenencBytes(login.proof)
  else writer.u8(login.proof.length).bytes(login.proof)
  if (login.database !== '') writer.nulString(login.database)
  if ((low & CLIENT_PLUGIN_AUTH) !== 0) writer.nulString(login.authPlugin)
  if ((low & CLIENT_CONNECT_ATTRS) !== 0) writeAttributes(writer, login.attributes)
  if ((low & CLIENT_ZSTD_COMPRESSION_ALGORITHM) !== 0) writer.u8(login.zstdLevel)
  return writer.packet(sequence)
}

/** The same head as the login that follows over TLS; of the login the fields that it needs. */
export function encodeSslRequest(sequence: number, login: Pick<Login, keyof LoginHead | 'database'>): Buffer {
  return writeHead(new PayloadWriter(HEAD_BYTES), { ...login, capabilities: withDatabase(login) }).packet(sequence)
}

/** Reads name and value, one behind the other, in a length-encoded block. */
export function readAttributes(reader: PayloadReader): ConnectAttributes {
  const inner = new PayloadReader(reader.lenencBytes())
  const attributes: [string, string][] = []
  while (inner.left > 0) attributes.push([inner.lenencString(), inner.lenencString()])
  return attributes
}

export function writeAttributes(writer: PayloadWriter, attributes: ConnectAttributes): void {
  const inner = new PayloadWriter()
  for (const [name, value] of attributes) inner.lenencString(name).lenencString(value)
  writer.lenencBytes(inner.payload())
}

function readHead(reader: PayloadReader): LoginHead {
  const low = reader.u32()
  if ((low & CLIENT_PROTOCOL_41) === 0) throw new ProtocolError('login', 'the client speaks the protocol before 4.1')
  const maxPacketBytes = reader.u32()
  const collation = reader.u8()
  reader.skip(19)
  const mariadb = reader.u32()
  const capabilities = { low, mariadb: (low & CLIENT_LONG_PASSWORD) === 0 ? mariadb : 0 }
  return { capabilities, maxPacketBytes, collation }
}

function writeHead(writer: PayloadWriter, { capabilities, maxPacketBytes, collation }: LoginHead): PayloadWriter {
  const { low, mariadb } = capabilities
  writer.u32(low).u32(maxPacketBytes).u8(collation).zeros(19)
  return writer.u32((low & CLIENT_LONG_PASSWORD) === 0 ? mariadb : 0)
}

function withDatabase({ capabilities, database }: Pick<Login, 'capabilities' | 'database'>): Capabilities {
  const { low, mariadb } = capabilities
  const bare = (low & ~CLIENT_CONNECT_WITH_DB) | CLIENT_PROTOCOL_41 | CLIENT_RESERVED2
  return { low: (database === '' ? bare : bare | CLIENT_CONNECT_WITH_DB) >>> 0, mariadb }
}
