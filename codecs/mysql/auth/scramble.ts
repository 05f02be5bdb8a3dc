/** The challenge of a server: a greeting's or an AuthSwitchRequest's. */
import { randomBytes } from 'node:crypto'
import { SCRAMBLE_BYTES } from '../greeting.ts'

const DOLLAR = 0x24

/** Random bytes, seven bits each, none of them NUL, which ends it, or `$`, which MySQL avoids as well. */
export function newScramble(length: number = SCRAMBLE_BYTES): Buffer {
  const bytes = randomBytes(length)
  for (let i = 0; i < length; i++) {
    bytes[i]! &= 0x7f
    while (bytes[i] === 0 || bytes[i] === DOLLAR) bytes[i] = randomBytes(1)[0]! & 0x7f
  }
  return bytes
}
