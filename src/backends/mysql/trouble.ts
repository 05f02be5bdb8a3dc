/** Why a backend cannot be used, for the log: each reason once, with the next step, until it can be used again. */
import type { ProxyError } from '../../errors.ts'
import { connectFailure } from '../../net/index.ts'
import type { Logger } from '../../observability/logger.ts'
import { nextStep } from './advice.ts'
import { ServerRefusal } from './server-refusal.ts'

/** Reasons that are remembered; a server whose every error reads otherwise fills no log. */
const MAX_TOLD = 20

export class Trouble {
  readonly #logger: Logger
  readonly #hasAccount: boolean
  readonly #tls: boolean
  readonly #told = new Set<string>()

  constructor(logger: Logger, { hasAccount, tls }: { readonly hasAccount: boolean; readonly tls: boolean }) {
    this.#logger = logger
    this.#hasAccount = hasAccount
    this.#tls = tls
  }

  /** No connection could be opened. What one client alone has asked for in vain is its own affair. */
  tell(error: ProxyError): void {
    const number = error instanceof ServerRefusal ? error.serverCode : undefined
    const step = nextStep({ code: error.code, number }, this.#tls)
    if (number !== undefined && (step === undefined || !this.#hasAccount)) return
    if (this.#told.size >= MAX_TOLD || this.#told.has(error.message)) return
    this.#told.add(error.message)
    const next = step ?? connectFailure(error)?.next
    this.#logger.warn({ code: error.code, ...(next && { next }) }, `the backend cannot be used: ${error.message}`)
  }

  /** A connection could be opened. */
  over(): void {
    if (this.#told.size === 0) return
    this.#told.clear()
    this.#logger.info({}, 'the backend is back')
  }
}
