/**
 * The embedded default: a private redis-server that Portolan itself starts, supervises and ends. The backends of one data
 * directory share one server, so that a reload's new backend takes over the one that runs.
 */
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { ProxyError } from '../../errors.ts'
import type { Runtime } from '../../protocol.ts'
import { type EmbeddedRedisOptions, EmbeddedServer } from './embedded-server.ts'

export type { EmbeddedRedisOptions } from './embedded-server.ts'

interface Shared {
  readonly server: EmbeddedServer
  readonly options: EmbeddedRedisOptions
  readonly started: Promise<{ path: string }>
  users: number
  closed: Promise<void> | undefined
}

/** By data directory. State of the process and not of an app, as the lock on a directory is the process's. */
const servers = new Map<string, Shared>()

export class EmbeddedRedis {
  readonly #options: EmbeddedRedisOptions
  readonly #runtime: Pick<Runtime, 'logger' | 'clock'>
  readonly #key: string
  #shared: Shared | undefined
  #phase: 'idle' | 'started' | 'closed' = 'idle'

  constructor(options: EmbeddedRedisOptions, runtime: Pick<Runtime, 'logger' | 'clock'>) {
    this.#options = options
    this.#runtime = runtime
    this.#key = resolve(options.dataDirectory)
  }

  /** The process id while a server runs; for status pages and tests. */
  get pid(): number | undefined {
    return this.#shared?.server.pid
  }

  /**
   * Resolves with the socket to connect to once the server answers; from then on it is restarted when it dies, on the same
   * socket. Rejects with a ProxyError that says what to do when it cannot be started; start() may then be called again.
   */
  async start(): Promise<{ path: string }> {
    if (this.#phase !== 'idle') throw new Error(`start() in phase ${this.#phase}`)
    this.#phase = 'started'
    for (let last = servers.get(this.#key); last?.closed; last = servers.get(this.#key)) await last.closed
    if (this.#isClosed) throw new ProxyError('embedded-start', 'closed while starting', { source: 'portolan' })
    const shared = this.#claim()
    try {
      return await shared.started
    } catch (error) {
      await this.#letGo(0)
      if (!this.#isClosed) this.#phase = 'idle'
      throw error
    }
  }

  /** The last to leave ends the server: SIGTERM, so that Redis writes what it has, and SIGKILL after graceMs. */
  async close(graceMs = 5_000): Promise<void> {
    this.#phase = 'closed'
    await this.#letGo(graceMs)
  }

  /** A getter, as the phase may change while start() waits. */
  get #isClosed(): boolean {
    return this.#phase === 'closed'
  }

  #claim(): Shared {
    let shared = servers.get(this.#key)
    if (!shared) {
      const server = new EmbeddedServer(this.#options, this.#runtime)
      shared = { server, options: this.#options, started: server.start(), users: 0, closed: undefined }
      servers.set(this.#key, shared)
    } else if (!isDeepStrictEqual(shared.options, this.#options)) {
      const fields = { dataDirectory: this.#key }
      this.#runtime.logger.warn(fields, 'changed options of the embedded redis-server take effect at its next start')
    }
    shared.users++
    this.#shared = shared
    return shared
  }

  async #letGo(graceMs: number): Promise<void> {
    const shared = this.#shared
    this.#shared = undefined
    if (!shared || --shared.users > 0) return
    shared.closed = shared.server.close(graceMs).finally(() => servers.delete(this.#key))
    await shared.closed
  }
}
