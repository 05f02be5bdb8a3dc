/** What was measured: one entry per repetition, row and peer, and the questions that reports ask of them. */

import type { Metric, Sample } from './metrics.ts'
import { median, pairedRatio, spread } from './statistics.ts'

export interface Measurement {
  readonly repetition: number
  readonly row: string
  readonly peer: string
  readonly sample: Sample
  /** Why there is no sample. */
  readonly error?: string
}

export class Results {
  readonly measurements: Measurement[] = []

  add(measurement: Measurement): void {
    this.measurements.push(measurement)
  }

  /** The value of each repetition, in order; undefined where it is missing. */
  series(row: string, peer: string, metric: Metric): (number | undefined)[] {
    const values: (number | undefined)[] = []
    for (const entry of this.measurements) {
      if (entry.row === row && entry.peer === peer) values[entry.repetition] = entry.sample[metric]
    }
    return Array.from(values)
  }

  median(row: string, peer: string, metric: Metric): number | undefined {
    const values = this.#present(row, peer, metric)
    return values.length === 0 ? undefined : median(values)
  }

  spread(row: string, peer: string, metric: Metric): number | undefined {
    const values = this.#present(row, peer, metric)
    return values.length < 2 ? undefined : spread(values)
  }

  /** The median over the repetitions of one peer's value divided by the other's. */
  ratio(row: string, peer: string, other: string, metric: Metric): number | undefined {
    return pairedRatio(this.series(row, peer, metric), this.series(row, other, metric))
  }

  /** The median over the repetitions of what one peer's value has more than the other's. */
  difference(row: string, peer: string, other: string, metric: Metric): number | undefined {
    const others = this.series(row, other, metric)
    const more = this.series(row, peer, metric).flatMap((value, i) =>
      value === undefined || others[i] === undefined ? [] : [value - others[i]],
    )
    return more.length === 0 ? undefined : median(more)
  }

  /** The lowest value among all peers in one repetition. */
  lowest(repetition: number, row: string, metric: Metric): number | undefined {
    const values = this.measurements
      .filter(entry => entry.repetition === repetition && entry.row === row)
      .map(entry => entry.sample[metric])
      .filter(value => value !== undefined)
    return values.length === 0 ? undefined : Math.min(...values)
  }

  error(row: string, peer: string): string | undefined {
    return this.measurements.find(entry => entry.row === row && entry.peer === peer && entry.error !== undefined)?.error
  }

  #present(row: string, peer: string, metric: Metric): number[] {
    return this.series(row, peer, metric).filter(value => value !== undefined)
  }
}
