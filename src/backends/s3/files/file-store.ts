/** The embedded S3 store: buckets and objects as files below a data directory. */
import { resolve } from 'node:path'
import { type ChecksumAlgorithm, S3Error } from '../../../../codecs/s3/index.ts'
import { ProxyError } from '../../../errors.ts'
import type { Runtime } from '../../../protocol.ts'
import type { Store, StoreExchange, StoreRequest, StoreSink } from '../store.ts'
import { ALGORITHMS } from './checksums.ts'
import { FileExchange } from './exchange.ts'
import { Volume } from './volume.ts'

interface Shared {
  readonly volume: Promise<Volume>
  users: number
  closed: Promise<void> | undefined
}

/** By directory. State of the process and not of an app, as the lock on a directory is the process's. */
const volumes = new Map<string, Shared>()

export interface FileStoreOptions {
  /** Made with mode 0700 when absent; it holds the store's files and nothing of anyone else. */
  readonly dataDirectory: string
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export class FileStore implements Store {
  readonly checksums: ReadonlySet<ChecksumAlgorithm> = new Set(ALGORITHMS)
  readonly comparesSha256 = true
  readonly #directory: string
  readonly #now: () => number
  readonly #runtime: Pick<Runtime, 'logger' | 'clock'>
  readonly #exchanges = new Set<FileExchange>()
  #phase: 'idle' | 'started' | 'closed' = 'idle'
  #shared: Shared | undefined
  #onIdle: (() => void) | undefined

  constructor({ dataDirectory, now }: FileStoreOptions, runtime: Pick<Runtime, 'logger' | 'clock'>) {
    this.#directory = resolve(dataDirectory)
    this.#now = now
    this.#runtime = runtime
  }

  /**
   * Resolves when the directory is ours and what a crash has left there is cleared away. Rejects with a ProxyError that says
   * what to do when it cannot be used; start() may then be called again. Stores of one process share a directory, so that
   * a reload's new one takes over.
   */
  async start(): Promise<void> {
    if (this.#phase !== 'idle') throw new Error(`start() in phase ${this.#phase}`)
    this.#phase = 'started'
    for (let last = volumes.get(this.#directory); last?.closed; last = volumes.get(this.#directory)) await last.closed
    if (this.#isClosed) throw unusable('closed while starting')
    const shared = this.#claim()
    try {
      await shared.volume
    } catch (error) {
      await this.#letGo()
      if (!this.#isClosed) this.#phase = 'idle'
      throw error instanceof ProxyError ? error : unusable(`${this.#directory}: ${(error as Error).message}`, error)
    }
  }

  open(request: StoreRequest, sink: StoreSink): StoreExchange {
    // It has neither rights of the public nor rules for pages.
    if (request.isUnsigned) throw new S3Error('AccessDenied')
    const exchange = new FileExchange(request, sink, this.#runtime.logger)
    this.#exchanges.add(exchange)
    void exchange.run(this.#volume(), this.#now).finally(() => {
      this.#exchanges.delete(exchange)
      if (this.#exchanges.size === 0) this.#onIdle?.()
    })
    return exchange
  }

  /** Lets what is under way finish, for graceMs at most, and gives the directory free. */
  async close(graceMs: number): Promise<void> {
    this.#phase = 'closed'
    if (this.#exchanges.size > 0) {
      await new Promise<void>(resolve => {
        const cancel = this.#runtime.clock.after(graceMs, () => {
          for (const exchange of this.#exchanges) exchange.cut()
        })
        this.#onIdle = () => {
          cancel()
          resolve()
        }
      })
    }
    await this.#letGo()
  }

  /** A getter, as the phase may change while start() waits. */
  get #isClosed(): boolean {
    return this.#phase === 'closed'
  }

  async #volume(): Promise<Volume> {
    if (this.#isClosed || !this.#shared) throw unusable('the embedded store is not started')
    return this.#shared.volume
  }

  #claim(): Shared {
    let shared = volumes.get(this.#directory)
    if (!shared) {
      shared = { volume: Volume.open(this.#directory), users: 0, closed: undefined }
      volumes.set(this.#directory, shared)
    }
    shared.users++
    this.#shared = shared
    return shared
  }

  async #letGo(): Promise<void> {
    const shared = this.#shared
    this.#shared = undefined
    if (!shared || --shared.users > 0) return
    const close = shared.volume.then(
      volume => volume.close(),
      () => {},
    )
    shared.closed = close.finally(() => volumes.delete(this.#directory))
    await shared.closed
  }
}

function unusable(message: string, cause?: unknown): ProxyError {
  return new ProxyError('embedded-start', message, { source: 'portolan', cause })
}
