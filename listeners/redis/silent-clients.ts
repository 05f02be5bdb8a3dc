/**
 * Clients that wait to be greeted, as MySQL's do, and say nothing to a server that waits for them: they leave when they have
 * waited long enough, and whoever reads the log is told what they may have been.
 */
import type { Logger } from '../../src/observability/logger.ts'
import type { Clock } from '../../src/protocol.ts'
import type { ClientFacts } from './client-facts.ts'

/** Whoever only looks whether somebody listens has left before. */
const WAITED_MS = 500
/** One line for all that leave within. */
const QUIET_MS = 60_000

export class SilentClients {
  readonly #logger: Logger
  readonly #listener: string
  readonly #clock: Clock
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(logger: Logger, listener: string, clock: Clock) {
    this.#logger = logger
    this.#listener = listener
    this.#clock = clock
  }

  /** A client has left. */
  note({ activeAt, connectedAt, received, lastOperation, address }: ClientFacts): void {
    if (activeAt !== connectedAt || received > 0 || lastOperation !== 0) return
    const now = this.#clock.now()
    if (now - connectedAt < WAITED_MS || now - this.#toldAt < QUIET_MS) return
    this.#toldAt = now
    this.#logger.info(
      { listener: this.#listener, address },
      'a client has left this listener, which speaks Redis, without a word: if it is one of MySQL, which waits to be greeted, check its port',
    )
  }
}
