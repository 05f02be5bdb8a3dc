/** Blocks of header fields: gathered from their frames, with a bound, and decoded. */
import { connectionError, FieldLimits, Flag, HpackDecoder } from '../../../codecs/http2/index.ts'
import { HeadReader } from './request-head.ts'

export class FieldBlocks {
  readonly reader = new HeadReader()
  readonly #hpack = new HpackDecoder()
  /** The stream whose block is not complete; 0: none. */
  #stream = 0
  #isEnd = false
  #parts: Buffer[] = []
  #bytes = 0
  #block: Buffer = Buffer.alloc(0)

  get maxListBytes(): number {
    return FieldLimits.listBytes
  }

  get stream(): number {
    return this.#stream
  }

  /** Whether the stream ends with the block. */
  get isEnd(): boolean {
    return this.#isEnd
  }

  /** True when the block is complete. */
  begin(flags: number, stream: number, part: Buffer): boolean {
    this.#isEnd = (flags & Flag.END_STREAM) !== 0
    if (flags & Flag.END_HEADERS) {
      this.#block = part
      return true
    }
    this.#stream = stream
    this.#parts = []
    this.#bytes = 0
    this.#add(part)
    return false
  }

  continue(flags: number, part: Buffer): boolean {
    if (this.#stream === 0) throw connectionError('PROTOCOL_ERROR', 'a CONTINUATION of nothing')
    this.#add(part)
    if (!(flags & Flag.END_HEADERS)) return false
    this.#stream = 0
    this.#block = Buffer.concat(this.#parts)
    this.#parts = []
    return true
  }

  decode(): HeadReader {
    this.reader.begin()
    this.#hpack.decode(this.#block, this.reader)
    return this.reader
  }

  #add(part: Buffer): void {
    this.#bytes += part.length
    if (this.#bytes > FieldLimits.blockBytes || this.#parts.length >= FieldLimits.frames)
      throw connectionError('ENHANCE_YOUR_CALM', 'a block of fields that does not end')
    this.#parts.push(Buffer.from(part))
  }
}
