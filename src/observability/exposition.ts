/** Metrics as Prometheus reads them: a prom-client registry whose metrics read ours at each scrape. */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client'
import { FAMILIES, type Family, type FamilyName } from './families.ts'
import type { HistogramSample, Metrics, Sample } from './metrics.ts'
import { Sums } from './sums.ts'

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
function valuesOf(name: string, { bounds = [] }: Family, samples: Iterable<Sample | HistogramSample>): Value[] {
  const values: Value[] = []
  for (const sample of new Sums().add(samples).values()) {
    if ('value' in sample) values.push(sample)
    else pushHistogram(values, name, bounds, sample)
  }
  return values
}

function pushHistogram(values: Value[], name: string, bounds: readonly number[], sample: HistogramSample): void {
  const { labels, counts, sum } = sample
  let cumulated = 0
  for (let i = 0; i <= bounds.length; i++) {
    cumulated += counts[i] ?? 0
    values.push({ labels: { ...labels, le: bounds[i] ?? '+Inf' }, value: cumulated, metricName: `${name}_bucket` })
  }
  values.push({ labels, value: sum, metricName: `${name}_sum` })
  values.push({ labels, value: cumulated, metricName: `${name}_count` })
}
