/**
 * Query attributes: named values that a client with CLIENT_QUERY_ATTRIBUTES sends along with a statement. Where they end,
 * and requests without them, for a server that has no such thing.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query.html
 *
 *     COM_QUERY    03 [ parameters: lenenc | sets: lenenc (1) [ null bitmap | 01 | type: 2, name: lenenc ... | values ] ] text
 *     COM_STMT_EXECUTE    17 | id: 4 | flags: 1 | iterations: 4 [ parameters: lenenc ] [ null bitmap | bound: 1
 *                         [ type: 2, name: lenenc ... ] | values ]      those of the statement first
 */
import { ProtocolError } from '../codec.ts'
import { CLIENT_QUERY_ATTRIBUTES } from './capabilities.ts'
import { PayloadReader } from './reader.ts'
import { MAX_PACKET_PAYLOAD, PACKET_HEADER_BYTES } from './writer.ts'

/** Bytes of a value in the binary protocol by its type; those that are not here are length-encoded strings. */
const FIXED: Readonly<Record<number, number>> = { 1: 1, 2: 2, 13: 2, 3: 4, 9: 4, 4: 4, 8: 8, 5: 8 }
/** DATE, TIMESTAMP, DATETIME, TIME: a length of one byte. */
const TIMES = new Set([7, 10, 11, 12])
const NULL_TYPE = 6

const FLAGS_OFFSET = PACKET_HEADER_BYTES + 5
const PARAMETERS_OFFSET = FLAGS_OFFSET + 5
/** The number of parameters is told, although the statement has none. */
const PARAMETER_COUNT_AVAILABLE = 0x08

/** The offset in a COM_QUERY packet where its text begins. Throws ProtocolError when the attributes do not fit in. */
export function textStart(packet: Buffer, low: number): number {
  const start = PACKET_HEADER_BYTES + 1
  if ((low & CLIENT_QUERY_ATTRIBUTES) === 0) return start
  if (packet[start] === 0 && packet[start + 1] === 1) return start + 2
  const reader = new PayloadReader(packet, start, packet.length)
  const parameters = reader.lenenc()
  reader.lenenc()
  if (parameters === 0) return reader.at
  const nulls = reader.take((parameters + 7) >> 3)
  if (reader.u8() !== 1) throw new ProtocolError('malformed-packet', 'query attributes without types')
  const types: number[] = []
  for (let i = 0; i < parameters; i++) {
    types.push(reader.u16() & 0xff)
    reader.lenencBytes()
  }
  skipValues(reader, types, nulls)
  return reader.at
}

/** The COM_QUERY packet, or its beginning, without attributes; null when it takes several packets. */
export function queryWithoutAttributes(packet: Buffer): Buffer | null {
  const start = textStart(packet, CLIENT_QUERY_ATTRIBUTES)
  return joined(packet, [packet.subarray(0, PACKET_HEADER_BYTES + 1), packet.subarray(start)])
}

/**
 * The COM_STMT_EXECUTE packet of a statement with so many parameters, or its beginning with their types, without
 * attributes and names; null when it takes several packets, or has attributes behind what is not there yet. Throws
 * ProtocolError.
 */
export function executeWithoutAttributes(packet: Buffer, parameters: number): Buffer | null {
  const head = Buffer.from(packet.subarray(0, PARAMETERS_OFFSET))
  head[FLAGS_OFFSET]! &= ~PARAMETER_COUNT_AVAILABLE
  if (parameters === 0) return joined(packet, [head])
  const reader = new PayloadReader(packet, PARAMETERS_OFFSET, packet.length)
  const sent = reader.lenenc()
  const nulls = reader.take((sent + 7) >> 3)
  const bound = reader.take(1)
  const parts = [head, firstBits(nulls, parameters), bound]
  const types: number[] = []
  for (let i = 0; i < sent && bound[0] === 1; i++) {
    const type = reader.take(2)
    reader.lenencBytes()
    if (i >= parameters) continue
    parts.push(type)
    types.push(type[0]!)
  }
  const values = packet.subarray(reader.at)
  if (sent === parameters) return joined(packet, [...parts, values])
  const isWhole = packet.length === PACKET_HEADER_BYTES + packet.readUIntLE(0, 3)
  if (!isWhole || bound[0] !== 1) return null
  const start = reader.at
  skipValues(reader, types, nulls)
  return joined(packet, [...parts, packet.subarray(start, reader.at)])
}

/** These parts in the place of the packet, or of its beginning. */
function joined(packet: Buffer, parts: readonly Buffer[]): Buffer | null {
  const length = packet.readUIntLE(0, 3)
  if (length === MAX_PACKET_PAYLOAD) return null
  const plain = Buffer.concat(parts)
  plain.writeUIntLE(length - (packet.length - plain.length), 0, 3)
  return plain
}

function firstBits(bitmap: Buffer, count: number): Buffer {
  const rest = Buffer.from(bitmap.subarray(0, (count + 7) >> 3))
  if ((count & 7) !== 0) rest[rest.length - 1]! &= (1 << (count & 7)) - 1
  return rest
}

function skipValues(reader: PayloadReader, types: readonly number[], nulls: Buffer): void {
  for (const [i, type] of types.entries()) {
    if (type === NULL_TYPE || (nulls[i >> 3]! & (1 << (i & 7))) !== 0) continue
    const fixed = FIXED[type]
    if (fixed !== undefined) reader.skip(fixed)
    else if (TIMES.has(type)) reader.skip(reader.u8())
    else reader.lenencBytes()
  }
}
