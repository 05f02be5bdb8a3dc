/** Metrics as Prometheus reads them: a prom-client registry whose metrics read ours at each scrape. */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client'
import { FAMILIES, type Family, type FamilyName } from './families.ts'
import type { HistogramSample, Labels, Metrics, Sample } from './metrics.ts'

/** prom-client's own of 10 ms wakes an idle process a hundred times a second. */
const EVENT_LOOP_PRECISION_MS = 50

export interface Exposition {
  readonly contentType: string
  render(): Promise<string>
}

interface Value {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  readonly metricName?: string
}

export function openExposition(metrics: Metrics): Exposition {
  const registry = new Registry()
  for (const name of Object.keys(FAMILIES) as FamilyName[]) {
    const family: Family = FAMILIES[name]
    const get = async () => ({
      name,
      help: family.help,
      type: family.type,
      aggregator: 'sum',
      values: valuesOf(name, family, metrics.read(name)),
    })
    // All that a registry asks of a metric is its name and get(); the type describes the classes of prom-client.
    registry.registerMetric({ name, get } as unknown as Metric)
  }
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS })
  return { contentType: registry.contentType, render: () => registry.metrics() }
}

/** The values of a family, samples with equal labels added together. */
function valuesOf(name: string, family: Family, samples: Iterable<Sample | HistogramSample>): Value[] {
  return family.type === 'histogram'
    ? histogramValues(name, family.bounds ?? [], samples as Iterable<HistogramSample>)
    : plainValues(samples as Iterable<Sample>)
}

function plainValues(samples: Iterable<Sample>): Value[] {
  const sums = new Map<string, { labels: Labels; value: number }>()
  for (const { labels, value } of samples) {
    const key = JSON.stringify(labels)
    const sum = sums.get(key)
    if (sum) sum.value += value
    else sums.set(key, { labels, value })
  }
  return [...sums.values()]
}

function histogramValues(name: string, bounds: readonly number[], samples: Iterable<HistogramSample>): Value[] {
  const sums = new Map<string, { labels: Labels; counts: number[]; sum: number }>()
  for (const { labels, counts, sum } of samples) {
    const key = JSON.stringify(labels)
    let total = sums.get(key)
    if (!total) sums.set(key, (total = { labels, counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 }))
    for (let i = 0; i <= bounds.length; i++) total.counts[i]! += counts[i] ?? 0
    total.sum += sum
  }
  return [...sums.values()].flatMap(({ labels, counts, sum }) => {
    let cumulated = 0
    const buckets = counts.map((count, i) => {
      cumulated += count
      return { labels: { ...labels, le: bounds[i] ?? '+Inf' }, value: cumulated, metricName: `${name}_bucket` }
    })
    const total = { labels, value: cumulated, metricName: `${name}_count` }
    return [...buckets, { labels, value: sum, metricName: `${name}_sum` }, total]
  })
}
