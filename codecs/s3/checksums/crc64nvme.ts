/** CRC-64/NVME, eight bytes at a time; in two halves, as numbers have but 32 bits for this (bench/codecs/s3.ts). */

/** Bits reversed. */
export const CRC64NVME_POLYNOMIAL = 0x9a6c9329ac4bc9b5n
const SLICES = 8

interface Tables {
  readonly low: Int32Array
  readonly high: Int32Array
}

let tables: Tables | undefined

function makeTables(): Tables {
  const low = new Int32Array(256 * SLICES)
  const high = new Int32Array(256 * SLICES)
  for (let byte = 0; byte < 256; byte++) {
    let crc = BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ CRC64NVME_POLYNOMIAL : crc >> 1n
    low[byte] = Number(crc & 0xffffffffn)
    high[byte] = Number(crc >> 32n)
  }
  for (let at = 256; at < low.length; at++) {
    const before = low[at - 256]!
    low[at] = ((before >>> 8) | (high[at - 256]! << 24)) ^ low[before & 255]!
    high[at] = (high[at - 256]! >>> 8) ^ high[before & 255]!
  }
  return { low, high }
}

export class Crc64Nvme {
  #low = -1
  #high = -1

  update(bytes: Buffer): void {
    const { low: l, high: h } = (tables ??= makeTables())
    let low = this.#low
    let high = this.#high
    let at = 0
    for (const end = bytes.length - SLICES; at <= end; at += SLICES) {
      const a = low ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
      const b = high ^ (bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24))
      const i0 = 1792 + (a & 255)
      const i1 = 1536 + ((a >>> 8) & 255)
      const i2 = 1280 + ((a >>> 16) & 255)
      const i3 = 1024 + (a >>> 24)
      const i4 = 768 + (b & 255)
      const i5 = 512 + ((b >>> 8) & 255)
      const i6 = 256 + ((b >>> 16) & 255)
      const i7 = b >>> 24
      low = l[i0]! ^ l[i1]! ^ l[i2]! ^ l[i3]! ^ l[i4]! ^ l[i5]! ^ l[i6]! ^ l[i7]!
      high = h[i0]! ^ h[i1]! ^ h[i2]! ^ h[i3]! ^ h[i4]! ^ h[i5]! ^ h[i6]! ^ h[i7]!
    }
    for (; at < bytes.length; at++) {
      const i = (low ^ bytes[at]!) & 255
      low = ((low >>> 8) | (high << 24)) ^ l[i]!
      high = (high >>> 8) ^ h[i]!
    }
    this.#low = low
    this.#high = high
  }

  /** Eight bytes, the most significant first. */
  digest(): Buffer {
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeInt32BE(~this.#high, 0)
    bytes.writeInt32BE(~this.#low, 4)
    return bytes
  }
}
