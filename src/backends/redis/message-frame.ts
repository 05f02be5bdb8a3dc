/** What a frame of a subscriber's RESP2 connection is: an array of bulks, of which the first tells the kind. */
import type { SubscriptionKind } from './subscription.ts'

/** Of messages, by the first element. */
export const MESSAGE_KINDS: Readonly<Record<string, SubscriptionKind>> = {
  message: 'channel',
  pmessage: 'pattern',
  smessage: 'shard',
}

/** The first element of an array of bulks, as text. */
export function kindOf(frame: Buffer): string {
  const [start, end] = bulkAt(frame, frame.indexOf(10) + 1)
  return frame.toString('latin1', start, end)
}

/** The second element of an array of bulks. */
export function secondOf(frame: Buffer): Buffer {
  const [, firstEnd] = bulkAt(frame, frame.indexOf(10) + 1)
  const [start, end] = bulkAt(frame, firstEnd + 2)
  return frame.subarray(start, end)
}

function bulkAt(frame: Buffer, at: number): [start: number, end: number] {
  const line = frame.indexOf(13, at)
  const start = line + 2
  return [start, start + Number(frame.toString('latin1', at + 1, line))]
}
