/**
 * The file of the embedded components: an LMDB environment for each data directory, shared by the components of the
 * process. Changes of one turn of the event loop, and all that come while a commit is under way, are committed together.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, statfsSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join, resolve } from 'node:path'
import type { Database, RootDatabase } from 'lmdb'
import { ApiError } from '../../../apis/index.ts'
import { Shared } from './shared.ts'

/** What a key is to have from now on; nothing when it goes. */
export interface Kept {
  readonly text: string
  readonly data?: Buffer
}

type Key = string[]

/**
 * Bytes that have to be free on the disk for a commit, besides four times those that it has. LMDB itself must not meet
 * the full disk: where its library (3.5.6) says so, it writes beyond a buffer.
 */
const ROOM = 1024 * 1024

interface Change {
  readonly key: Key
  readonly kept: Kept | undefined
}

const disks = new Shared<Disk>()

/** Rejects with `unavailable` while the directory cannot be used, such as while another process does. */
export function useDisk(directory: string): Promise<{ value: Disk; release(): Promise<void> }> {
  const path = resolve(directory)
  return disks.use(
    path,
    () => Disk.open(path),
    disk => disk.close(),
  )
}

export class Disk {
  readonly texts: Database<string, Key>
  readonly data: Database<Buffer, Key>
  readonly #directory: string
  readonly #root: RootDatabase
  readonly #owner: Server | undefined
  /** Changes that no commit has begun with, and those that the disk did not take, by their keys. */
  #changes = new Map<string, Change>()
  /** The commit that is under way, and the one behind it, which takes what is changed now. */
  #underWay: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  /** Why the last commit failed: what is in memory is not what is on the disk. */
  #failure: Error | undefined

  private constructor(directory: string, root: RootDatabase, owner: Server | undefined) {
    this.#directory = directory
    this.#root = root
    this.#owner = owner
    this.texts = root.openDB<string, Key>({ name: 'records', encoding: 'string' })
    this.data = root.openDB<Buffer, Key>({ name: 'data', encoding: 'binary' })
  }

  static async open(directory: string): Promise<Disk> {
    let owner: Server | undefined
    try {
      mkdirSync(directory, { recursive: true })
      owner = await own(directory)
      const { open } = await import('lmdb')
      const path = join(directory, 'data.mdb')
      if (!existsSync(path)) assertRoom(directory, 0)
      // Without overlapping a commit is answered only when it is on the disk. Batching of its own leaves rejections of
      // failed commits to nobody.
      const root = open({ path, noSubdir: true, overlappingSync: false, eventTurnBatching: false, maxDbs: 2 })
      return new Disk(directory, root, owner)
    } catch (cause) {
      owner?.close()
      throw new ApiError('unavailable', `the embedded store in ${directory}: ${(cause as Error).message}`, { cause })
    }
  }

  /** Resolves when the next commit is over; `taken` tells how that went. What failed is tried again with each commit. */
  change(key: Key, kept: Kept | undefined): Promise<void> {
    this.#changes.set(JSON.stringify(key), { key, kept })
    return this.#commit()
  }

  /** Throws `unknown` when the last commit failed: its changes are in memory and may yet be written. */
  taken(): void {
    if (!this.#failure) return
    const what = `the embedded store could not write (${this.#failure.message}): the change is kept in memory until the disk takes it`
    throw new ApiError('unknown', what, { cause: this.#failure })
  }

  /** Tries once more to write what the disk did not take; rejects with `unavailable` while it does not. */
  async whole(): Promise<void> {
    if (!this.#failure) return
    await this.#commit()
    if (!this.#failure) return
    const what = `the embedded store cannot write (${this.#failure.message}) and takes nothing until it can`
    throw new ApiError('unavailable', what, { cause: this.#failure })
  }

  async close(): Promise<void> {
    await (this.#next ?? this.#underWay)
    await this.#root.close()
    this.#owner?.close()
  }

  #commit(): Promise<void> {
    // Behind the turn, so that all its changes are on the disk or none.
    const turn = () => new Promise(done => setImmediate(done))
    this.#next ??= this.#underWay.then(turn).then(() => this.#write())
    return this.#next
  }

  async #write(): Promise<void> {
    this.#underWay = this.#next!
    this.#next = undefined
    const changes = this.#changes
    this.#changes = new Map()
    try {
      assertRoom(this.#directory, bytesOf(changes.values()))
      await this.#root.batch(() => {
        for (const { key, kept } of changes.values()) this.#apply(key, kept)
      })
      this.#failure = undefined
    } catch (error) {
      for (const [name, change] of changes) if (!this.#changes.has(name)) this.#changes.set(name, change)
      this.#failure = await reasonOf(error as Error)
    }
  }

  #apply(key: Key, kept: Kept | undefined): void {
    if (kept?.data) this.data.put(key, kept.data)
    else this.data.remove(key)
    if (kept) this.texts.put(key, kept.text)
    else this.texts.remove(key)
  }
}

function bytesOf(changes: Iterable<Change>): number {
  let bytes = 0
  for (const { kept } of changes) bytes += (kept?.text.length ?? 0) + (kept?.data?.length ?? 0)
  return bytes
}

function assertRoom(directory: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(directory)
  if (bavail * bsize < ROOM + 4 * bytes) throw new Error(`no room on the disk: ${bavail * bsize} bytes are free`)
}

/** How long the reason of a failed commit may come after its failure. */
const REASON_MS = 1_000

/** The library tells the reason apart, by a promise that rejects. */
async function reasonOf(error: Error & { readonly commitError?: Promise<never> }): Promise<Error> {
  if (!error.commitError) return error
  const late = new Promise<Error>(done => setTimeout(done, REASON_MS, error).unref())
  return Promise.race([error.commitError.catch((reason: Error) => reason), late])
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
