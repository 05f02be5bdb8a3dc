/** What a listener tells of its sessions: counts, durations and digests of statements, the slow log, and pins. */
import type { ResponseTracker, StatementScanner } from '../../codecs/mysql/index.ts'
import { ServerRefusal } from '../../src/backends/mysql/index.ts'
import { ProxyError } from '../../src/errors.ts'
import type { LogFields } from '../../src/observability/logger.ts'
import type { Sample } from '../../src/observability/metrics.ts'
import { bucketOf, OperationStats, Outcome, outcomeOf } from '../../src/observability/operation-stats.ts'
import { SlowLog } from '../../src/observability/slow-log.ts'
import type { Runtime } from '../../src/protocol.ts'
import { DigestTable } from './digest-table.ts'
import { digestPage, pinPage } from './observer-pages.ts'
import { isStatement, OPERATIONS, operationName, operationOf } from './operations.ts'
import type { MysqlListenerOptions } from './options.ts'
import { PINS } from './pin.ts'
import { indexOf, type OpenPin, PinLog, pinFacts, sumOpen } from './pin-log.ts'
import type { StatementFacts } from './pinning.ts'
import type { Session } from './session.ts'

/** Long pins that are logged between two sweeps; the others wait for the next. */
const MAX_PIN_LINES = 10

export class Observer {
  readonly digests = new DigestTable()
  readonly pins: PinLog
  readonly stats = new OperationStats(() => OPERATIONS, Number.POSITIVE_INFINITY)
  readonly pages = {
    pins: () => pinPage(this.#sessions(), this.pins, this.#runtime.clock),
    digests: () => digestPage(this.digests, this.#runtime.clock),
  }
  readonly #listener: string
  readonly #runtime: Runtime
  readonly #sessions: () => Iterable<Session>
  readonly #slowLog: SlowLog
  readonly #returned: { value: number }
  readonly #affected: { value: number }
  readonly #release: (() => void)[]
  #pinLogMs = Number.POSITIVE_INFINITY

  constructor(listener: string, runtime: Runtime, sessions: () => Iterable<Session>) {
    this.#listener = listener
    this.#runtime = runtime
    this.#sessions = sessions
    const { metrics, logger } = runtime
    this.pins = new PinLog(({ id, identity }, { pin, digest }) =>
      logger.debug(
        { listener, client: id, user: identity.username, reason: pinFacts(pin).name, digest: digest?.id },
        'client pinned to a connection',
      ),
    )
    this.#slowLog = new SlowLog(listener, runtime)
    this.#returned = metrics.cell('portolan_rows_total', { listener, kind: 'returned' })
    this.#affected = metrics.cell('portolan_rows_total', { listener, kind: 'affected' })
    this.#release = [
      metrics.source('portolan_requests_total', () => this.stats.requests(listener)),
      metrics.source('portolan_request_duration_seconds', () => this.stats.durations(listener)),
      metrics.source('portolan_pinned_sessions', () => this.#byReason(sumOpen(this.#sessions(), () => 1))),
      metrics.source('portolan_pins_total', () => this.#byReason(this.pins.counts)),
      metrics.source('portolan_pin_seconds_total', () => this.#byReason(this.#pinSeconds())),
    ]
  }

  apply({ slowLog, pinLog }: MysqlListenerOptions): void {
    this.stats.slowMs = slowLog === 0 ? Number.POSITIVE_INFINITY : slowLog
    this.#pinLogMs = pinLog === 0 ? Number.POSITIVE_INFINITY : pinLog
  }

  /** Of the statement that was scanned last. */
  facts(scanner: StatementScanner): StatementFacts {
    const { kind, flags, sets, readOnly } = scanner
    return { kind, flags, sets, readsOnly: readOnly, digest: this.digests.find(scanner) }
  }

  /** The backend has answered a command; when. */
  answered(session: Session, tracker: ResponseTracker): number {
    const { facts, request } = session
    const now = this.#runtime.clock.now()
    session.activeAt = now
    const durationMs = now - session.startedAt
    const operation = operationOf(request.command, facts.kind)
    const failed = tracker.error !== null
    const bucket = bucketOf(durationMs)
    this.stats.record(operation, failed ? Outcome.ERROR : Outcome.OK, bucket, durationMs)
    const affected = Number(tracker.affectedRows)
    this.#returned.value += tracker.rows
    this.#affected.value += affected
    if (facts.digest !== null && isStatement(operation)) {
      const digest = this.digests.use(facts.digest, now)
      if (failed) digest.errors++
      digest.rows += tracker.rows
      digest.affected += affected
      digest.bytes += session.responseBytes
      digest.totalMs += durationMs
      if (durationMs > digest.maxMs) digest.maxMs = durationMs
      digest.buckets[bucket]!++
    }
    if (durationMs > this.stats.slowMs) this.#slowLog.add(durationMs, () => describeSlow(session, operation, tracker))
    return now
  }

  /** A command was answered without the backend, or needs no answer. */
  answeredHere({ request, facts }: Session, outcome: number): void {
    this.stats.count(operationOf(request.command, facts.kind), outcome)
  }

  /** A command got an error in place of the backend's answer. */
  failed({ request, facts }: Session, error: unknown): void {
    const isServers = !(error instanceof ProxyError) || error instanceof ServerRefusal
    const operation = operationOf(request.command, facts.kind)
    this.stats.count(operation, isServers ? Outcome.ERROR : outcomeOf(error))
    if (facts.digest !== null && isStatement(operation)) {
      this.digests.use(facts.digest, this.#runtime.clock.now()).errors++
    }
  }

  /** The pins of a session have changed. */
  pinned(session: Session): void {
    this.pins.update(session, this.#runtime.clock.now())
  }

  closed(session: Session): void {
    this.pins.close(session, this.#runtime.clock.now())
  }

  /** To be called once a second. */
  sweep(now: number): void {
    this.#slowLog.sweep()
    let lines = 0
    for (const session of this.#sessions()) {
      // Some commands tie their client without an answer.
      session.notePins()
      if (session.openPins.length === 0 || lines >= MAX_PIN_LINES) continue
      const open = this.pins.nextLong(session, now, this.#pinLogMs)
      if (open === undefined) continue
      lines++
      this.#runtime.logger.info(
        { listener: this.#listener, ...describePin(session, open, now) },
        'client pinned to a connection for long',
      )
    }
  }

  /** Ends what metrics read here. */
  close(): void {
    for (const release of this.#release) release()
  }

  #pinSeconds(): Float64Array {
    const now = this.#runtime.clock.now()
    const open = sumOpen(this.#sessions(), ({ since }) => now - since)
    return open.map((ms, index) => (ms + this.pins.endedMs[index]!) / 1000)
  }

  /** A sample for each reason that there has been. */
  #byReason(values: Float64Array): Sample[] {
    const listener = this.#listener
    return [...PINS]
      .filter(([pin]) => this.pins.counts[indexOf(pin)]! > 0)
      .map(([pin, { name: reason }]) => ({ labels: { listener, reason }, value: values[indexOf(pin)]! }))
  }
}

function describeSlow(
  { id, identity, facts }: Session,
  operation: number,
  { rows, error }: ResponseTracker,
): LogFields {
  return {
    operation: operationName(operation),
    rows,
    ...(error ? { errorCode: error.code } : {}),
    client: id,
    user: identity.username,
    digest: facts.digest?.id,
    statement: facts.digest?.text,
  }
}

function describePin({ id, identity }: Session, { pin, since, digest }: OpenPin, now: number): LogFields {
  const { name, advice } = pinFacts(pin)
  return {
    client: id,
    user: identity.username,
    reason: name,
    durationMs: Math.round(now - since),
    digest: digest?.id,
    statement: digest?.text,
    advice,
  }
}
