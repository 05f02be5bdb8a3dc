/** Where a head ends, before anything of it is read. */
import { ProtocolError } from '../codec.ts'
import { CR, LF } from './characters.ts'
import { lineBreakError } from './fields.ts'
import type { HeadLimits } from './limits.ts'

/**
 * The position behind the empty line of the head that begins at `start`; -1 when it has not come yet. Bytes before
 * `seen` were looked at already, with that result. Throws ProtocolError for a head that is too long, and for a line
 * that ends with LF alone: who waits for more of such a head waits for ever.
 */
export function findHeadEnd(bytes: Buffer, start: number, end: number, seen: number, limits: HeadLimits): number {
  const limit = Math.min(end, start + limits.maxHeadBytes)
  for (let i = Math.max(start, seen); i < limit; i++) {
    if (bytes[i] !== LF) continue
    if (i === start || bytes[i - 1] !== CR) throw lineBreakError()
    if (i - start >= 3 && bytes[i - 2] === LF) return i + 1
  }
  if (end - start >= limits.maxHeadBytes) {
    throw new ProtocolError('head-too-long', `a head is longer than ${limits.maxHeadBytes} bytes`)
  }
  return -1
}
