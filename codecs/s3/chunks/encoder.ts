/** Frames a body for a backend as aws-chunked: in signed chunks, or in unsigned ones with a trailer. */
import { hash } from 'node:crypto'
import { S3Error } from '../errors.ts'
import type { ChunkSeed } from '../signature/index.ts'
import { SignatureChain } from './chain.ts'

/** Takes what is to be sent. What is owned is the sink's for good, other bytes only until it returns. */
export type ByteSink = (bytes: Buffer, owned: boolean) => void

export interface AwsChunkedEncoder {
  /** Takes data, as much in all as was announced. */
  write(view: Buffer): void
  /** All data was written; name, value ... of the trailers. Throws IncompleteBody if it was less. */
  end(trailers: readonly string[]): void
}

/** Of the data. All stores take it, and AWS nothing below 8 KiB but for the last one. */
export const CHUNK_BYTES = 64 * 1024

const CRLF = Buffer.from('\r\n')
const SIGNATURE_BYTES = ';chunk-signature='.length + 64
const TRAILER_SIGNATURE_BYTES = 'x-amz-trailer-signature:'.length + 64 + 2

/**
 * Bytes of the whole body as it is sent, its Content-Length. `trailers` as end() will get them: of a value that is not
 * known yet, any of the same length.
 */
export function encodedLength(decodedLength: number, signed: boolean, trailers: readonly string[]): number {
  const extra = signed ? SIGNATURE_BYTES : 0
  const full = Math.floor(decodedLength / CHUNK_BYTES)
  const rest = decodedLength % CHUNK_BYTES
  let length = full * (hexDigits(CHUNK_BYTES) + extra + 4 + CHUNK_BYTES)
  if (rest > 0) length += hexDigits(rest) + extra + 4 + rest
  length += 1 + extra + 2
  for (let at = 0; at < trailers.length; at += 2) length += trailers[at]!.length + trailers[at + 1]!.length + 3
  if (signed && trailers.length > 0) length += TRAILER_SIGNATURE_BYTES
  return length + 2
}

function hexDigits(size: number): number {
  return size.toString(16).length
}

/** A signature stands before its chunk, so one chunk is gathered. */
export class SignedChunkEncoder implements AwsChunkedEncoder {
  readonly #sink: ByteSink
  readonly #chain: SignatureChain
  readonly #counter: Counter
  #buffer: Buffer | undefined
  #filled = 0

  constructor(decodedLength: number, seed: ChunkSeed, sink: ByteSink) {
    this.#sink = sink
    this.#chain = new SignatureChain(seed)
    this.#counter = new Counter(decodedLength)
  }

  write(view: Buffer): void {
    for (let at = 0; at < view.length; ) {
      const size = Math.min(CHUNK_BYTES, this.#filled + this.#counter.missing)
      this.#buffer ??= Buffer.allocUnsafeSlow(HEAD_BYTES + size + CRLF.length)
      const bytes = Math.min(size - this.#filled, view.length - at)
      this.#counter.take(bytes)
      view.copy(this.#buffer, HEAD_BYTES + this.#filled, at, at + bytes)
      this.#filled += bytes
      at += bytes
      if (this.#filled === size) this.#flush(this.#buffer)
    }
  }

  end(trailers: readonly string[]): void {
    this.#counter.end()
    let text = `0;chunk-signature=${this.#sign(EMPTY)}\r\n`
    let lines = ''
    for (let at = 0; at < trailers.length; at += 2) lines += `${trailers[at]}:${trailers[at + 1]}\n`
    if (lines !== '') {
      text += lines.replaceAll('\n', '\r\n')
      text += `x-amz-trailer-signature:${this.#chain.sign(this.#chain.trailerText(lines))}\r\n`
    }
    this.#sink(Buffer.from(`${text}\r\n`, 'latin1'), true)
  }

  #flush(buffer: Buffer): void {
    const data = buffer.subarray(HEAD_BYTES, HEAD_BYTES + this.#filled)
    const head = `${this.#filled.toString(16)};chunk-signature=${this.#sign(data)}\r\n`
    const start = HEAD_BYTES - head.length
    buffer.write(head, start, 'latin1')
    CRLF.copy(buffer, HEAD_BYTES + this.#filled)
    this.#sink(buffer.subarray(start, HEAD_BYTES + this.#filled + CRLF.length), true)
    this.#buffer = undefined
    this.#filled = 0
  }

  #sign(data: Buffer): string {
    return this.#chain.sign(this.#chain.chunkText(hash('sha256', data, 'hex')))
  }
}

const EMPTY = Buffer.alloc(0)
/** Room for the longest line before a chunk. */
const HEAD_BYTES = hexDigits(CHUNK_BYTES) + SIGNATURE_BYTES + CRLF.length

/** Nothing is gathered: as the length is known, so is the size of each chunk before it comes. */
export class UnsignedChunkEncoder implements AwsChunkedEncoder {
  readonly #sink: ByteSink
  readonly #counter: Counter
  /** Of the chunk, still to come. */
  #missing = 0

  constructor(decodedLength: number, sink: ByteSink) {
    this.#sink = sink
    this.#counter = new Counter(decodedLength)
  }

  write(view: Buffer): void {
    for (let at = 0; at < view.length; ) {
      if (this.#missing === 0) {
        this.#missing = Math.min(CHUNK_BYTES, this.#counter.missing)
        if (this.#missing === 0) throw tooLong()
        this.#sink(Buffer.from(`${this.#missing.toString(16)}\r\n`), true)
      }
      const end = Math.min(at + this.#missing, view.length)
      this.#counter.take(end - at)
      this.#sink(at === 0 && end === view.length ? view : view.subarray(at, end), false)
      this.#missing -= end - at
      at = end
      if (this.#missing === 0) this.#sink(CRLF, true)
    }
  }

  end(trailers: readonly string[]): void {
    this.#counter.end()
    let text = '0\r\n'
    for (let at = 0; at < trailers.length; at += 2) text += `${trailers[at]}:${trailers[at + 1]}\r\n`
    this.#sink(Buffer.from(`${text}\r\n`, 'latin1'), true)
  }
}

function tooLong(): S3Error {
  return new S3Error('IncompleteBody', 'The body is longer than announced.')
}

/** Holds a body to its announced length, without which its Content-Length would be a lie. */
class Counter {
  missing: number

  constructor(decodedLength: number) {
    this.missing = decodedLength
  }

  /** Bytes of what is missing; none of it is left when a body is too long. */
  take(bytes: number): void {
    if (bytes === 0) throw tooLong()
    this.missing -= bytes
  }

  end(): void {
    if (this.missing > 0) throw new S3Error('IncompleteBody')
  }
}
