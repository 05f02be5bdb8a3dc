/** Padding of DATA and HEADERS frames. RFC 9113, sections 6.1 and 6.2. */
import { Flag } from './constants.ts'
import { connectionError } from './errors.ts'

/** The payload without its padding. */
export function withoutPadding(flags: number, payload: Buffer): Buffer {
  if (!(flags & Flag.PADDED)) return payload
  if (payload.length === 0)
    throw connectionError('FRAME_SIZE_ERROR', 'a padded frame without the length of its padding')
  const end = payload.length - payload[0]!
  if (end < 1) throw connectionError('PROTOCOL_ERROR', 'padding that is longer than its frame')
  return payload.subarray(1, end)
}
