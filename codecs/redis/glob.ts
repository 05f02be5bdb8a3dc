/**
 * Redis's glob patterns (KEYS, PSUBSCRIBE, ACL rules) on bytes: `*`, `?`, `[abc]`, `[^a-z]` and a backslash before what
 * is meant as it is. Time is at most the product of the lengths, whatever the pattern.
 */

const ASTERISK = 42
const QUESTION = 63
const OPEN = 91
const BACKSLASH = 92
const CLOSE = 93
const CARET = 94
const DASH = 45

/** Whether the pattern matches all of bytes[start, end). As in Redis, `*` does not match nothing at all. */
export function globMatches(pattern: Uint8Array, bytes: Uint8Array, start = 0, end = bytes.length): boolean {
  const length = pattern.length
  if (start === end) return length === 0
  let p = 0
  let s = start
  // Where to go on when what follows the last asterisk did not match; earlier ones need not be looked at again.
  let afterStar = -1
  let starAt = 0
  while (s < end) {
    if (p < length && pattern[p] === ASTERISK) {
      while (p < length && pattern[p] === ASTERISK) p++
      if (p === length) return true
      afterStar = p
      starAt = s
      continue
    }
    const next = p < length ? matchOne(pattern, p, bytes[s]!) : -1
    if (next >= 0) {
      p = next
      s++
    } else {
      if (afterStar < 0) return false
      p = afterStar
      s = ++starAt
    }
  }
  while (p < length && pattern[p] === ASTERISK) p++
  return p === length
}

/** Where the pattern goes on when its element at p matches the byte, else -1. */
function matchOne(pattern: Uint8Array, p: number, byte: number): number {
  switch (pattern[p]) {
    case QUESTION:
      return p + 1
    case OPEN:
      return matchClass(pattern, p + 1, byte)
    case BACKSLASH: {
      const at = p + 1 < pattern.length ? p + 1 : p
      return pattern[at] === byte ? at + 1 : -1
    }
    default:
      return pattern[p] === byte ? p + 1 : -1
  }
}

/** A class that is not closed ends with the pattern. */
function matchClass(pattern: Uint8Array, first: number, byte: number): number {
  const length = pattern.length
  const negated = pattern[first] === CARET
  let p = negated ? first + 1 : first
  let found = false
  while (p < length && pattern[p] !== CLOSE) {
    if (pattern[p] === BACKSLASH && p + 1 < length) {
      p++
      if (pattern[p] === byte) found = true
    } else if (p + 2 < length && pattern[p + 1] === DASH) {
      if (isBetween(byte, pattern[p]!, pattern[p + 2]!)) found = true
      p += 2
    } else if (pattern[p] === byte) {
      found = true
    }
    p++
  }
  if (found === negated) return -1
  return p < length ? p + 1 : length
}

/** Either way round; signed, as are the characters of C where most servers run. */
function isBetween(byte: number, a: number, b: number): boolean {
  const [value, from, to] = [(byte << 24) >> 24, (a << 24) >> 24, (b << 24) >> 24]
  return from <= to ? value >= from && value <= to : value >= to && value <= from
}
