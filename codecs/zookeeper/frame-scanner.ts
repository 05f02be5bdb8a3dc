/**
 *   +----------------+-----------------+
 *   | length, 32 bit | length bytes    |      both ways, from the first byte of a connection
 *   +----------------+-----------------+
 */
import type { Decoder } from '../codec.ts'
import { malformed } from './jute.ts'

const HEAD_BYTES = 4

/** Hands on the bytes of each frame without their length; they are views where a chunk holds the whole of it. */
export class FrameScanner implements Decoder {
  readonly #maxFrameBytes: number
  readonly #onFrame: (frame: Buffer) => void
  readonly #head = Buffer.alloc(HEAD_BYTES)
  /** Of a frame that comes in pieces; undefined until its head is complete. */
  #body: Buffer | undefined
  /** Bytes of the head, or of the body once there is one. */
  #filled = 0

  constructor(maxFrameBytes: number, onFrame: (frame: Buffer) => void) {
    this.#maxFrameBytes = maxFrameBytes
    this.#onFrame = onFrame
  }

  write(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#body === undefined) {
        at += this.#fill(this.#head, chunk, at)
        if (this.#filled < HEAD_BYTES) return
        this.#filled = 0
        const length = this.#length()
        if (chunk.length - at >= length) {
          this.#onFrame(chunk.subarray(at, at + length))
          at += length
          continue
        }
        this.#body = Buffer.allocUnsafe(length)
      }
      at += this.#fill(this.#body, chunk, at)
      if (this.#filled < this.#body.length) return
      const frame = this.#body
      this.#body = undefined
      this.#filled = 0
      this.#onFrame(frame)
    }
  }

  #fill(target: Buffer, chunk: Buffer, at: number): number {
    const bytes = chunk.copy(target, this.#filled, at)
    this.#filled += bytes
    return bytes
  }

  #length(): number {
    const length = this.#head.readInt32BE(0)
    if (length < 0) throw malformed('its length is negative')
    if (length > this.#maxFrameBytes) throw malformed(`it is longer than ${this.#maxFrameBytes} bytes`)
    return length
  }
}
