/**
 * A cursor over a payload that never reads beyond its end: whatever a length claims, the answer is a ProtocolError.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_data_types.html
 */
// The global is an accessor, too dear for each packet.
import { Buffer } from 'node:buffer'
import { ProtocolError } from '../codec.ts'

/** An unsigned integer of 64 bits, exactly: a number up to 2^53 - 1, a bigint beyond. */
export type Integer64 = number | bigint

export class PayloadReader {
  bytes: Buffer = EMPTY
  at = 0
  end = 0

  constructor(bytes?: Uint8Array, start = 0, end = bytes?.length ?? 0) {
    if (bytes) this.reset(bytes, start, end)
  }

  /** Reads another payload. */
  reset(bytes: Uint8Array, start: number, end: number): this {
    this.bytes = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.at = start
    this.end = end
    return this
  }

  get left(): number {
    return this.end - this.at
  }

  u8(): number {
    return this.bytes[this.#take(1)]!
  }

  u16(): number {
    const at = this.#take(2)
    return this.bytes[at]! | (this.bytes[at + 1]! << 8)
  }

  u24(): number {
    const at = this.#take(3)
    return this.bytes[at]! | (this.bytes[at + 1]! << 8) | (this.bytes[at + 2]! << 16)
  }

  u32(): number {
    return (this.u16() | (this.u16() << 16)) >>> 0
  }

  u64(): Integer64 {
    if (this.left < 8) throw malformed()
    const low = this.u32()
    const high = this.u32()
    return high < 0x20_0000 ? high * 0x1_0000_0000 + low : (BigInt(high) << 32n) | BigInt(low)
  }

  /** A length-encoded integer: 1, 3, 4 or 9 bytes. */
  lenenc64(): Integer64 {
    const first = this.u8()
    if (first < 0xfb) return first
    if (first === 0xfc) return this.u16()
    if (first === 0xfd) return this.u24()
    if (first === 0xfe) return this.u64()
    throw malformed()
  }

  /** A length-encoded integer that counts something. */
  lenenc(): number {
    const value = this.lenenc64()
    if (typeof value === 'bigint') throw malformed()
    return value
  }

  /** A length-encoded integer, or null for the byte that stands for NULL. */
  lenencOrNull(): number | null {
    if (this.left > 0 && this.bytes[this.at] === 0xfb) {
      this.at++
      return null
    }
    return this.lenenc()
  }

  /** A view of so many bytes. */
  take(length: number): Buffer {
    const at = this.#take(length)
    return this.bytes.subarray(at, at + length)
  }

  skip(length: number): void {
    this.#take(length)
  }

  rest(): Buffer {
    return this.take(this.left)
  }

  /** Up to a NUL, which is read too. */
  nulBytes(): Buffer {
    const nul = this.bytes.indexOf(0, this.at)
    if (nul < 0 || nul >= this.end) throw malformed()
    const found = this.bytes.subarray(this.at, nul)
    this.at = nul + 1
    return found
  }

  nulString(): string {
    return this.nulBytes().toString()
  }

  lenencBytes(): Buffer {
    return this.take(this.lenenc())
  }

  lenencString(): string {
    const length = this.lenenc()
    const at = this.#take(length)
    return this.bytes.toString('utf8', at, at + length)
  }

  #take(length: number): number {
    const { at } = this
    if (length > this.end - at) throw malformed()
    this.at = at + length
    return at
  }
}

const EMPTY = Buffer.alloc(0)

export function malformed(what = 'a length points beyond the end of the packet'): ProtocolError {
  return new ProtocolError('malformed-packet', what)
}
