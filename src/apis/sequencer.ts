/** The API of sequences: numbers under a key, none of which is given twice. */
import type { Features, Store } from './api.ts'

export const sequencerFeatures = {
  'sequencer.unique': 'No number of a key is given twice.',
  'sequencer.monotonic-weak': 'Numbers of a key grow over time, but not strictly between callers.',
  'sequencer.monotonic-strong': 'A number is greater than every number that was given before it was asked for.',
  'sequencer.segment': 'Several numbers are reserved in one step and given out by the sidecar.',
} as const satisfies Features

export interface SequencerStore extends Store {
  /**
   * Reserves `count` numbers in a row for this caller alone and returns the first. The first of all is 1. A reservation
   * whose answer is lost leaves a gap.
   */
  reserve(key: string, count: number): Promise<bigint>
}
