/** What is told of an S3 listener's requests: counts and durations by operation, slow ones, and the access log. */
import type { HistogramSample, Metrics } from '../../src/observability/metrics.ts'
import { bucketOf, OperationStats, Outcome, outcomeOf } from '../../src/observability/operation-stats.ts'
import { SlowLog } from '../../src/observability/slow-log.ts'
import type { Runtime } from '../../src/protocol.ts'
import { AccessLog } from './access-log.ts'
import type { Exchange } from './exchange.ts'
import { logEntryOf } from './log-entry.ts'
import type { S3ListenerOptions } from './options.ts'

export class Observer {
  readonly #listener: string
  readonly #runtime: Runtime
  readonly #stats: OperationStats
  readonly #ids: ReadonlyMap<string, number>
  readonly #slow: SlowLog
  readonly #errors = new Map<string, { value: number }>()
  readonly #release: (() => void)[]
  #log: AccessLog | undefined
  #logPath: string | undefined

  constructor(listener: string, runtime: Runtime, operations: readonly string[]) {
    this.#listener = listener
    this.#runtime = runtime
    this.#ids = new Map(operations.map((name, id) => [name, id + 1]))
    this.#stats = new OperationStats(() => operations, 0)
    this.#slow = new SlowLog(listener, runtime)
    const { metrics }: { readonly metrics: Metrics } = runtime
    this.#release = [
      metrics.source('portolan_requests_total', () => this.#stats.requests(listener)),
      metrics.source(
        'portolan_request_duration_seconds',
        (): Iterable<HistogramSample> => this.#stats.durations(listener),
      ),
    ]
  }

  apply({ slowLog, accessLog }: S3ListenerOptions): void {
    this.#stats.slowMs = slowLog === 0 ? Number.POSITIVE_INFINITY : slowLog
    if (accessLog === this.#logPath) return
    void this.#log?.close()
    this.#logPath = accessLog
    this.#log = accessLog === undefined ? undefined : new AccessLog(accessLog, this.#runtime.logger)
  }

  reopen(): void {
    this.#log?.reopen()
  }

  answered(exchange: Exchange, now: number): void {
    const { startedAt, failure, errorCode, backendErrorCode } = exchange
    const { operation, id: requestId } = exchange.request
    const { status, at: answeredAt } = exchange.answer
    const isError = status >= 400 || backendErrorCode !== ''
    const id = this.#ids.get(operation.name) ?? 0
    const turnAroundMs = answeredAt === 0 ? 0 : answeredAt - startedAt
    if (failure) this.#stats.count(id, outcomeOf(failure))
    else if (errorCode !== '' && status !== 0) this.#stats.count(id, Outcome.REFUSED)
    else this.#stats.record(id, isError ? Outcome.ERROR : Outcome.OK, bucketOf(turnAroundMs), turnAroundMs)
    if (isError) this.#countError(exchange)
    if (turnAroundMs > this.#stats.slowMs)
      this.#slow.add(turnAroundMs, () => ({
        operation: operation.name,
        backend: exchange.backend,
        requestId,
      }))
    this.#log?.add(logEntryOf(exchange, now, turnAroundMs))
  }

  #countError({ answer: { status }, backend }: Exchange): void {
    const key = `${backend} ${status}`
    let cell = this.#errors.get(key)
    if (!cell) {
      const labels = { listener: this.#listener, backend, status: String(status) }
      cell = this.#runtime.metrics.cell('portolan_s3_errors_total', labels)
      this.#errors.set(key, cell)
    }
    cell.value++
  }

  /** To be called once a second. */
  sweep(): void {
    this.#slow.sweep()
    this.#log?.sweep()
  }

  async close(): Promise<void> {
    for (const release of this.#release) release()
    await this.#log?.close()
  }
}
