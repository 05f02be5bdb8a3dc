/**
 * Types of parameters in an execution. A client sends them once and the server keeps them with its statement; on another
 * connection, or behind another client's execution of the same statement, they have to be put in.
 *
 *     17 | id: 4 | flags: 1 | iterations: 4 [ parameters: lenenc ] [ null bitmap | bound: 1 [ types ] | values ]
 */
import {
  CLIENT_QUERY_ATTRIBUTES,
  MAX_PACKET_PAYLOAD,
  PACKET_HEADER_BYTES,
  PayloadReader,
} from '../../../codecs/mysql/index.ts'

const FLAGS_OFFSET = PACKET_HEADER_BYTES + 5
const PARAMETERS_OFFSET = FLAGS_OFFSET + 5
/** The number of parameters is told. */
const PARAMETER_COUNT_AVAILABLE = 0x08
const ANY_CURSOR = 0x07

export const opensCursor = (packet: Buffer): boolean =>
  packet.length > FLAGS_OFFSET && (packet[FLAGS_OFFSET]! & ANY_CURSOR) !== 0

/** Where the packet, or its beginning, has the types: `bound` tells whether it has them at all. */
export interface TypesPlace {
  readonly boundAt: number
  readonly bound: boolean
  readonly end: number
}

/** Undefined when there are no parameters. Throws ProtocolError when the packet is too short. */
export function findTypes(packet: Buffer, statementParameters: number, low: number): TypesPlace | undefined {
  if (packet.length <= PARAMETERS_OFFSET) return undefined
  const reader = shared.reset(packet, PARAMETERS_OFFSET, packet.length)
  const named = (low & CLIENT_QUERY_ATTRIBUTES) !== 0
  const counted = named && (statementParameters > 0 || (packet[FLAGS_OFFSET]! & PARAMETER_COUNT_AVAILABLE) !== 0)
  const parameters = counted ? reader.lenenc() : statementParameters
  if (parameters === 0) return undefined
  reader.skip((parameters + 7) >> 3)
  const boundAt = reader.at
  const bound = reader.u8() === 1
  for (let i = 0; bound && i < parameters; i++) {
    reader.skip(2)
    if (named) reader.lenencBytes()
  }
  return { boundAt, bound, end: reader.at }
}

/** The packet, or its beginning, with these types; null when it would need a second one. */
export function insertTypes(packet: Buffer, boundAt: number, types: Buffer): Buffer | null {
  const length = packet.readUIntLE(0, 3) + types.length
  if (length >= MAX_PACKET_PAYLOAD) return null
  const changed = Buffer.concat([packet.subarray(0, boundAt), BOUND, types, packet.subarray(boundAt + 1)])
  changed.writeUIntLE(length, 0, 3)
  return changed
}

const BOUND = Buffer.from([1])
const shared = new PayloadReader()
