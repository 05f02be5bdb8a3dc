/** HPACK's Huffman code. RFC 7541, appendix B: it is canonical, so that the lengths say everything. */
import { connectionError } from './errors.ts'

/** Bits of each octet's code, and of the end's. */
// biome-ignore format: sixteen to a line
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
]
const END = 256

/**
 * Tables of 256, each for eight more bits: (bits << 8 | octet) where a code ends within them, minus the number of the next
 * table where it goes on, 0 where there is none.
 */
const TABLES = build()

function build(): Int16Array {
  const tables: number[][] = [new Array<number>(256).fill(0)]
  const symbols = LENGTHS.map((_, symbol) => symbol).sort((a, b) => LENGTHS[a]! - LENGTHS[b]! || a - b)
  let code = 0
  let last = LENGTHS[symbols[0]!]!
  for (const symbol of symbols) {
    const bits = LENGTHS[symbol]!
    code <<= bits - last
    last = bits
    if (symbol !== END) place(tables, code, bits, symbol)
    code++
  }
  return Int16Array.from(tables.flat())
}

function place(tables: number[][], code: number, bits: number, symbol: number): void {
  let table = 0
  let left = bits
  for (; left > 8; left -= 8) {
    const index = (code >>> (left - 8)) & 0xff
    if (tables[table]![index] === 0) {
      tables[table]![index] = -tables.length
      tables.push(new Array<number>(256).fill(0))
    }
    table = -tables[table]![index]!
  }
  const first = (code << (8 - left)) & 0xff
  tables[table]!.fill((left << 8) | symbol, first, first + (1 << (8 - left)))
}

/** The text of a Huffman-encoded string, one character for each octet. */
export function decodeHuffman(bytes: Buffer, from: number, to: number): string {
  // No code is shorter than five bits.
  const text = Buffer.allocUnsafe(Math.floor(((to - from) * 8) / 5))
  let length = 0
  let table = 0
  let gathered = 0
  let bits = 0
  for (let at = from; at < to; at++) {
    gathered = ((gathered << 8) | bytes[at]!) & 0xffff
    bits += 8
    while (bits >= 8) {
      const entry = TABLES[(table << 8) | ((gathered >>> (bits - 8)) & 0xff)]!
      if (entry > 0) {
        text[length++] = entry
        bits -= entry >>> 8
        table = 0
      } else {
        if (entry === 0) throw malformed()
        table = -entry
        bits -= 8
      }
    }
  }
  for (;;) {
    const entry = TABLES[(table << 8) | ((gathered << (8 - bits)) & 0xff)]!
    if (entry <= 0 || entry >>> 8 > bits) break
    text[length++] = entry
    bits -= entry >>> 8
    table = 0
  }
  // The rest is the beginning of the end's code, which is all ones, and shorter than an octet.
  const padding = (1 << bits) - 1
  if (table !== 0 || (gathered & padding) !== padding) throw malformed()
  return text.toString('latin1', 0, length)
}

function malformed() {
  return connectionError('COMPRESSION_ERROR', 'a string is no Huffman code')
}
