/** What a backend does by control connections: looks at its servers, and ends what their connections run. */
import { ServerErrors } from '../../../codecs/mysql/index.ts'
import type { Address } from '../../config/index.ts'
import { ProxyError } from '../../errors.ts'
import type { ProbeReport } from '../../protocol.ts'
import { ControlConnection, ControlError } from './control.ts'
import type { DialerParts } from './dialer.ts'
import type { Member } from './member.ts'
import { probe } from './probe.ts'
import { refusesAccount } from './server-refusal.ts'
import type { UpstreamFacts } from './upstream-parties.ts'

/** A server that does not answer a look within this is not there. */
const LOOK_MS = 2000

export class Controls {
  readonly #parts: DialerParts
  readonly #failedKills: { value: number }

  constructor(parts: DialerParts) {
    this.#parts = parts
    const { name: backend, runtime } = parts
    this.#failedKills = runtime.metrics.cell('portolan_upstream_kill_failures_total', { backend })
  }

  /** For looking at a server, by our own account. Rejects with ProxyError. */
  async open({ endpoint }: Member): Promise<ControlConnection> {
    const { own, tls, options } = this.#parts
    if (!own) throw new ProxyError('upstream-account', 'this backend has no credentials', { source: 'portolan' })
    const timeoutMs = Math.min(LOOK_MS, options.connectTimeout)
    const password = await own.password()
    try {
      const { address } = endpoint
      return await ControlConnection.open({ address, tls, timeoutMs, username: own.username, password })
    } catch (error) {
      if (error instanceof ControlError && refusesAccount(error.number)) own.expire()
      throw error
    }
  }

  /** Ends what a connection runs, or the connection, where we have an account to do so. Never rejects. */
  async kill({ member, account, threadId }: UpstreamFacts, { queryOnly }: { queryOnly: boolean }): Promise<void> {
    const { name: backend, options, runtime, tls } = this.#parts
    // Whoever has logged in itself has left us nothing to log in with.
    if (!account) return
    let control: ControlConnection | undefined
    try {
      const { address } = member.endpoint
      control = await ControlConnection.open({ address, tls, timeoutMs: options.connectTimeout, ...account })
      await control.query(`KILL ${queryOnly ? 'QUERY' : 'CONNECTION'} ${threadId}`)
    } catch (error) {
      // It has come to its end by itself.
      if (error instanceof ControlError && error.number === ServerErrors.noSuchThread.code) return
      this.#failedKills.value++
      const reason = (error as Error).message
      runtime.logger.warn({ backend, reason, connection: threadId }, 'what a client has left could not be killed')
    } finally {
      control?.close()
    }
  }

  probe(addresses: readonly Address[], timeoutMs: number): Promise<ProbeReport> {
    const { own, tls } = this.#parts
    const account = own ? { username: own.username, password: () => own.password() } : undefined
    return probe(addresses, { account, tls, timeoutMs })
  }
}
