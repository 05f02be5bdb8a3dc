/** One page of a listing: what follows a marker, with the keys that share a prefix up to the delimiter as one entry. */
import type { KeyIndex } from './key-index.ts'

export interface PageRequest {
  /** Only entries that begin so. */
  readonly prefix: string
  /** Empty for none. */
  readonly delimiter: string
  /** Only entries above this one; empty for all. */
  readonly after: string
  readonly max: number
}

export interface Page<Entry> {
  /** Keys and common prefixes, in order. */
  readonly entries: readonly Entry[]
  readonly isTruncated: boolean
}

export interface PageEntry {
  readonly text: string
  readonly isPrefix: boolean
}

/** All texts are as the index has them. */
export function listPage(index: KeyIndex, { prefix, delimiter, after, max }: PageRequest): Page<PageEntry> {
  const entries: PageEntry[] = []
  if (max === 0) return { entries, isTruncated: false }
  let bound = prefix
  if (after >= prefix) bound = `${after}\0`
  for (;;) {
    const entry = index.atOrAfter(bound)
    if (entry === undefined || !entry.startsWith(prefix)) return { entries, isTruncated: false }
    const cut = delimiter === '' ? -1 : entry.indexOf(delimiter, prefix.length)
    const text = cut === -1 ? entry : entry.slice(0, cut + delimiter.length)
    bound = cut === -1 ? `${entry}\0` : beyond(text)
    // The common prefix of the marker itself was in the page before.
    if (cut !== -1 && text <= after) continue
    if (entries.length === max) return { entries, isTruncated: true }
    entries.push({ text, isPrefix: cut !== -1 })
  }
}

/** The first string above all that begin so: no byte of UTF-8 is the highest, so the last one can always grow. */
function beyond(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
}
