/**
 * The keys of a bucket in S3's order, which is that of their UTF-8 bytes: JavaScript's own differs beyond U+FFFF. A key is
 * kept as a string with one character for each byte, whose own order is the right one.
 */

/** Inserting moves at most so many keys, and finding halves their groups. */
const MAX_GROUP = 1_024

/** The key as the index has it. */
export function indexed(key: string): string {
  return /^[\u0000-\u007f]*$/.test(key) ? key : Buffer.from(key).toString('latin1')
}

/** The key of an index's entry, or of a part of one that ends between characters. */
export function unindexed(entry: string): string {
  return /^[\u0000-\u007f]*$/.test(entry) ? entry : Buffer.from(entry, 'latin1').toString()
}

export class KeyIndex {
  #groups: string[][] = []
  #size = 0

  /** From any number of entries, each once, in any order. */
  constructor(entries: string[]) {
    const sorted = entries.sort((a, b) => (a < b ? -1 : 1))
    for (let at = 0; at < sorted.length; at += MAX_GROUP / 2) this.#groups.push(sorted.slice(at, at + MAX_GROUP / 2))
    this.#size = sorted.length
  }

  get size(): number {
    return this.#size
  }

  add(entry: string): void {
    if (this.#groups.length === 0) this.#groups.push([])
    const at = this.#groupOf(entry)
    const group = this.#groups[at]!
    const place = placeIn(group, entry)
    if (group[place] === entry) return
    group.splice(place, 0, entry)
    this.#size++
    if (group.length > MAX_GROUP) this.#groups.splice(at + 1, 0, group.splice(MAX_GROUP / 2))
  }

  delete(entry: string): void {
    if (this.#groups.length === 0) return
    const at = this.#groupOf(entry)
    const group = this.#groups[at]!
    const place = placeIn(group, entry)
    if (group[place] !== entry) return
    group.splice(place, 1)
    this.#size--
    if (group.length === 0) this.#groups.splice(at, 1)
  }

  has(entry: string): boolean {
    return this.atOrAfter(entry) === entry
  }

  /** The first entry that is not below this one. */
  atOrAfter(bound: string): string | undefined {
    if (this.#groups.length === 0) return undefined
    const at = this.#groupOf(bound)
    const group = this.#groups[at]!
    return group[placeIn(group, bound)] ?? this.#groups[at + 1]?.[0]
  }

  /** The last group whose first entry is not above this one; the first group when there is none. */
  #groupOf(entry: string): number {
    let low = 0
    let high = this.#groups.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#groups[middle]![0]! <= entry) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** Where it is, or would be. */
function placeIn(group: readonly string[], entry: string): number {
  let low = 0
  let high = group.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (group[middle]! < entry) low = middle + 1
    else high = middle
  }
  return low
}
