/**
 * The compressed protocol: once both sides have agreed to it and the login is over, packets travel inside frames, which
 * take no notice of where a packet ends.
 *
 *     | bytes that follow: 3 | sequence id: 1 | bytes before compression: 3, or 0 when they are not compressed | bytes ... |
 *
 * Frames have sequence ids of their own: 0 for the first one of a command, and one more for each, in whichever direction.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_compression.html
 */
import * as zlib from 'node:zlib'
import { ProtocolError } from '../codec.ts'
import { writeHeader } from './writer.ts'

export type CompressionAlgorithm = 'zlib' | 'zstd'

export interface Compression {
  readonly algorithm: CompressionAlgorithm
  /** 1 (fast) to 9 with zlib, to 22 with zstd. */
  readonly level: number
}

/** Frames are compressed while everybody else waits: fast levels. */
export const COMPRESSION_LEVELS: Readonly<Record<CompressionAlgorithm, number>> = { zlib: 1, zstd: 3 }

const FRAME_HEADER_BYTES = 7
/** Less is not worth it, as servers have it. */
const MIN_COMPRESSED_BYTES = 50
/** Of one frame of ours, before compression: a peer can begin to read when the first has come. */
const MAX_FRAME_BYTES = 65_536
/** What is gathered of a frame grows with what has come, not with what its header claims. */
const FIRST_GATHER_BYTES = 16_384

interface Codec {
  compress(bytes: Uint8Array, level: number): Buffer
  /** Throws when the result is longer than maxBytes. */
  decompress(bytes: Uint8Array, maxBytes: number): Buffer
}

/** What newer releases of Node have besides. */
interface ZstdFunctions {
  readonly zstdCompressSync?: (bytes: Uint8Array, options: object) => Buffer
  readonly zstdDecompressSync?: (bytes: Uint8Array, options: object) => Buffer
  readonly constants: { readonly Z_BEST_SPEED: number; readonly ZSTD_c_compressionLevel?: number }
}

const zstd: ZstdFunctions = zlib

const CODECS: Readonly<Record<CompressionAlgorithm, Codec | undefined>> = {
  zlib: {
    compress: (bytes, level) => zlib.deflateSync(bytes, { level }),
    decompress: (bytes, maxOutputLength) => zlib.inflateSync(bytes, { maxOutputLength }),
  },
  zstd:
    zstd.zstdCompressSync && zstd.zstdDecompressSync
      ? {
          compress: (bytes, level) =>
            zstd.zstdCompressSync!(bytes, { params: { [zstd.constants.ZSTD_c_compressionLevel!]: level } }),
          decompress: (bytes, maxOutputLength) => zstd.zstdDecompressSync!(bytes, { maxOutputLength }),
        }
      : undefined,
}

/** Whether this release of Node has the algorithm: zlib always, zstd since 22.15. */
export const canCompress = (algorithm: CompressionAlgorithm): boolean => CODECS[algorithm] !== undefined

function codecOf(algorithm: CompressionAlgorithm): Codec {
  const codec = CODECS[algorithm]
  if (!codec) throw new Error(`this release of Node has no ${algorithm}`)
  return codec
}

/** Takes the bytes of a frame, or of a part of one; others may reuse them unless they are owned. False: no further frame for now. */
export type FrameSink = (bytes: Buffer, owned: boolean) => boolean

/** Takes frames and hands out the bytes in them. */
export class CompressedReader {
  /** Of the frame begun last: what we write next has one more. */
  sequence = 0
  readonly #codec: Codec
  readonly #sink: FrameSink
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES)
  #headerBytes = 0
  /** Bytes to come of the frame at hand. */
  #left = 0
  /** Of the frame at hand, before compression; 0 when it is not compressed. */
  #plainBytes = 0
  /** What has come of a compressed frame that is not there whole. */
  #gathered: Buffer | undefined
  #gatheredBytes = 0

  constructor(algorithm: CompressionAlgorithm, sink: FrameSink) {
    this.#codec = codecOf(algorithm)
    this.#sink = sink
  }

  /** True while nothing of a frame is missing. */
  get betweenFrames(): boolean {
    return this.#headerBytes === 0 && this.#left === 0
  }

  /**
   * Returns up to where bytes were taken: to the end, or to where the sink said false. Throws ProtocolError
   * `compressed-frame` when a frame is not what its header says; then discard the reader.
   */
  write(bytes: Buffer, start: number, end: number): number {
    let at = start
    let goOn = true
    while (at < end && goOn) {
      if (this.#left === 0) {
        at = this.#readHeader(bytes, at, end)
        continue
      }
      const stop = Math.min(end, at + this.#left)
      const part = bytes.subarray(at, stop)
      this.#left -= stop - at
      at = stop
      if (this.#plainBytes === 0) goOn = this.#sink(part, false)
      else if (this.#left === 0 && this.#gatheredBytes === 0) goOn = this.#decompress(part)
      else {
        this.#gather(part)
        if (this.#left === 0) goOn = this.#decompress(this.#takeGathered())
      }
    }
    return at
  }

  #readHeader(bytes: Buffer, start: number, end: number): number {
    const header = this.#header
    const stop = Math.min(end, start + FRAME_HEADER_BYTES - this.#headerBytes)
    bytes.copy(header, this.#headerBytes, start, stop)
    this.#headerBytes += stop - start
    if (this.#headerBytes < FRAME_HEADER_BYTES) return stop
    this.#headerBytes = 0
    this.#left = header.readUIntLE(0, 3)
    this.sequence = header[3]!
    this.#plainBytes = header.readUIntLE(4, 3)
    if (this.#left === 0 && this.#plainBytes > 0) throw badFrame('an empty frame is said to hold something')
    return stop
  }

  #decompress(frame: Buffer): boolean {
    let plain: Buffer
    try {
      plain = this.#codec.decompress(frame, this.#plainBytes)
    } catch {
      throw badFrame('it cannot be decompressed, or to more than its header says')
    }
    if (plain.length !== this.#plainBytes) throw badFrame('it is shorter than its header says')
    return this.#sink(plain, true)
  }

  #gather(part: Buffer): void {
    const needed = this.#gatheredBytes + part.length
    if (this.#gathered === undefined || needed > this.#gathered.length) {
      const larger = Buffer.allocUnsafe(Math.max(FIRST_GATHER_BYTES, Math.min(2 * needed, needed + this.#left)))
      this.#gathered?.copy(larger, 0, 0, this.#gatheredBytes)
      this.#gathered = larger
    }
    part.copy(this.#gathered, this.#gatheredBytes)
    this.#gatheredBytes = needed
  }

  #takeGathered(): Buffer {
    const frame = this.#gathered!.subarray(0, this.#gatheredBytes)
    this.#gathered = undefined
    this.#gatheredBytes = 0
    return frame
  }
}

export class CompressedWriter {
  /** Of the next frame: 0 for a command, one more than the reader's for what answers the peer. */
  nextSequence = 0
  readonly #codec: Codec
  readonly #level: number

  constructor({ algorithm, level }: Compression) {
    this.#codec = codecOf(algorithm)
    this.#level = level
  }

  /** Frames of these bytes, in parts to be written one behind the other; some are views of the bytes. */
  encode(bytes: Buffer): Buffer[] {
    const parts: Buffer[] = []
    for (let at = 0; at < bytes.length; at += MAX_FRAME_BYTES) {
      const plain = bytes.subarray(at, at + MAX_FRAME_BYTES)
      const packed = plain.length < MIN_COMPRESSED_BYTES ? plain : this.#codec.compress(plain, this.#level)
      const isSmaller = packed.length < plain.length
      const body = isSmaller ? packed : plain
      const header = Buffer.alloc(FRAME_HEADER_BYTES)
      writeHeader(header, 0, body.length, this.nextSequence)
      header.writeUIntLE(isSmaller ? plain.length : 0, 4, 3)
      this.nextSequence = (this.nextSequence + 1) & 0xff
      parts.push(header, body)
    }
    return parts
  }
}

const badFrame = (what: string): ProtocolError => new ProtocolError('compressed-frame', `a compressed frame: ${what}`)
