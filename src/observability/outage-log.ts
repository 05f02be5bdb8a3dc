/** Says in the log why a backend is away, each reason once with the next step, and that it is back. */
import type { ProxyError } from '../errors.ts'
import type { Logger } from './logger.ts'

/** Reasons that are remembered; a server whose every error reads otherwise fills no log. */
const MAX_TOLD = 16

export class OutageLog {
  readonly #logger: Logger
  /** The reasons of this outage, as far as the log has them. */
  readonly #told = new Set<string>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** No connection could be opened; `next` is what the user can do about it. */
  tell(error: ProxyError, next: string | undefined): void {
    if (this.#told.size >= MAX_TOLD || this.#told.has(error.message)) return
    this.#told.add(error.message)
    this.#logger.warn({ code: error.code, ...(next && { next }) }, `the backend cannot be used: ${error.message}`)
  }

  /** A connection could be opened. */
  over(): void {
    if (this.#told.size === 0) return
    this.#told.clear()
    this.#logger.info({}, 'the backend is back')
  }
}
