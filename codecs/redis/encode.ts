/**
 * Builds bytes: requests as arrays of bulk strings, and replies of which RESP2 knows fewer kinds than RESP3; for RESP2
 * they degrade as Redis lets them. https://redis.io/docs/latest/develop/reference/protocol-spec/
 */

export type RespVersion = 2 | 3

/** `*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`; strings as UTF-8. */
export function encodeCommand(args: readonly (string | Uint8Array)[]): Buffer {
  let length = 1 + digits(args.length) + 2
  for (const arg of args) length += bulkLength(byteLength(arg))
  const bytes = Buffer.allocUnsafe(length)
  let at = bytes.write(`*${args.length}\r\n`, 'latin1')
  for (const arg of args) at = writeBulk(bytes, at, arg)
  return bytes
}

/** `+OK\r\n`. Line breaks in the text become blanks, as Redis does it, or the client would lose step. */
export const encodeSimple = (text: string): Buffer => Buffer.from(`+${oneLine(text)}\r\n`)

/**
 * `-ERR text\r\n`, for a text that begins with its code (`ERR`, `NOPERM`). The text is latin1, so that what a client
 * said stands in it byte for byte; what latin1 does not have becomes a question mark.
 */
export const encodeError = (text: string): Buffer =>
  Buffer.from(`-${oneLine(text).replace(/[\u0100-\uffff]/g, '?')}\r\n`, 'latin1')

/** `:42\r\n`. */
export const encodeInteger = (value: number | bigint): Buffer => Buffer.from(`:${value}\r\n`, 'latin1')

/** `$3\r\nfoo\r\n`. */
export function encodeBulk(value: string | Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(bulkLength(byteLength(value)))
  writeBulk(bytes, 0, value)
  return bytes
}

const NULL_BULK = Buffer.from('$-1\r\n')
const NULL_ARRAY = Buffer.from('*-1\r\n')
const NULL = Buffer.from('_\r\n')

/** No value where a string could be. */
export const encodeNull = (version: RespVersion): Buffer => (version === 3 ? NULL : NULL_BULK)

/** No value where an array could be, such as an EXEC that did not run. */
export const encodeNullArray = (version: RespVersion): Buffer => (version === 3 ? NULL : NULL_ARRAY)

/** Puts a reply together piece by piece. Whoever announces an aggregate writes its elements next. */
export class ReplyWriter {
  readonly version: RespVersion
  readonly #parts: Uint8Array[] = []

  constructor(version: RespVersion) {
    this.version = version
  }

  simple(text: string): this {
    return this.raw(encodeSimple(text))
  }

  /** For a text that begins with its code. */
  error(text: string): this {
    return this.raw(encodeError(text))
  }

  integer(value: number | bigint): this {
    return this.raw(encodeInteger(value))
  }

  bulk(value: string | Uint8Array): this {
    return this.raw(encodeBulk(value))
  }

  null(): this {
    return this.raw(encodeNull(this.version))
  }

  nullArray(): this {
    return this.raw(encodeNullArray(this.version))
  }

  boolean(value: boolean): this {
    return this.#line(this.version === 3 ? (value ? '#t' : '#f') : value ? ':1' : ':0')
  }

  double(value: number): this {
    const text = Number.isFinite(value) ? String(value) : Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
    return this.version === 3 ? this.#line(`,${text}`) : this.bulk(text)
  }

  bigNumber(value: bigint): this {
    return this.version === 3 ? this.#line(`(${value}`) : this.bulk(String(value))
  }

  /** Text to be shown as it is; `format` is `txt` or `mkd`. */
  verbatim(value: string | Uint8Array, format = 'txt'): this {
    if (this.version === 2) return this.bulk(value)
    this.#line(`=${byteLength(value) + 4}`)
    return this.raw(Buffer.concat([Buffer.from(`${format}:`), Buffer.from(value), Buffer.from('\r\n')]))
  }

  /** An array of so many elements. */
  array(count: number): this {
    return this.#line(`*${count}`)
  }

  /** A map of so many pairs; for RESP2 a flat array. */
  map(count: number): this {
    return this.#line(this.version === 3 ? `%${count}` : `*${2 * count}`)
  }

  /** A set of so many elements; for RESP2 an array. */
  set(count: number): this {
    return this.#line(`${this.version === 3 ? '~' : '*'}${count}`)
  }

  /** An out-of-band message of so many elements; for RESP2 an array. */
  push(count: number): this {
    return this.#line(`${this.version === 3 ? '>' : '*'}${count}`)
  }

  /** Bytes that are encoded already. */
  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes)
    return this
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.#parts)
  }

  #line(text: string): this {
    return this.raw(Buffer.from(`${text}\r\n`, 'latin1'))
  }
}

const byteLength = (value: string | Uint8Array): number =>
  typeof value === 'string' ? Buffer.byteLength(value) : value.length

const digits = (value: number): number => {
  let count = 1
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) count++
  return count
}

const bulkLength = (length: number): number => 1 + digits(length) + 2 + length + 2

function writeBulk(bytes: Buffer, start: number, value: string | Uint8Array): number {
  const length = byteLength(value)
  let at = start + bytes.write(`$${length}\r\n`, start, 'latin1')
  if (typeof value === 'string') bytes.write(value, at)
  else bytes.set(value, at)
  at += length
  bytes[at] = 13
  bytes[at + 1] = 10
  return at + 2
}

/** Redis trims line breaks at the ends of an error and turns the ones within into blanks. */
const oneLine = (text: string): string => text.replace(/^[\r\n]+|[\r\n]+$/g, '').replace(/[\r\n]/g, ' ')
