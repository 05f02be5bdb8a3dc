/**
 * A client's bytes as frames. RFC 9113, section 4.1.
 *
 *   | length 24 | type 8 | flags 8 | reserved 1, stream 31 | payload |
 */
import type { Decoder } from '../codec.ts'
import { MAX_FRAME_BYTES, PREFACE } from './constants.ts'
import { FRAME_HEAD_BYTES } from './encode.ts'
import { connectionError } from './errors.ts'

export interface FrameSink {
  /** `payload` is a view that must not be kept. */
  onFrame(type: number, flags: number, stream: number, payload: Buffer): void
}

export class FrameDecoder implements Decoder {
  readonly #sink: FrameSink
  /** Bytes of the preface that have come. */
  #preface = 0
  /** A frame that came in pieces: its head first, then room for all of it. */
  #held: Buffer | undefined
  #heldBytes = 0

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  write(chunk: Buffer): void {
    const end = chunk.length
    let at = this.#preface < PREFACE.length ? this.#takePreface(chunk) : 0
    if (this.#held) at = this.#complete(this.#held, chunk, at)
    while (end - at >= FRAME_HEAD_BYTES) {
      const next = at + FRAME_HEAD_BYTES + lengthOf(chunk, at)
      if (next > end) break
      this.#emit(chunk, at, next)
      at = next
    }
    if (at < end) this.#hold(chunk, at)
  }

  #emit(bytes: Buffer, at: number, end: number): void {
    const stream = ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!
    this.#sink.onFrame(bytes[at + 3]!, bytes[at + 4]!, stream, bytes.subarray(at + FRAME_HEAD_BYTES, end))
  }

  #takePreface(chunk: Buffer): number {
    const count = Math.min(PREFACE.length - this.#preface, chunk.length)
    if (chunk.compare(PREFACE, this.#preface, this.#preface + count, 0, count) !== 0)
      throw connectionError('PROTOCOL_ERROR', 'this is not HTTP/2')
    this.#preface += count
    return count
  }

  #hold(chunk: Buffer, at: number): void {
    const bytes = chunk.length - at
    const room = bytes < FRAME_HEAD_BYTES ? FRAME_HEAD_BYTES : FRAME_HEAD_BYTES + lengthOf(chunk, at)
    this.#held = Buffer.allocUnsafe(room)
    this.#heldBytes = chunk.copy(this.#held, 0, at)
  }

  /** Returns where the next frame begins. */
  #complete(held: Buffer, chunk: Buffer, at: number): number {
    const taken = chunk.copy(held, this.#heldBytes, at)
    this.#heldBytes += taken
    if (this.#heldBytes < held.length) return at + taken
    const total = FRAME_HEAD_BYTES + lengthOf(held, 0)
    if (total > held.length) {
      const whole = Buffer.allocUnsafe(total)
      held.copy(whole)
      this.#held = whole
      return this.#complete(whole, chunk, at + taken)
    }
    this.#held = undefined
    this.#emit(held, 0, total)
    return at + taken
  }
}

function lengthOf(bytes: Buffer, at: number): number {
  const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
  if (length > MAX_FRAME_BYTES) throw connectionError('FRAME_SIZE_ERROR', `a frame of ${length} bytes`)
  return length
}
