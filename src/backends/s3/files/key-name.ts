/**
 * The file name of a key: readable where it can be, the same on file systems that do not tell `A` from `a`, and never a
 * path. Bytes other than a-z, 0-9, `.`, `_` and `-` become `%` and two digits; keys that would be too long become `~` and
 * a hash, and their file alone knows the key.
 */
import { createHash } from 'node:crypto'

/** File systems take 255 bytes. */
const MAX_NAME_BYTES = 240

/** The file name that holds this key. */
export function nameOfKey(key: string): string {
  let name = ''
  for (const byte of Buffer.from(key)) {
    const isPlain = (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x5f || byte === 0x2d
    // Not as the first, where it would hide the file or be a path.
    if (isPlain || (byte === 0x2e && name !== '')) name += String.fromCharCode(byte)
    else name += `%${byte.toString(16).padStart(2, '0')}`
  }
  return name.length <= MAX_NAME_BYTES ? name : `~${createHash('sha256').update(key).digest('hex')}`
}

/** The key in its name; undefined when only the file knows it. */
export function keyOfName(name: string): string | undefined {
  if (name.startsWith('~')) return undefined
  const bytes = name.replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}
