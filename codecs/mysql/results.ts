/**
 * What ends a result: OK, ERR and EOF packets. Functions that encode return whole packets.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_response_packets.html
 *
 *     OK    00 or fe | affected rows: lenenc | insert id: lenenc | status: 2 | warnings: 2 [ info: lenenc string
 *           [ trackers: lenenc string, when status has SERVER_SESSION_STATE_CHANGED ] ]
 *     EOF   fe | warnings: 2 | status: 2
 *     ERR   ff | code: 2 | '#' SQL state: 5 | message ...
 */
import { type Capabilities, CLIENT_DEPRECATE_EOF } from './capabilities.ts'
import type { ServerError } from './errors.ts'
import { type Integer64, malformed, PayloadReader } from './reader.ts'
import { SERVER_SESSION_STATE_CHANGED } from './status.ts'
import { PACKET_HEADER_BYTES, PayloadWriter } from './writer.ts'

export const OK_HEADER = 0x00
/** Of an EOF packet, of an OK packet in the place of one, and of an AuthSwitchRequest. */
export const EOF_HEADER = 0xfe
export const ERR_HEADER = 0xff
export const LOCAL_INFILE_HEADER = 0xfb

/** An EOF packet's payload is shorter; an OK packet with the same header is not. */
const MIN_OK_BYTES = 7

/** The fields of an OK or EOF packet, read into the same object again and again. */
export class OkPacket {
  affectedRows: Integer64 = 0
  insertId: Integer64 = 0
  status = 0
  warnings = 0
  /** Where the two bytes of the status are, and where what follows the fixed fields begins. */
  statusAt = 0
  fixedEnd = 0
  /** The human-readable text, as offsets into the bytes that were read. */
  infoStart = 0
  infoEnd = 0
  /** What `readSessionTrackers` reads; equal when there is nothing. */
  trackersStart = 0
  trackersEnd = 0

  /** Reads a payload that begins with 0x00 or 0xfe, in either of the two forms. Throws ProtocolError. */
  read(bytes: Uint8Array, start: number, end: number): this {
    this.affectedRows = 0
    this.insertId = 0
    this.infoStart = this.infoEnd = this.trackersStart = this.trackersEnd = end
    const length = end - start
    if (length < MIN_OK_BYTES) {
      if (length < 5 || bytes[start] !== EOF_HEADER) throw malformed('an OK or EOF packet is too short')
      this.warnings = bytes[start + 1]! | (bytes[start + 2]! << 8)
      this.status = bytes[start + 3]! | (bytes[start + 4]! << 8)
      this.statusAt = start + 3
      this.fixedEnd = start + 5
      return this
    }
    if (length === MIN_OK_BYTES && bytes[start + 1]! < 0xfb && bytes[start + 2]! < 0xfb) {
      this.affectedRows = bytes[start + 1]!
      this.insertId = bytes[start + 2]!
      this.status = bytes[start + 3]! | (bytes[start + 4]! << 8)
      this.warnings = bytes[start + 5]! | (bytes[start + 6]! << 8)
      this.statusAt = start + 3
      this.fixedEnd = end
      return this
    }
    const reader = shared.reset(bytes, start + 1, end)
    this.affectedRows = reader.lenenc64()
    this.insertId = reader.lenenc64()
    this.statusAt = reader.at
    this.status = reader.u16()
    this.warnings = reader.u16()
    this.fixedEnd = reader.at
    if (reader.left > 0) {
      const infoBytes = reader.lenenc()
      this.infoStart = reader.at
      reader.skip(infoBytes)
      this.infoEnd = reader.at
    }
    if ((this.status & SERVER_SESSION_STATE_CHANGED) !== 0 && reader.left > 0) {
      const trackersBytes = reader.lenenc()
      this.trackersStart = reader.at
      reader.skip(trackersBytes)
      this.trackersEnd = reader.at
    }
    return this
  }
}

const shared = new PayloadReader()

/** Of an OK packet of our own; what is left out is 0 or empty. */
export interface OkFields {
  readonly affectedRows?: Integer64
  readonly insertId?: Integer64
  readonly status: number
  readonly warnings?: number
  readonly info?: string | Uint8Array
  /** What `encodeSessionTracker` returned, one behind the other; only for a client with CLIENT_SESSION_TRACK. */
  readonly trackers?: Uint8Array
}

/** `header` is EOF_HEADER in place of an EOF packet, for a client with CLIENT_DEPRECATE_EOF. */
export function encodeOk(sequence: number, fields: OkFields, header: number = OK_HEADER): Buffer {
  const { affectedRows = 0, insertId = 0, status, warnings = 0, info = '', trackers } = fields
  const changed = trackers !== undefined && trackers.length > 0
  const writer = new PayloadWriter(MIN_OK_BYTES + info.length).u8(header).lenenc(affectedRows).lenenc(insertId)
  writer.u16(changed ? status | SERVER_SESSION_STATE_CHANGED : status & ~SERVER_SESSION_STATE_CHANGED).u16(warnings)
  if (changed || info.length > 0) {
    if (typeof info === 'string') writer.lenencString(info)
    else writer.lenencBytes(info)
  }
  if (changed) writer.lenencBytes(trackers)
  return writer.packet(sequence)
}

/** What ends columns, or rows for a client without CLIENT_DEPRECATE_EOF. */
export function encodeEof(sequence: number, status: number, warnings = 0): Buffer {
  return new PayloadWriter(5).u8(EOF_HEADER).u16(warnings).u16(status).packet(sequence)
}

/** What ends rows, as this client wants it. */
export function encodeRowsEnd(
  sequence: number,
  status: number,
  warnings: number,
  { low }: Pick<Capabilities, 'low'>,
): Buffer {
  if ((low & CLIENT_DEPRECATE_EOF) === 0) return encodeEof(sequence, status, warnings)
  return encodeOk(sequence, { status, warnings }, EOF_HEADER)
}

/**
 * Makes it the packet for a client without CLIENT_SESSION_TRACK, in place: no trackers, no flag that announces them. The
 * bytes are those of the payload at `start` that `ok` was read from; returns where it ends now.
 */
export function cutTrackers(bytes: Buffer, start: number, ok: OkPacket): number {
  const end = ok.infoEnd > ok.infoStart ? ok.infoEnd : ok.fixedEnd
  bytes.writeUIntLE(end - start, start - PACKET_HEADER_BYTES, 3)
  bytes[ok.statusAt + 1]! &= ~(SERVER_SESSION_STATE_CHANGED >> 8)
  return end
}

/** An ERR packet, read. */
export interface ErrorPacket extends ServerError {
  /** Empty in an error before the login, by which a server tells no SQL state. */
  readonly sqlState: string
}

const HASH = 0x23

/** Reads a payload that begins with 0xff. Throws ProtocolError. */
export function decodeErr(bytes: Uint8Array, start: number, end: number): ErrorPacket {
  const reader = new PayloadReader(bytes, start + 1, end)
  const code = reader.u16()
  const hasState = reader.left >= 6 && bytes[reader.at] === HASH
  const sqlState = hasState ? reader.take(6).toString('latin1', 1) : ''
  return { code, sqlState, message: reader.rest().toString() }
}

/** `message` in place of the usual one. Before the greeting a server sends no SQL state: `beforeGreeting`. */
export function encodeErr(
  sequence: number,
  error: ServerError,
  message: string = error.message,
  { beforeGreeting = false } = {},
): Buffer {
  const writer = new PayloadWriter(9 + message.length).u8(ERR_HEADER).u16(error.code)
  if (!beforeGreeting) writer.string(`#${error.sqlState}`)
  return writer.string(message).packet(sequence)
}
