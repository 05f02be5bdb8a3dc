/** Counts and durations of calls by method, for one listener. */
import type { Metrics } from '../../src/observability/metrics.ts'
import { bucketOf, OperationStats, Outcome } from '../../src/observability/operation-stats.ts'

/** What became of a call, by its gRPC status; what is not here is an error of the store. */
const OUTCOMES: Readonly<Record<number, number>> = {
  0: Outcome.OK,
  3: Outcome.REFUSED,
  4: Outcome.TIMEOUT,
  7: Outcome.REFUSED,
  9: Outcome.REFUSED,
  12: Outcome.REFUSED,
  14: Outcome.UNAVAILABLE,
  16: Outcome.REFUSED,
}

export class Observer {
  readonly #names: string[] = []
  readonly #ids = new Map<string, number>()
  readonly #stats = new OperationStats(() => this.#names, 0)
  readonly #release: (() => void)[]

  constructor(listener: string, metrics: Metrics) {
    this.#release = [
      metrics.source('portolan_requests_total', () => this.#stats.requests(listener)),
      metrics.source('portolan_request_duration_seconds', () => this.#stats.durations(listener)),
    ]
  }

  /** `path` is that of a method we have, so there are few. */
  answered(path: string, code: number, durationMs: number): void {
    let id = this.#ids.get(path)
    if (id === undefined) {
      this.#names.push(path.slice(1))
      this.#ids.set(path, (id = this.#names.length))
    }
    this.#stats.record(id, OUTCOMES[code] ?? Outcome.ERROR, bucketOf(durationMs), durationMs)
  }

  close(): void {
    for (const release of this.#release) release()
  }
}
