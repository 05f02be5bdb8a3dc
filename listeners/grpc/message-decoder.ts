/**
 * Messages out of the body of a call.
 *
 *   | compressed 8 | length 32 | message |
 */
import { gunzipSync, inflateSync } from 'node:zlib'
import { CallFailure, statusError } from './errors.ts'
import { status } from './status.ts'

const PREFIX_BYTES = 5
const EMPTY = Buffer.alloc(0)

/** What `grpc-encoding` may name. */
const DECOMPRESS: Readonly<Record<string, typeof gunzipSync>> = { gzip: gunzipSync, deflate: inflateSync }
export const ENCODINGS = 'identity,deflate,gzip'

export class MessageDecoder {
  readonly #onMessage: (message: Buffer) => void
  readonly #encoding: string
  readonly #maxBytes: number
  /** A message that came in pieces, with its prefix, and room for more. */
  #bytes = EMPTY
  #held = 0

  constructor(encoding: string, maxBytes: number, onMessage: (message: Buffer) => void) {
    this.#encoding = encoding
    this.#maxBytes = maxBytes
    this.#onMessage = onMessage
  }

  /** True in the middle of a message. */
  get isPartial(): boolean {
    return this.#held > 0
  }

  /** Messages are copies: the bytes may be used again. Throws CallFailure. */
  write(bytes: Buffer): void {
    let at = 0
    if (this.#held > 0) {
      at = this.#complete(bytes)
      if (at < 0) return
    }
    while (bytes.length - at >= PREFIX_BYTES) {
      const end = at + PREFIX_BYTES + this.#lengthOf(bytes, at)
      if (end > bytes.length) break
      this.#emit(bytes[at]!, Buffer.from(bytes.subarray(at + PREFIX_BYTES, end)))
      at = end
    }
    if (at < bytes.length) this.#hold(bytes.subarray(at))
  }

  /** Into one buffer, as pieces of a byte each would cost a hundred times what they hold. */
  #hold(bytes: Buffer): void {
    const held = this.#held + bytes.length
    if (held > this.#bytes.length) {
      const wider = Buffer.allocUnsafe(Math.max(held, 2 * this.#bytes.length))
      this.#bytes.copy(wider, 0, 0, this.#held)
      this.#bytes = wider
    }
    bytes.copy(this.#bytes, this.#held)
    this.#held = held
  }

  /** Where the next message begins; -1 when this one goes on. */
  #complete(bytes: Buffer): number {
    const missing = Math.max(0, PREFIX_BYTES - this.#held)
    const prefix = bytes.subarray(0, missing)
    this.#hold(prefix)
    if (this.#held < PREFIX_BYTES) return -1
    const total = PREFIX_BYTES + this.#lengthOf(this.#bytes, 0)
    const taken = Math.min(total - this.#held, bytes.length - prefix.length)
    this.#hold(bytes.subarray(prefix.length, prefix.length + taken))
    if (this.#held < total) return -1
    const message = this.#bytes.subarray(PREFIX_BYTES, total)
    const compressed = this.#bytes[0]!
    this.#bytes = EMPTY
    this.#held = 0
    this.#emit(compressed, message)
    return prefix.length + taken
  }

  #lengthOf(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32BE(at + 1)
    if (length > this.#maxBytes) throw this.#tooLarge(length)
    return length
  }

  #tooLarge(length: number): CallFailure {
    const text = `a message of ${length} bytes, of at most ${this.#maxBytes} (option maxMessage)`
    return new CallFailure(statusError(status.RESOURCE_EXHAUSTED, text, 'MESSAGE_TOO_LARGE'))
  }

  #emit(compressed: number, message: Buffer): void {
    if (compressed === 0) return this.#onMessage(message)
    const decompress = DECOMPRESS[this.#encoding]
    if (compressed !== 1 || !decompress) throw broken('a message that is compressed in no known way')
    let plain: Buffer
    try {
      plain = decompress(message, { maxOutputLength: this.#maxBytes })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw this.#tooLarge(message.length)
      throw broken(`a message that is no ${this.#encoding}`)
    }
    this.#onMessage(plain)
  }
}

export function isKnownEncoding(name: string): boolean {
  return name === 'identity' || Object.hasOwn(DECOMPRESS, name)
}

function broken(text: string): CallFailure {
  return new CallFailure(statusError(status.INTERNAL, text, 'BROKEN_MESSAGE'))
}
