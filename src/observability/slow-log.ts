/** The log of a listener's slow requests: all are counted, and of those between two sweeps the first ones get a line each. */
import { LineBudget } from './line-budget.ts'
import type { LogFields, Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

const MAX_LINES = 10

export class SlowLog {
  readonly #listener: string
  readonly #logger: Logger
  readonly #count: { value: number }
  readonly #lines = new LineBudget(MAX_LINES)

  constructor(listener: string, { metrics, logger }: { readonly metrics: Metrics; readonly logger: Logger }) {
    this.#listener = listener
    this.#logger = logger
    this.#count = metrics.cell('portolan_slow_requests_total', { listener })
  }

  /** A request took this long; what else is to be said of it is asked for only if it gets a line. */
  add(durationMs: number, describe: () => LogFields): void {
    this.#count.value++
    if (!this.#lines.take()) return
    const rounded = Math.round(durationMs * 100) / 100
    this.#logger.info({ listener: this.#listener, durationMs: rounded, ...describe() }, 'slow request')
  }

  /** To be called once a second. */
  sweep(): void {
    const count = this.#lines.renew()
    if (count > 0) this.#logger.info({ listener: this.#listener, count }, 'further slow requests')
  }
}
