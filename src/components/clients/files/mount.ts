/**
 * A ConfigMap or Secret as Kubernetes mounts it: a file for each key, each a link into `..data`, itself a link that is
 * swapped in one step when the object changes. What is read is of one state, never half of the old and half of the new.
 */
import type { Dirent } from 'node:fs'
import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { readText, unreadable } from './read.ts'

/** How often a swap in the middle of the reading may happen. */
const ATTEMPTS = 5

export interface Mount {
  /** Texts by the names of their files. */
  readonly files: ReadonlyMap<string, string>
  /** Names of folders right below it, which may be mounts themselves. */
  readonly folders: readonly string[]
}

/** What is mounted there; names that begin with `..` belong to Kubernetes. Rejects with an ApiError `unavailable`. */
export async function readMount(path: string): Promise<Mount> {
  for (let attempt = 1; ; attempt++) {
    const state = await stateOf(path)
    try {
      const [files, folders] = await Promise.all([readFiles(state), foldersIn(path)])
      return { files, folders }
    } catch (error) {
      if (attempt === ATTEMPTS || (await stateOf(path)) === state) throw error
    }
  }
}

/** Where the files really are. A plain folder is its own state. */
async function stateOf(path: string): Promise<string> {
  return realpath(join(path, '..data')).catch(() =>
    realpath(path).catch(error => {
      throw unreadable(path, error)
    }),
  )
}

async function readFiles(path: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const { name } of (await entriesOf(path)).filter(entry => !entry.isDirectory())) {
    const text = await readText(join(path, name)).catch(error => {
      // A link to a folder.
      if (error.cause?.code === 'EISDIR') return undefined
      throw error
    })
    if (text !== undefined) files.set(name, text)
  }
  return files
}

async function foldersIn(path: string): Promise<string[]> {
  return (await entriesOf(path)).filter(entry => entry.isDirectory()).map(({ name }) => name)
}

async function entriesOf(path: string): Promise<Dirent[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(error => {
    throw unreadable(path, error)
  })
  return entries.filter(({ name }) => !name.startsWith('..')).toSorted((a, b) => (a.name < b.name ? -1 : 1))
}
