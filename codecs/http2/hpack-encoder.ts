/**
 * Header fields as literals that no table remembers: there are few in an answer, and without a table nothing has to be
 * kept in step with the peer. RFC 7541, section 6.2.2.
 */
import { STATIC_TABLE } from './static-table.ts'

/** Names that are in the static table; of several the first. */
const INDEX = new Map(STATIC_TABLE.map(([name], i) => [name, i + 1] as const).reverse())

/** Names in lower case; texts are latin1. */
export function encodeFields(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const bytes: number[] = []
  for (const [name, value] of fields) {
    const index = INDEX.get(name) ?? 0
    if (index > 0 && STATIC_TABLE[index - 1]![1] === value) {
      integer(bytes, 0x80, 7, index)
      continue
    }
    integer(bytes, 0, 4, index)
    if (index === 0) text(bytes, name)
    text(bytes, value)
  }
  return Buffer.from(bytes)
}

function text(bytes: number[], value: string): void {
  integer(bytes, 0, 7, value.length)
  for (let i = 0; i < value.length; i++) bytes.push(value.charCodeAt(i) & 0xff)
}

function integer(bytes: number[], first: number, prefixBits: number, value: number): void {
  const max = (1 << prefixBits) - 1
  if (value < max) {
    bytes.push(first | value)
    return
  }
  bytes.push(first | max)
  let left = value - max
  for (; left >= 0x80; left >>>= 7) bytes.push((left & 0x7f) | 0x80)
  bytes.push(left)
}
