/** Secrets that are read from files as a whole: what the kinds `file` and `kubernetes` share. */
import { createHash, randomBytes } from 'node:crypto'
import { ApiError, type Secret, type SecretsStore, type StoreFacts } from '../../apis/index.ts'
import type { FileSource } from '../clients/files/index.ts'

/** Secrets by name, each with its values by key. */
export type SecretValues = ReadonlyMap<string, Readonly<Record<string, string>>>

export class WatchedFilesSecretsStore implements SecretsStore {
  readonly #name: string
  readonly #source: FileSource<SecretValues>
  #closed = false

  readonly #lacks: StoreFacts['lacks']

  constructor(name: string, source: FileSource<SecretValues>, lacks?: StoreFacts['lacks']) {
    this.#name = name
    this.#source = source
    this.#lacks = lacks
  }

  async get(name: string, version?: string): Promise<Secret | undefined> {
    const values = (await this.#read()).get(name)
    return values && !version ? { name, values, version: '' } : undefined
  }

  async list(): Promise<readonly Secret[]> {
    return Array.from(await this.#read(), ([name, values]) => ({ name, values, version: '' }))
  }

  watch(onChange: (names: readonly string[]) => void): { close(): void } {
    // Only what tells a value from another is kept.
    let known: Map<string, string> | undefined
    const end = this.#source.observe({
      onValue(secrets) {
        const now = new Map(Array.from(secrets, ([name, values]) => [name, digestOf(JSON.stringify(values))]))
        const names = new Set([...(known?.keys() ?? []), ...now.keys()])
        // At first all are told: somebody may have read before the first reading here.
        const changed = [...names].filter(name => known?.get(name) !== now.get(name))
        known = now
        if (changed.length > 0) onChange(changed)
      },
      onOutage() {},
    })
    return { close: end }
  }

  async check(): Promise<StoreFacts> {
    const facts = { secrets: String((await this.#read()).size) }
    return this.#lacks ? { facts, lacks: this.#lacks } : { facts }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#source.close()
  }

  async #read(): Promise<SecretValues> {
    if (this.#closed) throw new ApiError('unavailable', `component ${this.#name} is closed`)
    return this.#source.read()
  }
}

/** A fingerprint, from which nothing can be guessed as long as the process's own part of it is not known. */
const salt = randomBytes(16)

export function digestOf(text: string): string {
  return createHash('sha256').update(salt).update(text).digest('base64url')
}
