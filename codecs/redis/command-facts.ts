/**
 * The flags and ACL categories of Redis commands, as bits. The words are those of the COMMAND reply: https://redis.io/docs/latest/commands/command/
 */

/** Flags of a command; bits of `CommandTable.flags`. */
export const CommandFlag = {
  WRITE: 1 << 0,
  READONLY: 1 << 1,
  DENYOOM: 1 << 2,
  ADMIN: 1 << 3,
  PUBSUB: 1 << 4,
  NOSCRIPT: 1 << 5,
  BLOCKING: 1 << 6,
  LOADING: 1 << 7,
  STALE: 1 << 8,
  SKIP_MONITOR: 1 << 9,
  SKIP_SLOWLOG: 1 << 10,
  ASKING: 1 << 11,
  FAST: 1 << 12,
  NO_AUTH: 1 << 13,
  /** Not told by COMMAND: known of the commands that are shipped only. */
  MAY_REPLICATE: 1 << 14,
  NO_MANDATORY_KEYS: 1 << 15,
  NO_ASYNC_LOADING: 1 << 16,
  NO_MULTI: 1 << 17,
  ALLOW_BUSY: 1 << 18,
  /** Keys stand where no range of arguments tells. */
  MOVABLE_KEYS: 1 << 19,
  /** Not told by COMMAND. */
  TOUCHES_ARBITRARY_KEYS: 1 << 20,
  MODULE: 1 << 21,
  /** Has subcommands, which are commands with ids of their own. */
  CONTAINER: 1 << 22,
} as const

/** ACL categories; bits of `CommandTable.categories`. The last nine came with Redis 8. */
export const CategoryFlag = {
  KEYSPACE: 1 << 0,
  READ: 1 << 1,
  WRITE: 1 << 2,
  SET: 1 << 3,
  SORTEDSET: 1 << 4,
  LIST: 1 << 5,
  HASH: 1 << 6,
  STRING: 1 << 7,
  BITMAP: 1 << 8,
  HYPERLOGLOG: 1 << 9,
  GEO: 1 << 10,
  STREAM: 1 << 11,
  PUBSUB: 1 << 12,
  ADMIN: 1 << 13,
  FAST: 1 << 14,
  SLOW: 1 << 15,
  BLOCKING: 1 << 16,
  DANGEROUS: 1 << 17,
  CONNECTION: 1 << 18,
  TRANSACTION: 1 << 19,
  SCRIPTING: 1 << 20,
  ARRAY: 1 << 21,
  JSON: 1 << 22,
  SEARCH: 1 << 23,
  TIMESERIES: 1 << 24,
  BLOOM: 1 << 25,
  CUCKOO: 1 << 26,
  CMS: 1 << 27,
  TOPK: 1 << 28,
  TDIGEST: 1 << 29,
} as const

/** Words in lower case, to bits. */
export const bitsOf = (words: Readonly<Record<string, number>>) =>
  new Map(Object.entries(words).map(([word, bit]) => [word.toLowerCase(), bit]))

const flagBits = bitsOf({ ...CommandFlag, MOVABLEKEYS: CommandFlag.MOVABLE_KEYS })
const categoryBits = bitsOf(CategoryFlag)

/** All category names, lower case, in the order of their bits. */
export const categoryNames: readonly string[] = [...categoryBits.keys()]

/** The bit of a flag such as `readonly`; 0 when it is not known. */
export const commandFlag = (word: string): number => flagBits.get(word.toLowerCase()) ?? 0

/** The bit of a category such as `dangerous` or `@dangerous`; 0 when it is not known. */
export const categoryFlag = (word: string): number =>
  categoryBits.get((word.startsWith('@') ? word.slice(1) : word).toLowerCase()) ?? 0

/** Categories that follow from flags, as Redis adds them to the ones a command names. */
export function impliedCategories(flags: number, named: number): number {
  let all = named
  if (flags & CommandFlag.WRITE) all |= CategoryFlag.WRITE
  if (flags & CommandFlag.READONLY && !(named & CategoryFlag.SCRIPTING)) all |= CategoryFlag.READ
  if (flags & CommandFlag.ADMIN) all |= CategoryFlag.ADMIN | CategoryFlag.DANGEROUS
  if (flags & CommandFlag.PUBSUB) all |= CategoryFlag.PUBSUB
  if (flags & CommandFlag.FAST) all |= CategoryFlag.FAST
  if (flags & CommandFlag.BLOCKING) all |= CategoryFlag.BLOCKING
  return all & CategoryFlag.FAST ? all : all | CategoryFlag.SLOW
}
