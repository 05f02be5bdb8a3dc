/**
 * Where the text of a COM_QUERY begins: behind the command byte, or behind the query attributes of a client that has
 * CLIENT_QUERY_ATTRIBUTES.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query.html
 *
 *     03 [ parameters: lenenc | sets: lenenc (1) [ null bitmap | 01 | type: 2, name: lenenc string ... | values ] ] text
 */
import { ProtocolError } from '../../codecs/codec.ts'
import { CLIENT_QUERY_ATTRIBUTES, PACKET_HEADER_BYTES, PayloadReader } from '../../codecs/mysql/index.ts'

/** Bytes of a value in the binary protocol by its type; those that are not here are length-encoded strings. */
const FIXED: Readonly<Record<number, number>> = { 1: 1, 2: 2, 13: 2, 3: 4, 9: 4, 4: 4, 8: 8, 5: 8 }
/** DATE, TIMESTAMP, DATETIME, TIME: a length of one byte. */
const TIMES = new Set([7, 10, 11, 12])
const NULL_TYPE = 6

/** The offset in the packet. Throws ProtocolError when the attributes do not fit in. */
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
  for (const [i, type] of types.entries()) {
    if (type === NULL_TYPE || (nulls[i >> 3]! & (1 << (i & 7))) !== 0) continue
    const fixed = FIXED[type]
    if (fixed !== undefined) reader.skip(fixed)
    else if (TIMES.has(type)) reader.skip(reader.u8())
    else reader.lenencBytes()
  }
  return reader.at
}
