/**
 * What makes a change of the file system last: the bytes of a file are synchronised before its name appears, and the
 * folder that holds the name after. https://man7.org/linux/man-pages/man2/fsync.2.html
 */
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A link where a file is expected is somebody's trick. */
export const READ = constants.O_RDONLY | constants.O_NOFOLLOW
export const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
export const PRIVATE_FILE = 0o600
export const PRIVATE_FOLDER = 0o700

/** Synchronises folders, many callers at a time by one call. */
export class FolderSync {
  /** By folder: the call under way, and the one that follows it for those who came since it began. */
  readonly #turns = new Map<string, { running: Promise<void>; next: Promise<void> | undefined }>()

  /** Resolves when all names that the folder has now are durable. */
  sync(folder: string): Promise<void> {
    const turn = this.#turns.get(folder)
    if (!turn) return this.#begin(folder)
    turn.next ??= turn.running.then(
      () => this.#begin(folder),
      () => this.#begin(folder),
    )
    return turn.next
  }

  #begin(folder: string): Promise<void> {
    const turn = { running: syncFolder(folder), next: undefined }
    this.#turns.set(folder, turn)
    const forget = () => {
      if (this.#turns.get(folder) === turn && turn.next === undefined) this.#turns.delete(folder)
    }
    turn.running.then(forget, forget)
    return turn.running
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes the folder, whose parent must exist, unless it is there. */
export async function makeFolder(path: string, folders: FolderSync): Promise<void> {
  try {
    await mkdir(path, PRIVATE_FOLDER)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return
    throw error
  }
  await folders.sync(dirname(path))
}

/** The file appears under its name whole, in place of what had it. The file itself has been synchronised. */
export async function publish(from: string, to: string, folders: FolderSync): Promise<void> {
  await rename(from, to)
  await folders.sync(dirname(to))
}

/** Writes all of it. */
export async function writeAll(handle: FileHandle, buffers: readonly Buffer[]): Promise<void> {
  let rest = buffers
  while (rest.length > 0) {
    // A bound below IOV_MAX, which is 1,024.
    const batch = rest.slice(0, 512)
    const total = batch.reduce((sum, buffer) => sum + buffer.length, 0)
    const { bytesWritten } = await handle.writev(batch)
    rest = bytesWritten === total ? rest.slice(batch.length) : [...unwritten(batch, bytesWritten), ...rest.slice(512)]
  }
}

function unwritten(buffers: readonly Buffer[], written: number): Buffer[] {
  let skip = written
  const rest: Buffer[] = []
  for (const buffer of buffers) {
    if (skip >= buffer.length) skip -= buffer.length
    else {
      rest.push(buffer.subarray(skip))
      skip = 0
    }
  }
  return rest
}

/** Whether it is the file system's error of that code, such as ENOENT. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException).code ?? '')
}
