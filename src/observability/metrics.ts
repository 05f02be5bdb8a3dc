/**
 * Metrics as the hot paths see them: cells that are bound once and counted up by plain addition, and sources that are
 * read at each scrape. prom-client stands behind the exposition (exposition.ts) and is loaded at the first scrape.
 */
import { FAMILIES, type FamilyName } from './families.ts'
import { Sums } from './sums.ts'

export type Labels = Readonly<Record<string, string>>

/** A counter or gauge; add to `value` directly. */
export interface Cell {
  value: number
}

export interface Sample {
  readonly labels: Labels
  readonly value: number
}

export interface HistogramSample {
  readonly labels: Labels
  /** Observations per bucket, not cumulative; one more element than the family's bounds (the last is +Inf). */
  readonly counts: ArrayLike<number>
  /** Sum of the observed values in the family's unit. */
  readonly sum: number
}

export type Source = () => Iterable<Sample | HistogramSample>

export class Metrics {
  readonly #sources = new Map<FamilyName, Set<Source>>()
  readonly #cells = new Map<string, Cell>()
  /** What sources that are gone have counted: a counter never falls, although a reload replaces who counts. */
  readonly #past = new Map<FamilyName, Sums>()

  /** Adds a source that is read at each scrape; returns a function that takes it away. */
  source(family: FamilyName, read: Source): () => void {
    const sources = entry(this.#sources, family, () => new Set<Source>())
    sources.add(read)
    return () => {
      if (!sources.delete(read) || FAMILIES[family].type === 'gauge') return
      entry(this.#past, family, () => new Sums()).add(read())
    }
  }

  /** A counter or gauge that lives as long as the process; the same one for the same labels. */
  cell(family: FamilyName, labels: Labels = {}): Cell {
    return entry(this.#cells, `${family} ${JSON.stringify(labels)}`, () => {
      const cell = { value: 0 }
      this.source(family, () => [{ labels, value: cell.value }])
      return cell
    })
  }

  /** All samples of a family, those with equal labels not yet added together. */
  *read(family: FamilyName): Iterable<Sample | HistogramSample> {
    yield* this.#past.get(family)?.values() ?? []
    for (const source of this.#sources.get(family) ?? []) yield* source()
  }
}

function entry<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}
