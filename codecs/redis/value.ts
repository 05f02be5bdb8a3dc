/**
 * Whole replies to JavaScript values, RESP2 and RESP3, for probes, set-up and tests; what clients ask for is forwarded
 * and never comes here. https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
import { ProtocolError } from '../codec.ts'

/** An error reply as a value: it is what the server said, not a failure of decoding. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError'

  /** The first word of the message, such as `WRONGTYPE`. */
  get code(): string {
    return this.message.split(' ', 1)[0]!
  }
}

export type Reply = string | number | bigint | boolean | null | Buffer | ReplyError | Reply[] | Set<Reply> | ReplyMap
export interface ReplyMap extends Map<Reply, Reply> {}

/** Aggregates within aggregates that are followed; deeper ones are refused. */
const MAX_DEPTH = 64

/**
 * The value of the one reply that the bytes hold: bulk strings as strings (UTF-8) or as Buffers, maps as Map, sets as
 * Set, pushes as arrays, verbatim strings without their format; attributes are dropped, integers that a number cannot
 * hold become bigint. Throws ProtocolError for anything but one whole reply.
 */
export function decodeReply(bytes: Uint8Array, bulks: 'strings' | 'buffers' = 'strings'): Reply {
  const reader = new ReplyReader(bytes, bulks)
  const value = reader.read(0)
  if (reader.position !== bytes.length) throw new ProtocolError('reply-end', 'bytes behind the reply')
  return value
}

/** The values of all replies that the bytes hold. Throws ProtocolError when the last one is not whole. */
export function decodeReplies(bytes: Uint8Array, bulks: 'strings' | 'buffers' = 'strings'): Reply[] {
  const reader = new ReplyReader(bytes, bulks)
  const values: Reply[] = []
  while (reader.position < bytes.length) values.push(reader.read(0))
  return values
}

class ReplyReader {
  position = 0
  readonly #bytes: Buffer
  readonly #asBuffers: boolean

  constructor(bytes: Uint8Array, bulks: 'strings' | 'buffers') {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#asBuffers = bulks === 'buffers'
  }

  read(depth: number): Reply {
    if (depth > MAX_DEPTH) throw new ProtocolError('reply-depth', 'reply nested too deep')
    const type = String.fromCharCode(this.#bytes[this.position] ?? 0)
    const line = this.#line()
    switch (type) {
      case '+':
        return this.#text(Buffer.from(line))
      case '-':
        return new ReplyError(line.toString())
      case ':':
        return integer(line.toString('latin1'))
      case '_':
        return null
      case '#':
        if (line.length === 1 && (line[0] === 116 || line[0] === 102)) return line[0] === 116
        throw new ProtocolError('reply-boolean', 'malformed boolean')
      case ',':
        return double(line.toString('latin1'))
      case '(':
        return bigNumber(line.toString('latin1'))
      case '$':
        return isNull(line) ? null : this.#text(this.#bulk(count(line)))
      case '!':
        return new ReplyError(this.#bulk(count(line)).toString())
      case '=':
        return this.#text(this.#bulk(count(line)).subarray(4))
      case '*':
        return isNull(line) ? null : this.#elements(count(line), depth)
      case '>':
        return this.#elements(count(line), depth)
      case '~':
        return new Set(this.#elements(count(line), depth))
      case '%': {
        const pairs = count(line)
        const map = new Map<Reply, Reply>()
        for (let i = 0; i < pairs; i++) map.set(this.read(depth + 1), this.read(depth + 1))
        return map
      }
      case '|':
        for (let i = 2 * count(line); i > 0; i--) this.read(depth + 1)
        return this.read(depth + 1)
      default:
        throw new ProtocolError('reply-type', `no reply begins with ${JSON.stringify(type)}`)
    }
  }

  #line(): Buffer {
    const end = this.#bytes.indexOf('\r\n', this.position, 'latin1')
    if (end < 0) throw new ProtocolError('reply-end', 'reply not whole')
    const line = this.#bytes.subarray(this.position + 1, end)
    this.position = end + 2
    return line
  }

  #bulk(length: number): Buffer {
    const end = this.position + length
    if (this.#bytes[end] !== 13 || this.#bytes[end + 1] !== 10) {
      throw new ProtocolError('reply-end', 'bulk string not whole')
    }
    const bulk = this.#bytes.subarray(this.position, end)
    this.position = end + 2
    return bulk
  }

  #elements(length: number, depth: number): Reply[] {
    const elements: Reply[] = []
    for (let i = 0; i < length; i++) elements.push(this.read(depth + 1))
    return elements
  }

  #text(bytes: Buffer): Reply {
    return this.#asBuffers ? bytes : bytes.toString()
  }
}

/** Only bulk strings and arrays of RESP2 can be null. */
const isNull = (line: Buffer): boolean => line.length === 2 && line[0] === 45 && line[1] === 49

function count(line: Buffer): number {
  const text = line.toString('latin1')
  if (!/^\d{1,15}$/.test(text)) throw new ProtocolError('reply-length', 'malformed length')
  return Number(text)
}

function integer(text: string): number | bigint {
  if (!/^[+-]?\d{1,20}$/.test(text)) throw new ProtocolError('reply-integer', 'malformed integer')
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : BigInt(text.replace('+', ''))
}

function bigNumber(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw new ProtocolError('reply-integer', 'malformed big number')
  return BigInt(text.replace('+', ''))
}

function double(text: string): number {
  if (/^[+-]?inf/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (/^[+-]?nan/i.test(text)) return Number.NaN
  const value = Number(text)
  if (text === '' || Number.isNaN(value)) throw new ProtocolError('reply-double', 'malformed double')
  return value
}
