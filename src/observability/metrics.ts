/**
 * Metrics as the hot paths see them: cells that are bound once and counted up by plain addition, and sources that are
 * read at each scrape. prom-client stands behind the exposition (src/admin) and is loaded at the first scrape.
 */
import type { FamilyName } from './families.ts'

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

  /** Adds a source that is read at each scrape; returns a function that takes it away. */
  source(family: FamilyName, read: Source): () => void {
    let sources = this.#sources.get(family)
    if (!sources) this.#sources.set(family, (sources = new Set()))
    sources.add(read)
    return () => void sources.delete(read)
  }

  /** A counter or gauge with fixed labels that lives as long as the process. */
  cell(family: FamilyName, labels: Labels = {}): Cell {
    const cell = { value: 0 }
    this.source(family, () => [{ labels, value: cell.value }])
    return cell
  }

  /** All samples of a family, those with equal labels not yet added together. */
  *read(family: FamilyName): Iterable<Sample | HistogramSample> {
    for (const source of this.#sources.get(family) ?? []) yield* source()
  }
}
