/** A counter that is kept as text and grows by compare-and-set. */
import { ApiError } from '../../apis/index.ts'

/** At each attempt one of those who want a number at the same moment gets it: so many are in the way before one gives up. */
export const MAX_ATTEMPTS = 100

/** The greatest number that every caller can read. */
const GREATEST = 2n ** 63n - 1n

/** The number in that text. */
export function parseCounter(text: string): bigint {
  if (/^\d{1,19}$/.test(text)) return BigInt(text)
  throw new ApiError('internal', 'where the sequence is kept stands something else than a number')
}

/** What the counter is after that many more. */
export function advanced(last: bigint, count: number): bigint {
  const next = last + BigInt(count)
  if (next > GREATEST) throw new ApiError('exhausted', 'the sequence has no numbers left')
  return next
}

/** Nothing was reserved. */
export function tooContended(): ApiError {
  return new ApiError('unavailable', 'too many callers want numbers of this sequence at the same time')
}
