/**
 * Text result sets, small ones: answers of our own are encoded whole, answers to our own statements decoded whole. Those
 * of clients pass undecoded.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset.html
 */
import {
  type Capabilities,
  CLIENT_DEPRECATE_EOF,
  CLIENT_OPTIONAL_RESULTSET_METADATA,
  MARIADB_CLIENT_CACHE_METADATA,
  MARIADB_CLIENT_EXTENDED_METADATA,
} from './capabilities.ts'
import { malformed, PayloadReader } from './reader.ts'
import {
  decodeErr,
  EOF_HEADER,
  ERR_HEADER,
  type ErrorPacket,
  encodeEof,
  encodeRowsEnd,
  OK_HEADER,
  OkPacket,
} from './results.ts'
import { SERVER_MORE_RESULTS_EXISTS } from './status.ts'
import { MAX_PACKET_PAYLOAD, PACKET_HEADER_BYTES, PayloadWriter } from './writer.ts'

/** Such as it stands in a column's definition. */
export const MYSQL_TYPE_LONGLONG = 0x08
export const MYSQL_TYPE_VAR_STRING = 0xfd

const COLLATION_BINARY = 63
const COLLATION_UTF8MB4 = 45
const FIXED_FIELDS_BYTES = 0x0c
const MAX_VALUE_CHARACTERS = 255

export interface TextColumn {
  readonly name: string
  /** A number is shown to the client as a BIGINT; text as utf8mb4. */
  readonly type: 'text' | 'number'
}

export type TextRow = readonly (string | number | bigint | null)[]

export interface TextResultEnd {
  readonly status: number
  readonly warnings?: number
}

/** The whole response, for a client with these capabilities; each row below 16 MiB. */
export function encodeTextResult(
  sequence: number,
  columns: readonly TextColumn[],
  rows: readonly TextRow[],
  { status, warnings = 0 }: TextResultEnd,
  capabilities: Capabilities,
): Buffer {
  const parts: Buffer[] = []
  let next = sequence
  const head = new PayloadWriter().lenenc(columns.length)
  if (hasMetadataFlag(capabilities)) head.u8(1)
  parts.push(head.packet(next++))
  for (const column of columns) parts.push(encodeColumn(next++, column, capabilities))
  if ((capabilities.low & CLIENT_DEPRECATE_EOF) === 0) parts.push(encodeEof(next++, status))
  for (const row of rows) {
    const writer = new PayloadWriter()
    for (const value of row) {
      if (value === null) writer.null()
      else writer.lenencString(String(value))
    }
    parts.push(writer.packet(next++))
  }
  parts.push(encodeRowsEnd(next, status, warnings, capabilities))
  return Buffer.concat(parts)
}

function encodeColumn(sequence: number, { name, type }: TextColumn, { mariadb }: Capabilities): Buffer {
  const isNumber = type === 'number'
  const writer = new PayloadWriter(64).lenencString('def').lenencString('').lenencString('').lenencString('')
  writer.lenencString(name).lenencString('')
  if ((mariadb & MARIADB_CLIENT_EXTENDED_METADATA) !== 0) writer.lenencString('')
  writer.u8(FIXED_FIELDS_BYTES).u16(isNumber ? COLLATION_BINARY : COLLATION_UTF8MB4)
  writer.u32(isNumber ? 20 : 4 * MAX_VALUE_CHARACTERS)
  writer.u8(isNumber ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_VAR_STRING)
  return writer
    .u16(0)
    .u8(isNumber ? 0 : 31)
    .u16(0)
    .packet(sequence)
}

const hasMetadataFlag = ({ low, mariadb }: Capabilities): boolean =>
  (low & CLIENT_OPTIONAL_RESULTSET_METADATA) !== 0 || (mariadb & MARIADB_CLIENT_CACHE_METADATA) !== 0

/** One result of a response. */
export interface TextResult {
  /** Empty when the statement returns no rows. */
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | null)[])[]
  /** Then it is the last result, and what came before it may be incomplete. */
  readonly error: ErrorPacket | null
}

/**
 * Reads a whole response to COM_QUERY, as the response tracker passed it on, of a connection with these capabilities.
 * Throws ProtocolError.
 */
export function decodeTextResults(bytes: Buffer, { low }: Pick<Capabilities, 'low'>): TextResult[] {
  const results: TextResult[] = []
  const packets = new PacketCursor(bytes)
  const ok = new OkPacket()
  do {
    const first = packets.next()
    const columns: string[] = []
    const rows: (string | null)[][] = []
    let error: ErrorPacket | null = null
    if (first[0] === ERR_HEADER) error = decodeErr(first, 0, first.length)
    else if (first[0] === OK_HEADER) ok.read(first, 0, first.length)
    else {
      const count = new PayloadReader(first).lenenc()
      for (let i = 0; i < count; i++) columns.push(columnName(packets.next()))
      if ((low & CLIENT_DEPRECATE_EOF) === 0) packets.next()
      for (;;) {
        const packet = packets.next()
        if (packet[0] === ERR_HEADER) error = decodeErr(packet, 0, packet.length)
        else if (packet[0] === EOF_HEADER) ok.read(packet, 0, packet.length)
        else {
          rows.push(readRow(packet, count))
          continue
        }
        break
      }
    }
    results.push({ columns, rows, error })
    if (error) break
  } while ((ok.status & SERVER_MORE_RESULTS_EXISTS) !== 0)
  if (packets.left > 0) throw malformed('bytes behind the last result')
  return results
}

function columnName(definition: Buffer): string {
  const reader = new PayloadReader(definition)
  // Catalogue, schema, table, original table.
  for (let i = 0; i < 4; i++) reader.lenencBytes()
  return reader.lenencString()
}

function readRow(packet: Buffer, count: number): (string | null)[] {
  const reader = new PayloadReader(packet)
  const row: (string | null)[] = []
  for (let i = 0; i < count; i++) {
    const length = reader.lenencOrNull()
    row.push(length === null ? null : reader.take(length).toString())
  }
  return row
}

/** Payloads of a response that is there whole; progress reports are passed over. */
class PacketCursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  next(): Buffer {
    for (;;) {
      if (this.left < PACKET_HEADER_BYTES) throw malformed('the response ends too early')
      const length = this.#bytes.readUIntLE(this.#at, 3)
      const start = this.#at + PACKET_HEADER_BYTES
      if (length === 0 || length === MAX_PACKET_PAYLOAD || length > this.#bytes.length - start) throw malformed()
      this.#at = start + length
      const packet = this.#bytes.subarray(start, this.#at)
      if (packet[0] !== ERR_HEADER || length < 3 || packet.readUInt16LE(1) !== 0xffff) return packet
    }
  }
}
