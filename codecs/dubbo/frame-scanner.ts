/** Cuts the bytes of a connection into Dubbo's messages. */
import type { Decoder } from '../codec.ts'
import { type DubboHeader, HEADER_BYTES, malformed, readHeader } from './header.ts'

/** Hands on each message; the body is a view where a chunk holds the whole of it. */
export class DubboScanner implements Decoder {
  readonly #maxBodyBytes: number
  readonly #onMessage: (header: DubboHeader, body: Buffer) => void
  readonly #head = Buffer.alloc(HEADER_BYTES)
  #header: DubboHeader | undefined
  /** Of a message that comes in pieces. */
  #body: Buffer | undefined
  /** Bytes of the head, or of the body once there is one. */
  #filled = 0

  constructor(maxBodyBytes: number, onMessage: (header: DubboHeader, body: Buffer) => void) {
    this.#maxBodyBytes = maxBodyBytes
    this.#onMessage = onMessage
  }

  write(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (!this.#body) {
        at += this.#fill(this.#head, chunk, at)
        if (this.#filled < HEADER_BYTES) return
        this.#filled = 0
        const { length, ...header } = readHeader(this.#head)
        if (length > this.#maxBodyBytes) throw malformed(`its body is longer than ${this.#maxBodyBytes} bytes`)
        if (chunk.length - at >= length) {
          this.#onMessage(header, chunk.subarray(at, at + length))
          at += length
          continue
        }
        this.#header = header
        this.#body = Buffer.allocUnsafe(length)
      }
      at += this.#fill(this.#body, chunk, at)
      if (this.#filled < this.#body.length) return
      const body = this.#body
      this.#body = undefined
      this.#filled = 0
      this.#onMessage(this.#header!, body)
    }
  }

  #fill(target: Buffer, chunk: Buffer, at: number): number {
    const bytes = chunk.copy(target, this.#filled, at)
    this.#filled += bytes
    return bytes
  }
}
