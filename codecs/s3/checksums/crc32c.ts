/** CRC-32C (Castagnoli, RFC 3720), sixteen bytes at a time: a table for the place of each of them (bench/codecs/s3.ts). */

/** Bits reversed. */
export const CRC32C_POLYNOMIAL = 0x82f63b78
const SLICES = 16
let tables: Int32Array | undefined

function makeTables(): Int32Array {
  const made = new Int32Array(256 * SLICES)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC32C_POLYNOMIAL : crc >>> 1
    made[byte] = crc
  }
  for (let at = 256; at < made.length; at++) {
    const before = made[at - 256]!
    made[at] = (before >>> 8) ^ made[before & 255]!
  }
  return made
}

/** Goes on from the CRC of what came before, 0 at the beginning; as zlib.crc32 does for CRC-32. */
export function crc32c(bytes: Buffer, before: number): number {
  const t = (tables ??= makeTables())
  let crc = ~before
  let at = 0
  for (const end = bytes.length - SLICES; at <= end; at += SLICES) {
    const first = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
    crc =
      t[3840 + (first & 255)]! ^
      t[3584 + ((first >>> 8) & 255)]! ^
      t[3328 + ((first >>> 16) & 255)]! ^
      t[3072 + (first >>> 24)]! ^
      t[2816 + bytes[at + 4]!]! ^
      t[2560 + bytes[at + 5]!]! ^
      t[2304 + bytes[at + 6]!]! ^
      t[2048 + bytes[at + 7]!]! ^
      t[1792 + bytes[at + 8]!]! ^
      t[1536 + bytes[at + 9]!]! ^
      t[1280 + bytes[at + 10]!]! ^
      t[1024 + bytes[at + 11]!]! ^
      t[768 + bytes[at + 12]!]! ^
      t[512 + bytes[at + 13]!]! ^
      t[256 + bytes[at + 14]!]! ^
      t[bytes[at + 15]!]!
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ t[(crc ^ bytes[at]!) & 255]!
  return ~crc >>> 0
}
