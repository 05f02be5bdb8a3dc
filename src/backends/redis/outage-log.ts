/** Says in the log why a backend is away, each reason once, and that it is back. */
import type { ProxyError } from '../../errors.ts'
import { connectFailure } from '../../net/index.ts'
import type { Logger } from '../../observability/logger.ts'

const MAX_TOLD = 16

export class OutageLog {
  readonly #logger: Logger
  /** The reasons of this outage, as far as the log has them. */
  readonly #told = new Set<string>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /**
   * How an attempt to connect has ended: null for well. What one client alone has asked for in vain, while no endpoint is
   * `away`, is its own affair.
   */
  tell(error: ProxyError | null, away: boolean): void {
    if (!error) {
      if (this.#told.size > 0) this.#logger.info({}, 'the backend is back')
      this.#told.clear()
    } else if (away && this.#told.size < MAX_TOLD && !this.#told.has(error.message)) {
      this.#told.add(error.message)
      const { next } = connectFailure(error) ?? {}
      this.#logger.warn({ code: error.code, ...(next && { next }) }, `the backend cannot be used: ${error.message}`)
    }
  }
}
