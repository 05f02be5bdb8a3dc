/** Header fields out of their compressed form, HPACK. RFC 7541. Texts are latin1: one character for each octet. */
import { connectionError } from './errors.ts'
import { decodeHuffman } from './huffman.ts'
import { STATIC_TABLE } from './static-table.ts'

export interface FieldSink {
  onField(name: string, value: string): void
}

/** What our SETTINGS leave it at. */
const MAX_TABLE_BYTES = 4_096
/** Counted for each entry beside its texts. */
const ENTRY_BYTES = 32

export class HpackDecoder {
  /** Entries, the oldest first; those before `#first` are gone. */
  #names: string[] = []
  #values: string[] = []
  #first = 0
  #bytes = 0
  #maxBytes = MAX_TABLE_BYTES
  #at = 0

  /** Hands over the fields of a whole block. Throws ProtocolError; the connection is then lost. */
  decode(block: Buffer, sink: FieldSink): void {
    this.#at = 0
    let updatable = true
    while (this.#at < block.length) {
      const byte = block[this.#at]!
      if (byte & 0x80) this.#indexed(this.#integer(block, 7), sink)
      else if (byte & 0x40) this.#literal(block, this.#integer(block, 6), true, sink)
      else if (byte & 0x20) {
        if (!updatable) throw broken('the size of the table changes between fields')
        this.#resize(this.#integer(block, 5))
        continue
      } else this.#literal(block, this.#integer(block, 4), false, sink)
      updatable = false
    }
  }

  #indexed(index: number, sink: FieldSink): void {
    if (index === 0) throw broken('index 0')
    if (index <= STATIC_TABLE.length) {
      const [name, value] = STATIC_TABLE[index - 1]!
      sink.onField(name, value)
    } else {
      const at = this.#entry(index)
      sink.onField(this.#names[at]!, this.#values[at]!)
    }
  }

  #literal(block: Buffer, index: number, keep: boolean, sink: FieldSink): void {
    const name = index === 0 ? this.#string(block) : this.#nameOf(index)
    const value = this.#string(block)
    if (keep) this.#add(name, value)
    sink.onField(name, value)
  }

  #nameOf(index: number): string {
    return index <= STATIC_TABLE.length ? STATIC_TABLE[index - 1]![0] : this.#names[this.#entry(index)]!
  }

  /** Where an entry of the table stands; the newest has the lowest index. */
  #entry(index: number): number {
    const at = this.#names.length - (index - STATIC_TABLE.length)
    if (at < this.#first) throw broken(`index ${index} stands for nothing`)
    return at
  }

  #add(name: string, value: string): void {
    this.#bytes += name.length + value.length + ENTRY_BYTES
    this.#names.push(name)
    this.#values.push(value)
    this.#evict()
  }

  #resize(bytes: number): void {
    if (bytes > MAX_TABLE_BYTES) throw broken(`a table of ${bytes} bytes`)
    this.#maxBytes = bytes
    this.#evict()
  }

  #evict(): void {
    while (this.#bytes > this.#maxBytes) {
      this.#bytes -= this.#names[this.#first]!.length + this.#values[this.#first]!.length + ENTRY_BYTES
      this.#names[this.#first] = ''
      this.#values[this.#first] = ''
      this.#first++
    }
    // Those that are gone leave together, not one by one.
    if (this.#first > MAX_TABLE_BYTES / ENTRY_BYTES) {
      this.#names = this.#names.slice(this.#first)
      this.#values = this.#values.slice(this.#first)
      this.#first = 0
    }
  }

  #integer(block: Buffer, prefixBits: number): number {
    const max = (1 << prefixBits) - 1
    let value = block[this.#at++]! & max
    if (value < max) return value
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= block.length) throw broken('a number is cut off')
      // Nothing here has a length or an index of more than 28 bits.
      if (shift > 21) throw broken('a number is too long')
      const byte = block[this.#at++]!
      value += (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }

  #string(block: Buffer): string {
    if (this.#at >= block.length) throw broken('a string is missing')
    const isHuffman = (block[this.#at]! & 0x80) !== 0
    const length = this.#integer(block, 7)
    const from = this.#at
    const to = from + length
    if (to > block.length) throw broken('a string is cut off')
    this.#at = to
    return isHuffman ? decodeHuffman(block, from, to) : block.toString('latin1', from, to)
  }
}

function broken(message: string) {
  return connectionError('COMPRESSION_ERROR', message)
}
