/** The place of the admin listener in the process: it may be empty, and a reload may put another one in it. */
import { isDeepStrictEqual } from 'node:util'
import type { AdminConfig } from '../config/index.ts'
import { bindProblem, StartError } from '../generation.ts'
import type { Logger } from '../observability/logger.ts'
import type { Change } from '../reload-report.ts'
import type { AdminServer } from './server.ts'
import type { AdminSource } from './source.ts'

/** A change that is ready: what could fail has been done. */
export interface StagedAdmin {
  accept(): readonly Change[]
  abandon(): Promise<void>
}

export class AdminSlot {
  readonly #source: AdminSource
  readonly #logger: Logger
  #server: AdminServer | undefined
  #config: AdminConfig | undefined

  constructor(source: AdminSource, logger: Logger) {
    this.#source = source
    this.#logger = logger
  }

  get address(): string | undefined {
    return this.#server?.address
  }

  /** Binds the first one, if the configuration wants one. Rejects with a StartError. */
  async open(config: AdminConfig): Promise<void> {
    this.#server = await this.#bind(config)
    this.#config = config
  }

  /** Prepares a change: a new address is bound beside the old one. Rejects with a StartError. */
  async stage(config: AdminConfig): Promise<StagedAdmin> {
    const old = this.#server
    const before = this.#config
    if (isDeepStrictEqual(before, config)) return { accept: () => [], abandon: async () => {} }
    if (isDeepStrictEqual(before?.address, config.address)) {
      const accept = () => {
        this.#config = config
        old?.update(config)
        return [change('updated')]
      }
      return { accept, abandon: async () => {} }
    }
    const fresh = await this.#bind(config)
    const accept = () => {
      this.#server = fresh
      this.#config = config
      void old?.close()
      return [change(!old ? 'added' : fresh ? 'replaced' : 'removed')]
    }
    return { accept, abandon: async () => fresh?.close() }
  }

  async close(): Promise<void> {
    await this.#server?.close()
    this.#server = undefined
  }

  async #bind(config: AdminConfig): Promise<AdminServer | undefined> {
    if (!config.address) return undefined
    // Loaded here because node:http would hold up the listeners.
    const { AdminServer } = await import('./server.ts')
    const server = new AdminServer(config, this.#source, this.#logger)
    await server.start().catch(error => {
      throw new StartError([bindProblem('admin listener', 'admin.address', error)])
    })
    this.#logger.info({ address: server.address }, 'admin listening')
    return server
  }
}

function change(action: Change['action']): Change {
  return { kind: 'admin', name: 'admin', action }
}
