/**
 * Finds the keys among the arguments of a command: by its key specifications, and by rules of its own where these cannot
 * tell (SORT, MIGRATE, XREAD ...). What is malformed has no keys: the server will answer with an error.
 * https://redis.io/docs/latest/develop/reference/key-specs/
 */
import type { CommandTable } from './command-table.ts'
import { KeyFlag, type KeySpec } from './key-spec.ts'

type Rule = (finder: KeyFinder, specs: readonly KeySpec[]) => void

const LOOKED_UP = KeyFlag.RO | KeyFlag.ACCESS
const OVERWRITTEN = KeyFlag.OW | KeyFlag.UPDATE

/** One per listener or session: a search overwrites the results of the one before and allocates nothing. */
export class KeyFinder {
  /** How many keys there are; the first so many elements of the arrays are theirs. */
  count = 0
  /** Indexes of arguments; the command's name is argument 0. */
  readonly indexes: number[] = []
  /** What is done with each key: bits of KeyFlag. */
  readonly flags: number[] = []
  /** False when there may be further keys that the arguments do not name, or that nobody here knows where to look for. */
  complete = true
  /** The option of SORT that leads to keys which are in the data. */
  derivedBy: '' | 'BY' | 'GET' = ''

  /** Of the search at hand: the arguments, and start and end of each, one after the other. */
  bytes: Uint8Array = new Uint8Array()
  spans: ArrayLike<number> = []
  argc = 0

  readonly #table: CommandTable
  readonly #rules: (Rule | undefined)[] = []

  constructor(table: CommandTable) {
    this.#table = table
    for (const name of Object.keys(RULES)) {
      const id = table.idOf(name)
      if (id >= 0) this.#rules[id] = RULES[name]
    }
  }

  /**
   * Looks for the keys of a command, given its id (a subcommand's own) and its arguments as start and end of each.
   * Returns how many there are. `notKeys` includes what only decides the slot, such as sharded channels.
   */
  find(id: number, bytes: Uint8Array, spans: ArrayLike<number>, notKeys = false): number {
    this.bytes = bytes
    this.spans = spans
    this.argc = spans.length >> 1
    this.count = 0
    this.complete = true
    this.derivedBy = ''
    const specs = this.#table.keySpecs(id)
    const rule = this.#rules[id]
    if (rule !== undefined) rule(this, specs)
    else for (let i = 0; i < specs.length; i++) this.#apply(specs[i]!, notKeys)
    return this.count
  }

  /** Notes a key; none when the request is too short for it. */
  add(index: number, flags: number): void {
    if (index >= this.argc) return
    this.indexes[this.count] = index
    this.flags[this.count++] = flags
  }

  /** Whether an argument is this word, which is given in lower case. */
  is(index: number, word: string): boolean {
    const start = this.spans[2 * index]!
    const length = word.length
    if (this.spans[2 * index + 1]! - start !== length) return false
    for (let i = 0; i < length; i++) {
      const byte = this.bytes[start + i]!
      if ((byte >= 65 && byte <= 90 ? byte + 32 : byte) !== word.charCodeAt(i)) return false
    }
    return true
  }

  #apply(spec: KeySpec, notKeys: boolean): void {
    if (spec.flags & KeyFlag.NOT_KEY && !notKeys) return
    if (spec.begin === 'unknown' || spec.find === 'unknown') {
      this.complete = false
      return
    }
    if (spec.flags & KeyFlag.INCOMPLETE) this.complete = false
    const { argc } = this
    let first = spec.begin === 'index' ? spec.start : this.#behindKeyword(spec)
    if (first < 1) return
    let last: number
    if (spec.find === 'keynum') {
      const count = first + spec.countAt < argc ? this.#number(first + spec.countAt) : 0
      first += spec.first
      last = first + (count - 1) * spec.step
    } else if (spec.last >= 0) {
      last = first + spec.last
    } else if (spec.limit > 1) {
      last = first + Math.floor((argc - first) / spec.limit) + spec.last
    } else {
      last = argc + spec.last
    }
    if (last >= argc || last < first) return
    for (let i = first; i <= last; i += spec.step) this.add(i, spec.flags)
  }

  #behindKeyword(spec: KeySpec): number {
    const forwards = spec.start > 0
    let i = forwards ? spec.start : this.argc + spec.start
    for (; forwards ? i < this.argc - 1 : i > 1; i += forwards ? 1 : -1) if (this.is(i, spec.keyword)) return i + 1
    return 0
  }

  /** A count of keys; 0 when it is no number. */
  #number(index: number): number {
    const end = this.spans[2 * index + 1]!
    let value = 0
    for (let i = this.spans[2 * index]!; i < end; i++) {
      const digit = this.bytes[i]! - 48
      if (digit < 0 || digit > 9) return 0
      value = value * 10 + digit
      if (value > this.argc) return 0
    }
    return value
  }
}

/** Commands whose options have to be read to know their keys. */
const RULES: Readonly<Record<string, Rule>> = {
  set: finder => {
    let flags = OVERWRITTEN
    for (let i = 3; i < finder.argc; i++) if (finder.is(i, 'get')) flags = KeyFlag.RW | KeyFlag.ACCESS | KeyFlag.UPDATE
    finder.add(1, flags)
  },
  bitfield: finder => {
    finder.add(1, readsOnly(finder) ? LOOKED_UP : KeyFlag.RW | KeyFlag.ACCESS | KeyFlag.UPDATE)
  },
  sort: findSortKeys,
  sort_ro: findSortKeys,
  migrate: findMigrateKeys,
  georadius: findGeoRadiusKeys,
  georadiusbymember: findGeoRadiusKeys,
  xread: findStreamKeys,
  xreadgroup: findStreamKeys,
}

/** BITFIELD with GET only. What is not understood is taken for writing. */
function readsOnly(finder: KeyFinder): boolean {
  for (let i = 2; i < finder.argc; i++) {
    const rest = finder.argc - i - 1
    if (rest >= 2 && finder.is(i, 'get')) i += 2
    else if (rest >= 1 && finder.is(i, 'overflow')) i++
    else return false
  }
  return true
}

/** The last STORE counts. BY and GET lead to keys that are in the data. */
function findSortKeys(finder: KeyFinder): void {
  finder.add(1, LOOKED_UP)
  let store = 0
  for (let i = 2; i < finder.argc; i++) {
    if (finder.is(i, 'limit')) i += 2
    else if (finder.is(i, 'get')) {
      i++
      derive(finder, 'GET')
    } else if (finder.is(i, 'by')) {
      i++
      if (i < finder.argc && contains(finder, i, 42)) derive(finder, 'BY')
    } else if (i + 1 < finder.argc && finder.is(i, 'store')) store = i + 1
  }
  if (store > 0) finder.add(store, OVERWRITTEN)
}

function derive(finder: KeyFinder, option: 'BY' | 'GET'): void {
  finder.complete = false
  if (finder.derivedBy === '') finder.derivedBy = option
}

function contains(finder: KeyFinder, index: number, byte: number): boolean {
  const at = finder.bytes.indexOf(byte, finder.spans[2 * index]!)
  return at >= 0 && at < finder.spans[2 * index + 1]!
}

/** The third argument, or what follows KEYS when that is empty. */
function findMigrateKeys(finder: KeyFinder): void {
  const flags = KeyFlag.RW | KeyFlag.ACCESS | KeyFlag.DELETE
  for (let i = 6; i < finder.argc; i++) {
    if (finder.is(i, 'keys')) {
      if (finder.is(3, '')) for (let key = i + 1; key < finder.argc; key++) finder.add(key, flags)
      return
    }
    if (finder.is(i, 'auth')) i++
    else if (finder.is(i, 'auth2')) i += 2
  }
  finder.add(3, flags)
}

/** The last STORE or STOREDIST counts. */
function findGeoRadiusKeys(finder: KeyFinder): void {
  finder.add(1, LOOKED_UP)
  let store = 0
  for (let i = 5; i + 1 < finder.argc; i++) if (finder.is(i, 'store') || finder.is(i, 'storedist')) store = ++i
  if (store > 0) finder.add(store, OVERWRITTEN)
}

const STREAM_OPTIONS: readonly (readonly [string, number])[] = [
  ['block', 1],
  ['count', 1],
  ['maxcount', 1],
  ['maxsize', 1],
  ['group', 2],
  ['claim', 1],
  ['noack', 0],
]

/** The first half of what follows STREAMS, which might be the name of a group as well. */
function findStreamKeys(finder: KeyFinder, specs: readonly KeySpec[]): void {
  let i = 1
  while (i < finder.argc && !finder.is(i, 'streams')) {
    const option = STREAM_OPTIONS.find(([word]) => finder.is(i, word))
    if (option === undefined) return
    i += 1 + option[1]
  }
  const rest = finder.argc - i - 1
  if (rest % 2 !== 0) return
  for (let key = i + 1; key <= i + rest / 2; key++) finder.add(key, specs[0]?.flags ?? LOOKED_UP)
}
