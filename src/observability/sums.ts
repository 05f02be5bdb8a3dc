/** Samples with equal labels, added together. */
import type { HistogramSample, Sample } from './metrics.ts'

type Total = { readonly labels: Sample['labels']; value: number } | HistogramTotal

interface HistogramTotal {
  readonly labels: HistogramSample['labels']
  readonly counts: number[]
  sum: number
}

export class Sums {
  readonly #totals = new Map<string, Total>()

  add(samples: Iterable<Sample | HistogramSample>): this {
    for (const sample of samples) {
      const key = JSON.stringify(sample.labels)
      const total = this.#totals.get(key)
      if (!total) this.#totals.set(key, copy(sample))
      else if ('value' in total) total.value += (sample as Sample).value
      else addHistogram(total, sample as HistogramSample)
    }
    return this
  }

  values(): Iterable<Sample | HistogramSample> {
    return this.#totals.values()
  }
}

function copy(sample: Sample | HistogramSample): Total {
  return 'value' in sample ? { ...sample } : { ...sample, counts: Array.from(sample.counts) }
}

function addHistogram(total: HistogramTotal, { counts, sum }: HistogramSample): void {
  for (let i = 0; i < counts.length; i++) total.counts[i] = (total.counts[i] ?? 0) + counts[i]!
  total.sum += sum
}
