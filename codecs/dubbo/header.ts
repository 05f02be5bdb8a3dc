/**
 * The head of a message in Dubbo's protocol, version 2:
 *
 *   0       2       3        4                12             16
 *   +-------+-------+--------+----------------+--------------+-------------+
 *   | da bb | flags | status | request id, 64 | length, 32   | body        |
 *   +-------+-------+--------+----------------+--------------+-------------+
 *
 * The flags are request, two-way, event and, in the low five bits, how the body is serialized.
 */
import { ProtocolError } from '../codec.ts'

export const HEADER_BYTES = 16
const MAGIC = 0xdabb
const REQUEST = 0x80
const TWO_WAY = 0x40
const EVENT = 0x20
const SERIALIZATION = 0x1f

/** How bodies may be serialized, as far as it is known here. */
export const HESSIAN2 = 2

/** Of responses. */
export const STATUS = {
  ok: 20,
  clientTimeout: 30,
  serverTimeout: 31,
  badRequest: 40,
  badResponse: 50,
  serviceNotFound: 60,
  serviceError: 70,
  serverError: 80,
  clientError: 90,
  exhausted: 100,
} as const

export interface DubboHeader {
  readonly isRequest: boolean
  /** An answer is expected. */
  readonly isTwoWay: boolean
  /** About the connection itself, such as a heartbeat. */
  readonly isEvent: boolean
  readonly serialization: number
  /** Of a response. */
  readonly status: number
  readonly id: bigint
}

export function readHeader(bytes: Buffer): DubboHeader & { readonly length: number } {
  if (bytes.readUInt16BE(0) !== MAGIC) throw malformed('it does not begin with da bb')
  const flags = bytes[2]!
  const length = bytes.readUInt32BE(12)
  return {
    isRequest: (flags & REQUEST) !== 0,
    isTwoWay: (flags & TWO_WAY) !== 0,
    isEvent: (flags & EVENT) !== 0,
    serialization: flags & SERIALIZATION,
    status: bytes[3]!,
    id: bytes.readBigUInt64BE(4),
    length,
  }
}

/** A whole message. */
export function encodeFrame(header: DubboHeader, body: Buffer): Buffer {
  const head = Buffer.alloc(HEADER_BYTES)
  head.writeUInt16BE(MAGIC)
  head[2] =
    (header.isRequest ? REQUEST : 0) |
    (header.isTwoWay ? TWO_WAY : 0) |
    (header.isEvent ? EVENT : 0) |
    (header.serialization & SERIALIZATION)
  head[3] = header.status
  head.writeBigUInt64BE(header.id, 4)
  head.writeUInt32BE(body.length, 12)
  return Buffer.concat([head, body])
}

export function malformed(reason: string): ProtocolError {
  return new ProtocolError('malformed', `a message of Dubbo is malformed: ${reason}`)
}
