/**
 * One user's share in a private server. The backends of one data directory share one process, so that a reload's new
 * backend takes over the one that runs.
 */
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { ProxyError } from '../errors.ts'
import type { ProbeReport, Runtime } from '../protocol.ts'
import type { Program } from './program.ts'
import { ServerProcess } from './server-process.ts'

interface Shared {
  readonly server: ServerProcess
  readonly options: object
  readonly started: Promise<{ path: string }>
  users: number
  closed: Promise<void> | undefined
}

/** By program and data directory. State of the process and not of an app, as the lock on a directory is the process's. */
const servers = new Map<string, Shared>()

export class PrivateServer {
  readonly #program: Program
  readonly #dataDirectory: string
  readonly #runtime: Pick<Runtime, 'logger' | 'clock'>
  readonly #key: string
  #shared: Shared | undefined
  #phase: 'idle' | 'started' | 'closed' = 'idle'

  /** The directory is made with mode 0700 when absent; it holds the server's files and nothing of anyone else. */
  constructor(program: Program, dataDirectory: string, runtime: Pick<Runtime, 'logger' | 'clock'>) {
    this.#program = program
    this.#dataDirectory = resolve(dataDirectory)
    this.#runtime = runtime
    this.#key = `${program.name} ${this.#dataDirectory}`
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

  /** The last to leave ends the server: SIGTERM, so that it writes what it has, and SIGKILL after graceMs. */
  async close(graceMs = 5_000): Promise<void> {
    this.#phase = 'closed'
    await this.#letGo(graceMs)
  }

  /** For a report on a server that is needed for nothing else: starts it, lets it be looked at, ends it. Never rejects. */
  async visit(look: (address: { path: string }) => Promise<ProbeReport>, graceMs: number): Promise<ProbeReport> {
    try {
      return await look(await this.start())
    } catch (error) {
      const failure = { stage: 'connect', cause: (error as Error).message, next: 'see what the message says' } as const
      return { ok: false, endpoints: [{ address: 'embedded', ok: false, failure }] }
    } finally {
      await this.close(graceMs)
    }
  }

  /** A getter, as the phase may change while start() waits. */
  get #isClosed(): boolean {
    return this.#phase === 'closed'
  }

  #claim(): Shared {
    let shared = servers.get(this.#key)
    if (!shared) {
      const server = new ServerProcess(this.#program, this.#dataDirectory, this.#runtime)
      shared = { server, options: this.#program.options, started: server.start(), users: 0, closed: undefined }
      servers.set(this.#key, shared)
    } else if (!isDeepStrictEqual(shared.options, this.#program.options)) {
      const fields = { dataDirectory: this.#dataDirectory }
      const message = `changed options of the embedded ${this.#program.name} take effect at its next start`
      this.#runtime.logger.warn(fields, message)
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
