/**
 * The log of a listener's slow requests: all are counted, and of those between two sweeps the first ones get a line each.
 * When all are slow, logging must not make it worse.
 */
import type { LogFields, Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

const MAX_LINES = 10

export class SlowLog {
  readonly #listener: string
  readonly #logger: Logger
  readonly #count: { value: number }
  #sinceSweep = 0

  constructor(listener: string, { metrics, logger }: { readonly metrics: Metrics; readonly logger: Logger }) {
    this.#listener = listener
    this.#logger = logger
    this.#count = metrics.cell('portolan_slow_requests_total', { listener })
  }

  /** A request took this long; what else is to be said of it is asked for only if it gets a line. */
  add(durationMs: number, describe: () => LogFields): void {
    this.#count.value++
    if (++this.#sinceSweep > MAX_LINES) return
    const rounded = Math.round(durationMs * 100) / 100
    this.#logger.info({ listener: this.#listener, durationMs: rounded, ...describe() }, 'slow request')
  }

  /** To be called once a second. */
  sweep(): void {
    const count = this.#sinceSweep - MAX_LINES
    this.#sinceSweep = 0
    if (count > 0) this.#logger.info({ listener: this.#listener, count }, 'further slow requests')
  }
}
