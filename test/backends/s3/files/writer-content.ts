/** What writer-process.ts writes: a few hundred keys, each again and again, by one writer at a time. */
/** A multiple of the writers at work. */
const KEYS = 160

export function keyOf(version: number): string {
  return `key ${version % KEYS}`
}

/** Every version has its own length and content; some are large enough to be shared by copies. */
export function bodyOf(version: number): Buffer {
  const size = version % 3 === 0 ? 200_000 + version : (version * 7) % 9_000
  return Buffer.alloc(size, `version ${version} `)
}
