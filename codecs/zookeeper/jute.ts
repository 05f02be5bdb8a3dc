/**
 * The types of ZooKeeper's serialization, Jute: numbers are big-endian; a text, a buffer and a list begin with their
 * length or count as an int, -1 for none.
 */
import { ProtocolError } from '../codec.ts'

/** Elements of a list at most. A frame holds no more bytes than its own limit; a child's name takes five at least. */
const MAX_ELEMENTS = 1_000_000

export class JuteReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Whether bytes are left: newer servers append fields. */
  get hasMore(): boolean {
    return this.#at < this.#bytes.length
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#take(4))
  }

  long(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8))
  }

  bool(): boolean {
    return this.#bytes[this.#take(1)] !== 0
  }

  /** A view into the frame. */
  buffer(): Buffer | null {
    const length = this.int()
    if (length === -1) return null
    if (length < 0) throw malformed('a length is negative')
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  text(): string {
    return this.buffer()?.toString() ?? ''
  }

  list<T>(read: (reader: JuteReader) => T): T[] {
    const count = this.int()
    if (count < -1 || count > MAX_ELEMENTS) throw malformed('the length of a list makes no sense')
    const elements: T[] = []
    for (let i = 0; i < count; i++) elements.push(read(this))
    return elements
  }

  #take(bytes: number): number {
    const at = this.#at
    if (at + bytes > this.#bytes.length) throw malformed('it ends too early')
    this.#at += bytes
    return at
  }
}

export function int(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}

export function long(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigInt64BE(value)
  return bytes
}

export function bool(value: boolean): Buffer {
  return Buffer.of(value ? 1 : 0)
}

export function buffer(value: Buffer | null): Buffer {
  return value === null ? int(-1) : Buffer.concat([int(value.length), value])
}

export function text(value: string): Buffer {
  return buffer(Buffer.from(value))
}

export function malformed(what: string): ProtocolError {
  return new ProtocolError('zookeeper-frame', `malformed ZooKeeper frame: ${what}`)
}
