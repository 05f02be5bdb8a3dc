/**
 * Messages out of the body of a call.
 *
 *   | compressed 8 | length 32 | message |
 */
import { gunzipSync, inflateSync } from 'node:zlib'
import { CallFailure, statusError } from './errors.ts'
import { status } from './status.ts'

const PREFIX_BYTES = 5

/** What `grpc-encoding` may name. */
const DECOMPRESS: Readonly<Record<string, typeof gunzipSync>> = { gzip: gunzipSync, deflate: inflateSync }
export const ENCODINGS = 'identity,deflate,gzip'

export class MessageDecoder {
  readonly #onMessage: (message: Buffer) => void
  readonly #encoding: string
  readonly #maxBytes: number
  /** A message that came in pieces, with its prefix. */
  #parts: Buffer[] = []
  #held = 0
  #prefix: Buffer | undefined

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

  #hold(bytes: Buffer): void {
    this.#parts.push(Buffer.from(bytes))
    this.#held += bytes.length
  }

  /** Where the next message begins; -1 when this one goes on. */
  #complete(bytes: Buffer): number {
    const before = this.#held
    if (!this.#prefix) {
      const missing = Math.max(0, PREFIX_BYTES - before)
      if (bytes.length < missing) {
        this.#hold(bytes)
        return -1
      }
      this.#prefix = Buffer.concat([...this.#parts, bytes.subarray(0, missing)])
    }
    const total = PREFIX_BYTES + this.#lengthOf(this.#prefix, 0)
    const taken = Math.min(total - before, bytes.length)
    this.#hold(bytes.subarray(0, taken))
    if (this.#held < total) return -1
    const message = Buffer.concat(this.#parts).subarray(PREFIX_BYTES)
    const [compressed] = this.#prefix
    this.#parts = []
    this.#held = 0
    this.#prefix = undefined
    this.#emit(compressed!, message)
    return taken
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
