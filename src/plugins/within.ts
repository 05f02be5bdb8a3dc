/** Nothing of a plug-in can hold up a start, an end or a verification for ever. */

const LIMIT_MS = 30_000

/** Rejects when the work takes too long; then it is left to itself. */
export async function within<T>(work: T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${LIMIT_MS / 1000} s`)), LIMIT_MS)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
