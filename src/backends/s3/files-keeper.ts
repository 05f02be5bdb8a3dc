/** Keeps the embedded store: its directory is taken at the start, and again while somebody else has it. */
import { access, constants } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { BackendStatus, ProbeReport, Runtime } from '../../protocol.ts'
import { FileStore } from './files/index.ts'
import type { Keeper } from './keeper.ts'

const RETRY_MS = 1000

export class FilesKeeper implements Keeper {
  readonly store: FileStore
  readonly #directory: string
  readonly #runtime: Runtime
  #state: 'connecting' | 'up' | 'down' | 'closed' = 'connecting'
  #lastError: string | undefined
  #cancelRetry = (): void => {}

  constructor(dataDirectory: string, runtime: Runtime) {
    this.#directory = resolve(dataDirectory)
    this.#runtime = runtime
    this.store = new FileStore({ dataDirectory, now: () => Date.now() }, runtime)
  }

  async start(): Promise<void> {
    await this.store.start().then(
      () => {
        if (this.#state !== 'closed') this.#state = 'up'
      },
      (error: Error) => this.#onFailed(error),
    )
  }

  #onFailed({ message }: Error): void {
    if (this.#state === 'closed') return
    this.#state = 'down'
    if (message !== this.#lastError) this.#runtime.logger.error({}, message)
    this.#lastError = message
    this.#cancelRetry = this.#runtime.clock.after(RETRY_MS, () => void this.start())
  }

  async probe(): Promise<ProbeReport> {
    const address = this.#directory
    // The directory is made at the start; until then its parent has to let us.
    const denied = await access(address, constants.R_OK | constants.W_OK).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? undefined : error.message),
    )
    if (denied === undefined) return { ok: true, endpoints: [{ address, ok: true, version: 'embedded store' }] }
    const failure = { stage: 'connect', cause: denied, next: 'let this user read and write `dataDirectory`' } as const
    return { ok: false, endpoints: [{ address, ok: false, failure }] }
  }

  status(): BackendStatus {
    const endpoint = {
      address: this.#directory,
      state: this.#state === 'closed' ? 'down' : this.#state,
      connections: 0,
    } as const
    const lastError = this.#state === 'up' || this.#lastError === undefined ? {} : { lastError: this.#lastError }
    return { state: this.#state, endpoints: [endpoint], ...lastError }
  }

  async reread(): Promise<void> {}

  async close(graceMs: number): Promise<void> {
    this.#state = 'closed'
    this.#cancelRetry()
    await this.store.close(graceMs)
  }
}
