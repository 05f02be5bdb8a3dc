/**
 * What a server sends between the login (or COM_CHANGE_USER) and its verdict.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_auth_switch_request.html
 *
 *     AuthSwitchRequest   fe | plugin: NUL string | the plugin's data ...     answered by the plugin's first packet, bare
 *     AuthMoreData        01 | the plugin's data ...
 */
import { ProtocolError } from '../codec.ts'
import { PayloadReader } from './reader.ts'
import { EOF_HEADER } from './results.ts'
import { PayloadWriter } from './writer.ts'

export const AUTH_SWITCH_HEADER: number = EOF_HEADER
export const AUTH_MORE_HEADER = 0x01

export interface AuthSwitch {
  readonly plugin: string
  /** A new scramble, for most plugins with a NUL behind it: they take the first 20 bytes. */
  readonly data: Buffer
}

/** Reads a payload that begins with 0xfe. Throws ProtocolError: `auth-plugin` when it asks for the proof of MySQL before 4.1. */
export function decodeAuthSwitch(bytes: Uint8Array, start: number, end: number): AuthSwitch {
  if (end - start === 1) throw new ProtocolError('auth-plugin', 'the server asks for mysql_old_password')
  const reader = new PayloadReader(bytes, start + 1, end)
  return { plugin: reader.nulString(), data: reader.rest() }
}

export function encodeAuthSwitch(sequence: number, plugin: string, scramble: Uint8Array): Buffer {
  return new PayloadWriter().u8(AUTH_SWITCH_HEADER).nulString(plugin).bytes(scramble).u8(0).packet(sequence)
}

export function encodeAuthMore(sequence: number, data: Uint8Array): Buffer {
  return new PayloadWriter().u8(AUTH_MORE_HEADER).bytes(data).packet(sequence)
}
