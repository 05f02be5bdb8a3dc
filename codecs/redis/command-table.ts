/**
 * Commands by number: names are looked up in the bytes of a frame, without a string, and facts stand in arrays under
 * the id. Subcommands have ids of their own, under names as `client|kill`. Ids never change once given.
 */
import { CommandFlag, categoryFlag, commandFlag, impliedCategories } from './command-facts.ts'
import { type KeySpec, parseKeySpecs, rangeSpec, readKeySpec } from './key-spec.ts'
import { integer, list, text } from './loose-reply.ts'

/** Most commands and subcommands that a table takes. */
export const MAX_COMMANDS = 4096

/** Flags that COMMAND does not tell; and of WAIT, that it blocks, only since Redis 7.2. */
const UNTOLD = CommandFlag.MAY_REPLICATE | CommandFlag.TOUCHES_ARBITRARY_KEYS | CommandFlag.BLOCKING

const SLOTS = 4 * MAX_COMMANDS

export class CommandTable {
  /** Lower case. */
  readonly names: string[] = []
  /** Bits of CommandFlag. */
  readonly flags = new Uint32Array(MAX_COMMANDS)
  /** Bits of CategoryFlag. */
  readonly categories = new Uint32Array(MAX_COMMANDS)
  /** Number of arguments, name included; negative: at least so many; 0: not known. */
  readonly arity = new Int16Array(MAX_COMMANDS)
  /** For a subcommand the id of its container, else -1. */
  readonly parent = new Int16Array(MAX_COMMANDS)

  /** Goes up with each change, so that what was derived from the facts can be derived anew. */
  revision = 0

  readonly #ids = new Map<string, number>()
  readonly #keys: (string | readonly KeySpec[])[] = []
  /** Open addressing; id + 1, or 0 for a free slot. */
  readonly #slots = new Uint16Array(SLOTS)
  /** All names, one behind the other, with the letters of subcommands only (`kill`). */
  #bytes = Buffer.alloc(8192)
  #used = 0
  readonly #starts = new Uint32Array(MAX_COMMANDS + 1)

  /** The id of the command whose name is bytes[start, end), in whatever case; -1 when it is not known. */
  lookup(bytes: Uint8Array, start: number, end: number): number {
    return this.#find(bytes, start, end, -1)
  }

  /** The id of a container's subcommand; -1 when it is not known. */
  lookupSubcommand(container: number, bytes: Uint8Array, start: number, end: number): number {
    return this.#find(bytes, start, end, container)
  }

  /** The id of `get`, `CONFIG` or `client|kill`; -1 when it is not known. For setting up, not per request. */
  idOf(name: string): number {
    return this.#ids.get(name.toLowerCase()) ?? -1
  }

  keySpecs(id: number): readonly KeySpec[] {
    const keys = this.#keys[id]
    if (typeof keys !== 'string') return keys ?? []
    return (this.#keys[id] = parseKeySpecs(keys))
  }

  /** The ids of a container's subcommands. */
  subcommands(container: number): number[] {
    return [...this.names.keys()].filter(id => this.parent[id] === container)
  }

  /** The ids of all commands and subcommands of a category such as `@dangerous`. Throws RangeError for an unknown one. */
  inCategory(category: string): number[] {
    const bit = categoryFlag(category)
    if (bit === 0) throw new RangeError(`there is no command category '${category}'`)
    return [...this.names.keys()].filter(id => this.categories[id]! & bit)
  }

  /**
   * Adds a command, its name in lower case, or replaces what is known of it; a subcommand's container must be there.
   * Key specifications may be given as text (key-spec.ts), to be read when they are asked for. Returns the id, or -1
   * when the table is full.
   */
  add(name: string, arity: number, flags: number, categories: number, keys: string | readonly KeySpec[]): number {
    const id = this.#ids.get(name) ?? this.#append(name)
    if (id < 0) return -1
    this.arity[id] = arity
    this.flags[id] = flags | (this.flags[id]! & CommandFlag.CONTAINER)
    this.categories[id] = categories
    this.#keys[id] = keys
    this.revision++
    return id
  }

  /**
   * Takes what a backend's COMMAND reply says, be it of RESP2 or RESP3. What the backend says goes; what it
   * leaves out (flags that Redis hides, key specifications before Redis 7) stays as it was. Entries that make no sense
   * are skipped. Returns the names that were new.
   */
  merge(commandReply: readonly unknown[]): string[] {
    const added: string[] = []
    for (const entry of commandReply) this.#mergeEntry(entry, '', added)
    return added
  }

  #mergeEntry(entry: unknown, container: string, added: string[]): void {
    if (!Array.isArray(entry) || entry.length < 6) return
    const own = text(entry[0]).toLowerCase()
    const name = container === '' || own.includes('|') ? own : `${container}|${own}`
    if (own === '' || (container !== '' && !name.startsWith(`${container}|`))) return
    const known = this.idOf(name)
    let flags = 0
    for (const word of list(entry[2])) flags |= commandFlag(text(word))
    let categories = 0
    for (const word of list(entry[6])) categories |= categoryFlag(text(word))
    let keys = list(entry[8]).map(readKeySpec)
    if (entry.length < 9) {
      const readOnly = (flags & CommandFlag.READONLY) !== 0
      const movable = (flags & CommandFlag.MOVABLE_KEYS) !== 0
      keys = known >= 0 ? [...this.keySpecs(known)] : rangeSpec(entry, readOnly, movable)
    }
    const kept = known >= 0 ? this.flags[known]! & UNTOLD : 0
    const id = this.add(name, integer(entry[1]), flags | kept, impliedCategories(flags, categories), keys)
    if (id < 0) return
    if (known < 0) added.push(name)
    if (container === '') for (const subcommand of list(entry[9])) this.#mergeEntry(subcommand, name, added)
  }

  #append(name: string): number {
    const id = this.names.length
    const pipe = name.indexOf('|')
    const container = pipe < 0 ? -1 : (this.#ids.get(name.slice(0, pipe)) ?? -1)
    if (id === MAX_COMMANDS || (pipe >= 0 && container < 0)) return -1
    const own = pipe < 0 ? name : name.slice(pipe + 1)
    const start = this.#used
    if (start + 3 * own.length > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length + 3 * own.length)])
    }
    this.#used += this.#bytes.write(own, start)
    this.#starts[id + 1] = this.#used
    this.parent[id] = container
    if (container >= 0) this.flags[container]! |= CommandFlag.CONTAINER
    this.names.push(name)
    this.#ids.set(name, id)
    let slot = hash(this.#bytes, start, this.#used, container)
    while (this.#slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1)
    this.#slots[slot] = id + 1
    return id
  }

  #find(bytes: Uint8Array, start: number, end: number, container: number): number {
    const length = end - start
    const starts = this.#starts
    const names = this.#bytes
    let slot = hash(bytes, start, end, container)
    for (let id = this.#slots[slot]! - 1; id >= 0; id = this.#slots[slot]! - 1) {
      const at = starts[id]!
      if (starts[id + 1]! - at === length && this.parent[id] === container) {
        let i = 0
        while (i < length) {
          const want = names[at + i]!
          const got = bytes[start + i]!
          if (got !== want && (got + 32 !== want || got < 65 || got > 90)) break
          i++
        }
        if (i === length) return id
      }
      slot = (slot + 1) & (SLOTS - 1)
    }
    return -1
  }
}

/**
 * Of four of the bytes, without bit 5, which tells upper from lower case. Constants are kept small for the interpreter,
 * which runs this at start.
 */
function hash(bytes: Uint8Array, start: number, end: number, container: number): number {
  const length = end - start
  if (length === 0) return 0
  const ends = (bytes[start]! | 32) + ((bytes[end - 1]! | 32) << 8)
  const inner = (bytes[start + (length >> 1)]! | 32) + ((bytes[start + (length >> 2)]! | 32) << 8)
  const mixed = Math.imul(ends + (inner << 16), 0x1e3779b1) + Math.imul(length + ((container + 1) << 8), 0x25ebca6b)
  return (mixed >> 14) & (SLOTS - 1)
}
