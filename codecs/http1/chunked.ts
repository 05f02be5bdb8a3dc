/**
 * Bodies in chunks, RFC 9112 section 7.1, over views of what was read; nothing is gathered but the trailer section.
 *
 *     5;extension=1\r\n hello\r\n 0\r\n Trailer: value\r\n \r\n
 *
 * Strict: CRLF only, hexadecimal digits only, and everything between the data bounded.
 */
import { ProtocolError } from '../codec.ts'
import { COLON, CR, LF, SPACE, TAB, TOKEN, VALUE } from './characters.ts'

export interface ChunkedSink {
  /** A piece of the data: the sink's only until it returns, as the caller of the decoder has it. */
  onData(view: Buffer): void
  /** The name in lower case, the value as latin1. */
  onTrailer(name: string, value: string): void
  onEnd(): void
}

/** 15 digits of a size are always a safe integer once they are at most 13 without leading zeros; nobody sends more. */
const MAX_SIZE_DIGITS = 13
/** A size with its extensions, or a line of the trailers. */
const MAX_LINE_BYTES = 4096
/** Of all extensions of a body together: chunks of one byte with long extensions cost much and move nothing. */
const MAX_EXTENSION_BYTES = 64 * 1024
const MAX_TRAILERS = 32

/** Those that would change how a message is read come too late to be anything but an attack. RFC 9110 section 6.5.1. */
const NO_TRAILERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

type Phase = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'trailer-lf' | 'ended'

/** One after the other, any number of bodies; after an error none. */
export class ChunkedDecoder {
  readonly #sink: ChunkedSink
  #phase: Phase = 'size'
  #digits = 0
  /** Of the chunk; while in its data, what is still to come. */
  #size = 0
  #lineBytes = 0
  #extensionBytes = 0
  #line = ''
  #trailers = 0

  constructor(sink: ChunkedSink) {
    this.#sink = sink
  }

  get ended(): boolean {
    return this.#phase === 'ended'
  }

  /** A new body begins. */
  begin(): void {
    this.#phase = 'size'
    this.#digits = 0
    this.#size = 0
    this.#lineBytes = 0
    this.#extensionBytes = 0
    this.#line = ''
    this.#trailers = 0
  }

  /** Takes bytes from `at`; returns the position behind the body, or `end` while it goes on. Throws ProtocolError. */
  write(bytes: Buffer, at: number, end: number): number {
    let i = at
    while (i < end) {
      switch (this.#phase) {
        case 'size':
          this.#takeSize(bytes[i++]!)
          break
        case 'extension':
          this.#takeExtension(bytes[i++]!)
          break
        case 'size-lf':
          if (bytes[i++] !== LF) throw lineError()
          this.#phase = this.#size > 0 ? 'data' : 'trailer'
          this.#lineBytes = 0
          break
        case 'data': {
          const stop = Math.min(end, i + this.#size)
          this.#size -= stop - i
          if (this.#size === 0) this.#phase = 'data-cr'
          this.#sink.onData(i === 0 && stop === bytes.length ? bytes : bytes.subarray(i, stop))
          i = stop
          break
        }
        case 'data-cr':
          if (bytes[i++] !== CR) throw lineError()
          this.#phase = 'data-lf'
          break
        case 'data-lf':
          if (bytes[i++] !== LF) throw lineError()
          this.#phase = 'size'
          this.#digits = 0
          break
        case 'trailer':
          this.#takeTrailer(bytes[i++]!)
          break
        case 'trailer-lf':
          if (bytes[i++] !== LF) throw lineError()
          if (this.#endTrailer()) return i
          break
        case 'ended':
          return i
      }
    }
    return i
  }

  #takeSize(byte: number): void {
    const value = hexValue(byte)
    if (value >= 0) {
      if (this.#digits++ === MAX_SIZE_DIGITS) throw new ProtocolError('chunk-size', 'the size of a chunk is too long')
      this.#size = this.#size * 16 + value
      return
    }
    if (this.#digits === 0) throw new ProtocolError('chunk-size', 'a chunk does not begin with its size')
    this.#lineBytes = this.#digits
    if (byte === CR) this.#phase = 'size-lf'
    else if (byte === SEMICOLON) this.#phase = 'extension'
    else throw byte === LF ? lineError() : new ProtocolError('chunk-size', 'the size of a chunk is no number')
  }

  #takeExtension(byte: number): void {
    if (byte === CR) {
      this.#phase = 'size-lf'
      return
    }
    if (VALUE[byte] !== 1) throw lineError()
    if (++this.#lineBytes > MAX_LINE_BYTES || ++this.#extensionBytes > MAX_EXTENSION_BYTES) {
      throw new ProtocolError('chunk-extension', 'extensions of chunks are too long')
    }
  }

  #takeTrailer(byte: number): void {
    if (byte === CR) {
      this.#phase = 'trailer-lf'
      return
    }
    if (VALUE[byte] !== 1) throw lineError()
    if (this.#line.length === MAX_LINE_BYTES) throw new ProtocolError('trailer', 'a trailer is too long')
    this.#line += String.fromCharCode(byte)
  }

  /** True at the empty line. */
  #endTrailer(): boolean {
    const line = this.#line
    if (line === '') {
      this.#phase = 'ended'
      this.#sink.onEnd()
      return true
    }
    this.#line = ''
    this.#phase = 'trailer'
    if (++this.#trailers > MAX_TRAILERS) throw new ProtocolError('trailer', `more than ${MAX_TRAILERS} trailers`)
    let colon = 0
    while (TOKEN[line.charCodeAt(colon)] === 1) colon++
    if (colon === 0 || line.charCodeAt(colon) !== COLON) {
      throw new ProtocolError('trailer', 'a trailer has no name')
    }
    const name = line.slice(0, colon).toLowerCase()
    if (NO_TRAILERS.has(name)) throw new ProtocolError('trailer', `${name} is not allowed as a trailer`)
    this.#sink.onTrailer(name, withoutSpace(line, colon + 1))
    return false
  }
}

const SEMICOLON = 0x3b

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** Only tab and space: String.trim() would take more. */
function withoutSpace(line: string, from: number): string {
  const isSpace = (i: number) => line.charCodeAt(i) === SPACE || line.charCodeAt(i) === TAB
  let [start, end] = [from, line.length]
  while (start < end && isSpace(start)) start++
  while (end > start && isSpace(end - 1)) end--
  return line.slice(start, end)
}

function lineError(): ProtocolError {
  return new ProtocolError('chunk-line', 'lines of a chunked body end with CR and LF, and hold no control character')
}
