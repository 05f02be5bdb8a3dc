/**
 * `run --watch`: reloads when the content of the configuration files changes. Folders are watched, not files: a mounted
 * ConfigMap changes by a swap of the symbolic link `..data`, which a watch on the file itself survives only once.
 */
import { createHash } from 'node:crypto'
import { readFileSync, realpathSync } from 'node:fs'
import { watchFiles } from '../config/index.ts'
import type { Logger } from '../observability/logger.ts'

/** For what no watch reports: a folder that was itself replaced, a network file system. */
const POLL_MS = 10_000

export class ConfigWatch {
  readonly #files: readonly string[]
  readonly #logger: Logger
  readonly #onChange: () => void
  readonly #poll: NodeJS.Timeout
  #content: string
  #unwatch: () => void

  /** Calls back once per change of content, not per write. */
  constructor(files: readonly string[], logger: Logger, onChange: () => void) {
    this.#files = files
    this.#logger = logger
    this.#onChange = onChange
    this.#content = contentOf(files)
    this.#unwatch = this.#watch()
    this.#poll = setInterval(() => this.#check(), POLL_MS).unref()
  }

  close(): void {
    clearInterval(this.#poll)
    this.#unwatch()
  }

  /** The folders of the files as they are named, and of the files that links lead to. */
  #watch(): () => void {
    return watchFiles([...this.#files, ...this.#files.map(targetOf)], this.#logger, () => this.#check())
  }

  #check(): void {
    // Anew each time: links may lead elsewhere, and a folder of the same name may be another one.
    this.#unwatch()
    this.#unwatch = this.#watch()
    const content = contentOf(this.#files)
    if (content === this.#content) return
    this.#content = content
    this.#logger.info({}, 'the configuration files have changed')
    this.#onChange()
  }
}

function targetOf(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}

/** A digest of all contents; a file that cannot be read has a content of its own. */
function contentOf(files: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of files) {
    let content: Buffer | string
    try {
      content = readFileSync(file)
    } catch (error) {
      content = String((error as NodeJS.ErrnoException).code)
    }
    hash.update(createHash('sha256').update(content).digest())
  }
  return hash.digest('hex')
}
