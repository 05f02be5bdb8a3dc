/**
 * The durable file of the embedded components: one LMDB environment for each data directory, shared by the components of
 * the process, opened when it is first needed. The components work in memory and write every change here; an answer
 * waits until its change is on the disk.
 */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join, resolve } from 'node:path'
import type { Database, RootDatabase } from 'lmdb'
import { ApiError } from '../../../apis/index.ts'
import { Shared } from './shared.ts'

/** LMDB's longest key is 1978 bytes; a longer name is kept under its digest. */
const LONGEST_NAME = 1_500

const environments = new Shared<Environment>()

interface Environment {
  readonly root: RootDatabase
  readonly records: Database<unknown, string[]>
  readonly data: Database<Buffer, string[]>
  readonly owner: Server | undefined
}

/** Records of one component: JSON under a table and a name, with bytes beside it where there are any. */
export class Journal {
  readonly #environment: Environment
  readonly #scope: string
  readonly #release: () => Promise<void>
  #last: Promise<unknown> = Promise.resolve()
  /** The first write that failed: what is in memory is not what is on the disk any more. */
  #failure: Error | undefined

  private constructor(environment: Environment, scope: string, release: () => Promise<void>) {
    this.#environment = environment
    this.#scope = scope
    this.#release = release
  }

  /** Rejects with `unavailable` while the directory cannot be used, such as while another process does. */
  static async open(directory: string, scope: string): Promise<Journal> {
    const path = resolve(directory)
    const { value, release } = await environments.use(path, () => openEnvironment(path), closeEnvironment)
    return new Journal(value, scope, release)
  }

  /** What is put and removed within one turn of the event loop is on the disk as a whole or not at all. */
  put(table: string, name: string, value: unknown, data?: Buffer): void {
    const key = this.#key(table, name)
    if (data) this.#follow(this.#environment.data.put(key, data))
    this.#follow(this.#environment.records.put(key, value))
  }

  remove(table: string, name: string): void {
    const key = this.#key(table, name)
    this.#follow(this.#environment.data.remove(key))
    this.#follow(this.#environment.records.remove(key))
  }

  *entries<T>(table: string): Generator<T> {
    const range = { start: [this.#scope, table, ''], end: [this.#scope, table, '\uffff'] }
    for (const { value } of this.#environment.records.getRange(range)) yield value as T
  }

  get<T>(table: string, name: string): T | undefined {
    return this.#environment.records.get(this.#key(table, name)) as T | undefined
  }

  data(table: string, name: string): Buffer | undefined {
    return this.#environment.data.get(this.#key(table, name))
  }

  /** Resolves when everything so far is on the disk. Rejects once any write has failed. */
  async committed(): Promise<void> {
    await this.#last.catch(() => {})
    this.intact()
  }

  /** Throws once a write has failed: nobody is told what would be gone after a restart. */
  intact(): void {
    const cause = this.#failure
    if (!cause) return
    const what = `the embedded store could not write (${cause.message}) and takes nothing more until the process is started anew`
    throw new ApiError('internal', what, { cause })
  }

  async close(): Promise<void> {
    await this.#last.catch(() => {})
    await this.#release()
  }

  #follow(written: Promise<unknown>): void {
    written.catch((error: Error) => {
      this.#failure ??= error
    })
    this.#last = written
  }

  #key(table: string, name: string): string[] {
    const isShort = Buffer.byteLength(name) <= LONGEST_NAME
    return [this.#scope, table, isShort ? `n${name}` : `h${createHash('sha256').update(name).digest('hex')}`]
  }
}

async function openEnvironment(directory: string): Promise<Environment> {
  let owner: Server | undefined
  try {
    mkdirSync(directory, { recursive: true })
    owner = await own(directory)
    const { open } = await import('lmdb')
    // Without overlapping a commit is answered only when it is on the disk.
    const root = open({ path: join(directory, 'data.mdb'), noSubdir: true, overlappingSync: false, maxDbs: 2 })
    const records = root.openDB<unknown, string[]>({ name: 'records', encoding: 'json' })
    const data = root.openDB<Buffer, string[]>({ name: 'data', encoding: 'binary' })
    return { root, records, data, owner }
  } catch (cause) {
    owner?.close()
    throw new ApiError('unavailable', `the embedded store in ${directory}: ${(cause as Error).message}`, { cause })
  }
}

async function closeEnvironment({ root, owner }: Environment): Promise<void> {
  await root.close()
  owner?.close()
}

/**
 * Nobody else may work on the directory, as each process keeps its state in memory. A name that Linux gives to one
 * process at a time and takes back at its end, however it ends; elsewhere nothing guards it.
 */
async function own(directory: string): Promise<Server | undefined> {
  if (process.platform !== 'linux') return undefined
  const digest = createHash('sha256').update(directory).digest('hex').slice(0, 32)
  const server = createServer(socket => socket.destroy()).unref()
  await new Promise<void>((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      fail(error.code === 'EADDRINUSE' ? new Error('another process uses it') : error)
    })
    server.listen(`\0portolan-embedded-${digest}`, done)
  })
  return server
}
