/** Metrics of the process itself, besides those that prom-client collects. */
import { performance } from 'node:perf_hooks'
import { VERSION } from '../version.ts'
import type { Cell, Metrics } from './metrics.ts'

export function registerProcessMetrics(metrics: Metrics): void {
  metrics.cell('portolan_build_info', { version: VERSION, node: process.versions.node }).value = 1
  // Cheaper than a lag histogram, which needs a timer: libuv counts this anyway.
  metrics.source('portolan_event_loop_active_seconds_total', () => [
    { labels: {}, value: performance.eventLoopUtilization().active / 1000 },
  ])
}

const OUTCOMES = ['applied', 'unchanged', 'refused'] as const

export class ReloadMetrics {
  readonly #outcomes: Readonly<Record<(typeof OUTCOMES)[number], Cell>>
  readonly #successful: Cell

  constructor(metrics: Metrics) {
    const cell = (outcome: string) => metrics.cell('portolan_config_reloads_total', { outcome })
    this.#outcomes = { applied: cell('applied'), unchanged: cell('unchanged'), refused: cell('refused') }
    this.#successful = metrics.cell('portolan_config_last_reload_successful')
    this.#successful.value = 1
  }

  record(outcome: (typeof OUTCOMES)[number]): void {
    this.#outcomes[outcome].value++
    this.#successful.value = outcome === 'refused' ? 0 : 1
  }
}
