/** Sequences for applications: numbers one by one, or out of segments that the sidecar reserves ahead. */
import { ApiError, type SequencerStore } from '../apis/index.ts'
import type { Directory } from './directory.ts'

/** Numbers of a segment; the next one is reserved when this part of it is left. */
const SEGMENT = 1_000
const REFILL_BELOW = SEGMENT / 4
/** Keys whose segments are kept; what is dropped is a gap. */
const MAX_KEYS = 10_000
/** Numbers that one call may ask for. */
const MAX_COUNT = 1_000_000

/** Numbers reserved for a key: the ones given out next, and those that follow. */
class Segment {
  next = 0n
  end = 0n
  ahead: { readonly first: bigint; readonly count: bigint } | undefined
  refilling: Promise<void> | undefined
}

export class SequencerService {
  readonly #directory: Directory
  /** By store, so that a replaced one takes its segments along. */
  readonly #segments = new WeakMap<SequencerStore, Map<string, Segment>>()

  constructor(directory: Directory) {
    this.#directory = directory
  }

  /** The first of `count` numbers in a row. Strong: the store is asked; weak: out of a segment where the store has them. */
  next(name: string, key: string, order: 'weak' | 'strong', count = 1): bigint | Promise<bigint> {
    const component = this.#directory.find('sequencer', name)
    if (key === '') throw new ApiError('invalid-argument', 'the key is empty')
    if (count < 1 || count > MAX_COUNT) throw new ApiError('invalid-argument', `count must be 1 to ${MAX_COUNT}`)
    this.#directory.require(component, order === 'strong' ? 'sequencer.monotonic-strong' : 'sequencer.unique')
    const { store } = component
    if (order === 'strong' || !component.has('sequencer.segment')) return store.reserve(key, count)
    const segment = this.#segment(store, key)
    return take(segment, count) ?? this.#takeLater(store, key, segment, count)
  }

  async #takeLater(store: SequencerStore, key: string, segment: Segment, count: number): Promise<bigint> {
    // A whole segment's worth gets its own reservation: it would only use up everybody's.
    if (count > REFILL_BELOW) return store.reserve(key, count)
    while (true) {
      await this.#refill(store, key, segment)
      const first = take(segment, count)
      if (first !== undefined) return first
    }
  }

  #refill(store: SequencerStore, key: string, segment: Segment): Promise<void> {
    return (segment.refilling ??= store
      .reserve(key, SEGMENT)
      .then(first => {
        segment.ahead = { first, count: BigInt(SEGMENT) }
      })
      .finally(() => {
        segment.refilling = undefined
      }))
  }

  #segment(store: SequencerStore, key: string): Segment {
    let segments = this.#segments.get(store)
    if (!segments) this.#segments.set(store, (segments = new Map()))
    let segment = segments.get(key)
    if (!segment) {
      segments.set(key, (segment = new Segment()))
      if (segments.size > MAX_KEYS) segments.delete(segments.keys().next().value!)
    }
    if (segment.ahead === undefined && segment.end - segment.next < REFILL_BELOW) {
      // Ahead of need; whoever needs it waits for the same reservation and hears of its failure.
      this.#refill(store, key, segment).catch(() => {})
    }
    return segment
  }
}

/** Undefined when the segment has not so many left in a row. */
function take(segment: Segment, count: number): bigint | undefined {
  const wanted = BigInt(count)
  if (segment.end - segment.next < wanted) {
    if (!segment.ahead) return undefined
    segment.next = segment.ahead.first
    segment.end = segment.ahead.first + segment.ahead.count
    segment.ahead = undefined
  }
  const first = segment.next
  segment.next += wanted
  return first
}
