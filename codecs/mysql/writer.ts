/**
 * Builds packets. A payload of 0xffffff bytes or more goes as several packets, the last one shorter, if need be empty.
 *
 *     | payload length: 3 | sequence id: 1 | payload ...
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
 */
import type { Integer64 } from './reader.ts'

export const PACKET_HEADER_BYTES = 4
/** A packet with so long a payload is continued by the next one. */
export const MAX_PACKET_PAYLOAD = 0xff_ffff

export class PayloadWriter {
  #bytes: Buffer
  #end = PACKET_HEADER_BYTES

  constructor(expectedBytes = 60) {
    this.#bytes = Buffer.allocUnsafe(PACKET_HEADER_BYTES + expectedBytes)
  }

  u8(value: number): this {
    const at = this.#grow(1)
    this.#bytes[at] = value
    return this
  }

  u16(value: number): this {
    const at = this.#grow(2)
    this.#bytes[at] = value
    this.#bytes[at + 1] = value >>> 8
    return this
  }

  u24(value: number): this {
    return this.u16(value).u8(value >>> 16)
  }

  u32(value: number): this {
    return this.u16(value).u16(value >>> 16)
  }

  u64(value: Integer64): this {
    const big = BigInt(value)
    return this.u32(Number(big & 0xffff_ffffn)).u32(Number(big >> 32n))
  }

  lenenc(value: Integer64): this {
    if (value < 0xfb) return this.u8(Number(value))
    if (value <= 0xffff) return this.u8(0xfc).u16(Number(value))
    if (value <= 0xff_ffff) return this.u8(0xfd).u24(Number(value))
    return this.u8(0xfe).u64(value)
  }

  null(): this {
    return this.u8(0xfb)
  }

  zeros(count: number): this {
    const at = this.#grow(count)
    this.#bytes.fill(0, at, at + count)
    return this
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length)
    this.#bytes.set(value, at)
    return this
  }

  string(value: string): this {
    const at = this.#grow(Buffer.byteLength(value))
    this.#bytes.write(value, at)
    return this
  }

  /** The string and a NUL; what comes behind a NUL of its own is lost, as for the peer. */
  nulString(value: string): this {
    const nul = value.indexOf('\0')
    return this.string(nul < 0 ? value : value.slice(0, nul)).u8(0)
  }

  lenencBytes(value: Uint8Array): this {
    return this.lenenc(value.length).bytes(value)
  }

  lenencString(value: string): this {
    return this.lenenc(Buffer.byteLength(value)).string(value)
  }

  get length(): number {
    return this.#end - PACKET_HEADER_BYTES
  }

  /** A view of what was written. */
  payload(): Buffer {
    return this.#bytes.subarray(PACKET_HEADER_BYTES, this.#end)
  }

  /** What was written as one packet, without a copy, or as several ones. The writer must not be used again. */
  packet(sequence: number): Buffer {
    if (this.length >= MAX_PACKET_PAYLOAD) return encodePacket(sequence, this.payload())
    writeHeader(this.#bytes, 0, this.length, sequence)
    return this.#bytes.subarray(0, this.#end)
  }

  #grow(count: number): number {
    const at = this.#end
    const end = at + count
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, 2 * this.#bytes.length))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    this.#end = end
    return at
  }
}

/** The payload in as many packets as it takes; sequence ids go on from the given one, 0 follows 255. */
export function encodePacket(sequence: number, payload: Uint8Array): Buffer {
  const count = packetCount(payload.length)
  const bytes = Buffer.allocUnsafe(payload.length + count * PACKET_HEADER_BYTES)
  let at = 0
  for (let i = 0; i < count; i++) {
    const part = payload.subarray(i * MAX_PACKET_PAYLOAD, (i + 1) * MAX_PACKET_PAYLOAD)
    writeHeader(bytes, at, part.length, sequence + i)
    bytes.set(part, at + PACKET_HEADER_BYTES)
    at += PACKET_HEADER_BYTES + part.length
  }
  return bytes
}

/** How many packets, and so sequence ids, a payload takes. */
export const packetCount = (payloadBytes: number): number => Math.floor(payloadBytes / MAX_PACKET_PAYLOAD) + 1

/** Writes the 4 bytes of a header. */
export function writeHeader(bytes: Uint8Array, at: number, payloadBytes: number, sequence: number): void {
  bytes[at] = payloadBytes
  bytes[at + 1] = payloadBytes >>> 8
  bytes[at + 2] = payloadBytes >>> 16
  bytes[at + 3] = sequence
}
