/**
 * The keys of a bucket and what a listing says of each, in memory: built when first asked for, kept up to date, and given
 * back when other buckets need the room.
 */
import { mapBounded } from './bounded.ts'
import { indexed, KeyIndex, unindexed } from './key-index.ts'
import { listPage, type Page, type PageRequest } from './list-page.ts'
import type { ObjectRecord } from './record.ts'

/** What a listing says of an object. */
export interface Summary {
  readonly key: string
  readonly size: number
  readonly etag: string
  readonly modified: number
  readonly checksumAlgorithm?: string
  readonly checksumType?: string
}

export type ListedEntry = { readonly prefix: string } | { readonly summary: Summary }

export class Listing {
  readonly #readNames: () => Promise<string[]>
  readonly #keyOf: (name: string) => Promise<string | undefined>
  readonly #read: (key: string) => Promise<ObjectRecord | undefined>
  #index: KeyIndex | undefined
  #loading: Promise<void> | undefined
  /** Keys that have come or gone since the names were read. */
  #changes: Map<string, boolean> | undefined
  #summaries = new Map<string, Summary>()

  constructor(
    readNames: () => Promise<string[]>,
    keyOf: (name: string) => Promise<string | undefined>,
    read: (key: string) => Promise<ObjectRecord | undefined>,
  ) {
    this.#readNames = readNames
    this.#keyOf = keyOf
    this.#read = read
  }

  /** How many keys are in memory. */
  get size(): number {
    return this.#index?.size ?? 0
  }

  /** Forgets all; the next listing builds it anew. */
  drop(): void {
    this.#index = undefined
    this.#summaries.clear()
  }

  added(record: ObjectRecord): void {
    const entry = indexed(record.key)
    this.#changes?.set(entry, true)
    this.#index?.add(entry)
    if (this.#index) this.#summaries.set(entry, summaryOf(record))
  }

  removed(key: string): void {
    const entry = indexed(key)
    this.#changes?.set(entry, false)
    this.#index?.delete(entry)
    this.#summaries.delete(entry)
  }

  /** All texts are keys or parts of them. Objects that go away meanwhile are left out. */
  async page({
    prefix,
    delimiter,
    after,
    max,
  }: PageRequest): Promise<Page<ListedEntry> & { last: string | undefined }> {
    const index = await this.#load()
    const request = { prefix: indexed(prefix), delimiter: indexed(delimiter), after: indexed(after), max }
    const { entries, isTruncated } = listPage(index, request)
    const found = await mapBounded(entries, async ({ text, isPrefix }): Promise<ListedEntry | undefined> => {
      if (isPrefix) return { prefix: unindexed(text) }
      const summary = await this.#summary(text)
      return summary && { summary }
    })
    const last = entries.at(-1)?.text
    return {
      entries: found.filter(entry => entry !== undefined),
      isTruncated,
      last: last === undefined ? undefined : unindexed(last),
    }
  }

  async #summary(entry: string): Promise<Summary | undefined> {
    const known = this.#summaries.get(entry)
    if (known) return known
    const record = await this.#read(unindexed(entry))
    if (!record) return undefined
    const summary = summaryOf(record)
    // A change since then has left a newer one, or none because the key is gone.
    if (this.#index?.has(entry) && !this.#summaries.has(entry)) this.#summaries.set(entry, summary)
    return this.#summaries.get(entry) ?? summary
  }

  async #load(): Promise<KeyIndex> {
    while (!this.#index) {
      this.#loading ??= this.#build().finally(() => {
        this.#loading = undefined
      })
      await this.#loading
    }
    return this.#index
  }

  async #build(): Promise<void> {
    const changes = new Map<string, boolean>()
    this.#changes = changes
    try {
      const keys = await mapBounded(await this.#readNames(), name => this.#keyOf(name))
      const entries = new Set(keys.flatMap(key => (key === undefined ? [] : [indexed(key)])))
      for (const [entry, isThere] of changes) {
        if (isThere) entries.add(entry)
        else entries.delete(entry)
      }
      this.#index = new KeyIndex([...entries])
    } finally {
      this.#changes = undefined
    }
  }
}

function summaryOf({ key, size, etag, modified, checksum }: ObjectRecord): Summary {
  if (!checksum) return { key, size, etag, modified }
  return { key, size, etag, modified, checksumAlgorithm: checksum.algorithm, checksumType: checksum.type }
}
