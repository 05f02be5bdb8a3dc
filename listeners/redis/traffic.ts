/** The bytes of a listener's clients: sessions count for themselves, and the sums are taken now and then. */
import type { Cell, Metrics } from '../../src/observability/metrics.ts'
import type { Session } from './session.ts'

export class Traffic {
  readonly #received: Cell
  readonly #sent: Cell

  constructor(listener: string, metrics: Metrics) {
    this.#received = metrics.cell('portolan_downstream_bytes_total', { listener, direction: 'received' })
    this.#sent = metrics.cell('portolan_downstream_bytes_total', { listener, direction: 'sent' })
  }

  /** Adds what the session has counted since the last time. */
  collect({ facts, outlet }: Session): void {
    this.#received.value += facts.received
    this.#sent.value += outlet.sent
    facts.received = 0
    outlet.sent = 0
  }
}
