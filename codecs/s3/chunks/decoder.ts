/**
 * Bodies in aws-chunked, as signature version 4 frames them, over views of what was read:
 *
 *     10000;chunk-signature=ad80...\r\n (data) \r\n
 *     0;chunk-signature=b6c6...\r\n
 *     x-amz-checksum-crc32c:sOO8/Q==\r\n
 *     x-amz-trailer-signature:d81f...\r\n
 *     \r\n
 *
 * The signatures are there for signed chunks only, the trailers as `x-amz-trailer` declares them. Strict in sizes and
 * line ends; only behind the last chunk are the empty lines and bare newlines taken that some clients send.
 */
import { createHash, type Hash } from 'node:crypto'
import { S3Error } from '../errors.ts'
import { isSameSignature } from '../signature/index.ts'
import { SignatureChain } from './chain.ts'
import type { AwsChunkedOptions } from './options.ts'
import { Trailers } from './trailers.ts'

export interface AwsChunkedSink {
  /** A piece of the data, not verified yet: the sink's only until it returns, as the caller of the decoder has it. */
  onData(view: Buffer): void
  /** The data so far is what was signed. Called only where chunks are signed. */
  onChunkVerified(): void
  /** A declared trailer, its name in lower case; also its signature is verified. */
  onTrailer(name: string, value: string): void
  onEnd(): void
}

const CR = 0x0d
const LF = 0x0a
const MAX_LINE_BYTES = 4096
/** Some clients fill sizes up with zeros. */
const SIZE = /^[0-9a-fA-F]{1,16}$/
const SIGNED_LINE = /^([0-9a-fA-F]{1,16});chunk-signature=([0-9a-f]{64})$/

export class AwsChunkedDecoder {
  readonly #sink: AwsChunkedSink
  readonly #options: AwsChunkedOptions
  readonly #chain: SignatureChain | undefined
  readonly #trailers: Trailers
  #phase: 'size' | 'data' | 'data-end' | 'trailers' | 'ended' = 'size'
  /** Of a line that is not whole yet. */
  #line = ''
  /** Of the chunk, still to come. */
  #missing = 0
  #total = 0
  #chunks = 0
  #signature = ''
  #hash: Hash | undefined

  constructor(options: AwsChunkedOptions, sink: AwsChunkedSink) {
    this.#options = options
    this.#sink = sink
    this.#chain = options.seed && new SignatureChain(options.seed)
    this.#trailers = new Trailers(options)
  }

  /** Takes the next bytes of the request's body. Throws S3Error; then nothing of the body may be kept. */
  write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#phase === 'data') at = this.#takeData(bytes, at)
      else if (this.#phase === 'ended') throw new S3Error('IncompleteBody', 'The body goes on behind its end.')
      else at = this.#takeLine(bytes, at)
    }
  }

  /** The request's body has ended. Throws S3Error unless it is whole. */
  end(): void {
    if (this.#phase !== 'trailers' || this.#line !== '') throw incomplete()
    this.#trailers.end(this.#chain)
    this.#phase = 'ended'
    for (const [name, value] of this.#trailers.values) this.#sink.onTrailer(name, value)
    this.#sink.onEnd()
  }

  #takeData(bytes: Buffer, at: number): number {
    const end = Math.min(at + this.#missing, bytes.length)
    const view = at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end)
    this.#missing -= end - at
    this.#hash?.update(view)
    this.#sink.onData(view)
    if (this.#missing === 0) {
      this.#verifyChunk()
      this.#phase = 'data-end'
    }
    return end
  }

  #takeLine(bytes: Buffer, at: number): number {
    const lf = bytes.indexOf(LF, at)
    const end = lf < 0 ? bytes.length : lf
    if (this.#line.length + end - at > MAX_LINE_BYTES) throw malformed('has a line that is too long')
    this.#line += bytes.toString('latin1', at, end)
    if (lf < 0) return end
    const line = this.#line
    this.#line = ''
    if (this.#phase === 'trailers') this.#trailers.take(line.endsWith('\r') ? line.slice(0, -1) : line)
    else if (line.charCodeAt(line.length - 1) !== CR) throw malformed('has a line that does not end with CRLF')
    else if (this.#phase === 'size') this.#takeSize(line.slice(0, -1))
    else if (line !== '\r') throw malformed('has a chunk that is longer than its size')
    else this.#phase = 'size'
    return lf + 1
  }

  #takeSize(line: string): void {
    let size = line
    if (this.#chain !== undefined || this.#options.unverifiable) {
      const parts = SIGNED_LINE.exec(line)
      if (parts === null) throw malformed('has a chunk without a size and a signature')
      size = parts[1]!
      this.#signature = parts[2]!
      if (this.#chain) this.#hash = createHash('sha256')
    } else if (!SIZE.test(line)) throw malformed('has a chunk without a size')
    const bytes = Number.parseInt(size, 16)
    if (bytes > this.#options.maxChunkBytes) {
      throw new S3Error('InvalidChunkSizeError', `A chunk may have ${this.#options.maxChunkBytes} bytes at most.`)
    }
    this.#chunks++
    this.#total += bytes
    const { decodedLength } = this.#options
    if (decodedLength !== undefined && (bytes === 0 ? this.#total !== decodedLength : this.#total > decodedLength)) {
      throw new S3Error('IncompleteBody', 'The body is not as long as x-amz-decoded-content-length says.')
    }
    this.#missing = bytes
    this.#phase = 'data'
    if (bytes > 0) return
    this.#verifyChunk()
    this.#phase = 'trailers'
  }

  #verifyChunk(): void {
    if (this.#chain === undefined) return
    const text = this.#chain.chunkText(this.#hash!.digest('hex'))
    if (!isSameSignature(this.#chain.sign(text), this.#signature)) {
      throw new S3Error('SignatureDoesNotMatch', undefined, {
        ChunkNumber: String(this.#chunks),
        StringToSign: text,
        SignatureProvided: this.#signature,
      })
    }
    this.#sink.onChunkVerified()
  }
}

function incomplete(): S3Error {
  return new S3Error('IncompleteBody', 'The request body terminated unexpectedly')
}

function malformed(what: string): S3Error {
  return new S3Error('IncompleteBody', `The aws-chunked body ${what}.`)
}
