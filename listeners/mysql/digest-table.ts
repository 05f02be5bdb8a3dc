/**
 * What is known of the statements that a listener has seen, by their normal form (codecs/mysql/sql/digest.ts), which holds
 * no literal. The table is bounded: the one that was used least recently makes room. A statement that is known costs a
 * look-up by a number and a few additions (bench/README.md, "What digests cost").
 */
import type { StatementScanner } from '../../codecs/mysql/index.ts'
import { BOUNDS_MS, BUCKETS } from '../../src/observability/operation-stats.ts'

const MAX_DIGESTS = 1000

/** Statements with one normal form. Times are the clock's milliseconds. */
export class Digest {
  readonly key: number
  /** 64 bits of the text as hexadecimal digits. */
  readonly id: string
  readonly text: string
  /** StatementKind. */
  readonly kind: number
  count = 0
  /** Those among them that failed. */
  errors = 0
  /** Sent to clients, and told by the server as changed. */
  rows = 0
  affected = 0
  /** Of responses. */
  bytes = 0
  totalMs = 0
  maxMs = 0
  firstSeen = 0
  lastSeen = 0
  /** How often one of these has tied its client to a connection. */
  pins = 0
  readonly buckets = new Uint32Array(BUCKETS)
  // Of the table:
  listed = false
  newer: Digest | null = null
  older: Digest | null = null

  constructor(key: number, id: string, text: string, kind: number) {
    this.key = key
    this.id = id
    this.text = text
    this.kind = kind
  }

  /** The duration below which this share of the statements stays, as exact as the buckets of the histogram are. */
  quantileMs(share: number): number {
    let left = this.buckets.reduce((sum, count) => sum + count, 0) * share
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.buckets[bucket]!
      if (left > count) {
        left -= count
        continue
      }
      const low = bucket === 0 ? 0 : BOUNDS_MS[bucket - 1]!
      const high = Math.min(BOUNDS_MS[bucket] ?? this.maxMs, this.maxMs)
      return count === 0 ? 0 : low + ((high - low) * left) / count
    }
    return this.maxMs
  }
}

export class DigestTable {
  readonly #byKey = new Map<number, Digest>()
  readonly #limit: number
  #newest: Digest | null = null
  #oldest: Digest | null = null
  /** Digests that had to make room. */
  dropped = 0

  constructor(limit = MAX_DIGESTS) {
    this.#limit = limit
  }

  get size(): number {
    return this.#byKey.size
  }

  /** That of the statement which was scanned last. */
  find(scanner: StatementScanner): Digest {
    const key = scanner.digestKey()
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const digest = new Digest(key, scanner.digestHex(), scanner.digestText(), scanner.kind)
    this.#list(digest)
    return digest
  }

  /** The same, or what the table has in its place by now; it becomes the one that was used last. */
  use(digest: Digest, now: number): Digest {
    let used = digest
    if (!digest.listed) {
      used = this.#byKey.get(digest.key) ?? digest
      if (used === digest) this.#list(digest)
    }
    if (used !== this.#newest) {
      this.#unlink(used)
      this.#link(used)
    }
    if (used.count === 0) used.firstSeen = now
    used.lastSeen = now
    used.count++
    return used
  }

  /** The one used last comes first. */
  *[Symbol.iterator](): Iterator<Digest> {
    for (let digest = this.#newest; digest !== null; digest = digest.older) yield digest
  }

  #list(digest: Digest): void {
    const oldest = this.#oldest
    if (this.#byKey.size >= this.#limit && oldest !== null) {
      this.#unlink(oldest)
      this.#byKey.delete(oldest.key)
      oldest.listed = false
      this.dropped++
    }
    digest.listed = true
    this.#byKey.set(digest.key, digest)
    this.#link(digest)
  }

  #link(digest: Digest): void {
    digest.newer = null
    digest.older = this.#newest
    if (this.#newest === null) this.#oldest = digest
    else this.#newest.newer = digest
    this.#newest = digest
  }

  #unlink(digest: Digest): void {
    const { newer, older } = digest
    if (newer === null) this.#newest = older
    else newer.older = older
    if (older === null) this.#oldest = newer
    else older.newer = newer
  }
}
