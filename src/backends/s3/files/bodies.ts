/**
 * Bytes that are not in their object's own file: each body is a folder with the parts of an upload, or with a second name
 * of another object's file, which makes a copy cheap however large it is. Beside them lies a record of whose they are:
 *
 *     upload   an upload under way: its parts are nobody's yet
 *     owner    the object that they belong to, as long as its own record says so too
 *
 * A folder with neither, or whose object has other bytes, is a leftover of a crash.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type FolderSync, hasCode, PRIVATE_FOLDER, publish } from './durable.ts'
import { Draft } from './sealed-file.ts'

export class Bodies {
  readonly #folder: string
  readonly #temporary: string
  readonly #folders: FolderSync
  /** How many read a body. */
  readonly #readers = new Map<string, number>()
  /** To be removed when the last reader leaves. */
  readonly #doomed = new Set<string>()

  constructor(folder: string, temporary: string, folders: FolderSync) {
    this.#folder = folder
    this.#temporary = temporary
    this.#folders = folders
  }

  /** The path of a body's file; part numbers and the two records are their names. */
  path(id: string, name: string | number): string {
    return join(this.#folder, id, String(name))
  }

  list(): Promise<string[]> {
    return readdir(this.#folder)
  }

  /** The numbers of the parts that are there, in order. */
  async parts(id: string): Promise<number[]> {
    const names = await readdir(join(this.#folder, id))
    return names.flatMap(name => (/^\d+$/.test(name) ? [Number(name)] : [])).sort((a, b) => a - b)
  }

  /** A new empty body with its record; durable. */
  async create(kind: 'upload' | 'owner', record: object): Promise<string> {
    const id = randomBytes(16).toString('hex')
    await mkdir(join(this.#folder, id), PRIVATE_FOLDER)
    try {
      const draft = await Draft.create(this.#temporary)
      try {
        await draft.seal(record)
        await publish(draft.path, this.path(id, kind), this.#folders)
      } finally {
        await draft.discard()
      }
      await this.#folders.sync(this.#folder)
    } catch (error) {
      await this.remove(id)
      throw error
    }
    return id
  }

  /** A new body with the same files under new names; durable. */
  async share(files: readonly { readonly from: string; readonly name: number }[], owner: object): Promise<string> {
    const id = await this.create('owner', owner)
    try {
      for (const { from, name } of files) await linkOrCopy(from, this.path(id, name))
      await this.sync(id)
    } catch (error) {
      await this.remove(id)
      throw error
    }
    return id
  }

  /** An upload's parts are an object's now. */
  async settle(id: string): Promise<void> {
    await rename(this.path(id, 'upload'), this.path(id, 'owner'))
  }

  sync(id: string): Promise<void> {
    return this.#folders.sync(join(this.#folder, id))
  }

  /** Until release(), the body's files stay. */
  retain(id: string): void {
    this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1)
  }

  async release(id: string): Promise<void> {
    const rest = this.#readers.get(id)! - 1
    if (rest > 0) {
      this.#readers.set(id, rest)
      return
    }
    this.#readers.delete(id)
    if (this.#doomed.delete(id)) await this.remove(id)
  }

  /** Removes it, now or when its last reader has left. Never rejects: what stays is swept at the next start. */
  async remove(id: string): Promise<void> {
    if (this.#readers.has(id)) {
      this.#doomed.add(id)
      return
    }
    try {
      // First of all what says that the rest is whole.
      for (const record of ['upload', 'owner']) await rm(this.path(id, record), { force: true })
      await rm(join(this.#folder, id), { recursive: true, force: true })
    } catch {}
  }
}

/** File systems without links, or whose limit of them is reached, get a copy. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (!hasCode(error, 'EMLINK', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) throw error
    await copyFile(from, to, constants.COPYFILE_EXCL)
    const handle = await open(to, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }
}
