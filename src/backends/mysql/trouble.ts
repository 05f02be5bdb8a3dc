/** Which failures to connect to a MySQL server are the backend's, and what to do about them: for the log. */
import type { ProxyError } from '../../errors.ts'
import { connectFailure } from '../../net/index.ts'
import type { Logger } from '../../observability/logger.ts'
import { OutageLog } from '../../observability/outage-log.ts'
import { nextStep } from './advice.ts'
import { ServerRefusal } from './server-refusal.ts'

export class Trouble {
  readonly #log: OutageLog
  readonly #hasAccount: boolean
  readonly #tls: boolean

  constructor(logger: Logger, { hasAccount, tls }: { readonly hasAccount: boolean; readonly tls: boolean }) {
    this.#log = new OutageLog(logger)
    this.#hasAccount = hasAccount
    this.#tls = tls
  }

  /** No connection could be opened. What one client alone has asked for in vain is its own affair. */
  tell(error: ProxyError): void {
    const number = error instanceof ServerRefusal ? error.serverCode : undefined
    const step = nextStep({ code: error.code, number }, this.#tls)
    if (number !== undefined && (step === undefined || !this.#hasAccount)) return
    this.#log.tell(error, step ?? connectFailure(error)?.next)
  }

  /** A connection could be opened. */
  over(): void {
    this.#log.over()
  }
}
