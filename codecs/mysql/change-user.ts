/**
 * COM_CHANGE_USER: a login without a greeting, proved with the scramble of the connection's last one.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_change_user.html
 *
 *     | 0x11 | user: NUL string | proof: length 1, bytes | database: NUL string | collation: 2 | plugin: NUL string |
 *     | attributes: lenenc bytes |           what follows the database may be missing
 */
import { type Capabilities, CLIENT_CONNECT_ATTRS, CLIENT_PLUGIN_AUTH } from './capabilities.ts'
import { COM_CHANGE_USER } from './commands.ts'
import { type ConnectAttributes, readAttributes, writeAttributes } from './login.ts'
import { PayloadReader } from './reader.ts'
import { PayloadWriter } from './writer.ts'

export interface ChangeUser {
  readonly user: string
  readonly proof: Uint8Array
  /** Empty for none. */
  readonly database: string
  /** 0: the client does not say, the server takes its own. */
  readonly collation: number
  readonly authPlugin: string
  readonly attributes: ConnectAttributes
}

/** Reads a payload, the command byte included, of a client with these capabilities. Throws ProtocolError. */
export function decodeChangeUser(
  bytes: Uint8Array,
  start: number,
  end: number,
  { low }: Pick<Capabilities, 'low'>,
): ChangeUser {
  const reader = new PayloadReader(bytes, start + 1, end)
  const user = reader.nulString()
  const proof = reader.take(reader.u8())
  const database = reader.nulString()
  const collation = reader.left >= 2 ? reader.u16() : 0
  const authPlugin = (low & CLIENT_PLUGIN_AUTH) !== 0 && reader.left > 0 ? reader.nulString() : ''
  const attributes = (low & CLIENT_CONNECT_ATTRS) !== 0 && reader.left > 0 ? readAttributes(reader) : []
  return { user, proof, database, collation, authPlugin, attributes }
}

export function encodeChangeUser(change: ChangeUser, { low }: Pick<Capabilities, 'low'>): Buffer {
  const writer = new PayloadWriter(256).u8(COM_CHANGE_USER).nulString(change.user)
  writer.u8(change.proof.length).bytes(change.proof).nulString(change.database).u16(change.collation)
  if ((low & CLIENT_PLUGIN_AUTH) !== 0) writer.nulString(change.authPlugin)
  if ((low & CLIENT_CONNECT_ATTRS) !== 0) writeAttributes(writer, change.attributes)
  return writer.packet(0)
}
