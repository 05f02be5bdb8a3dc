/** How many files are open at a time for one request. */
const MAX_AT_ONCE = 16

/** The results in order; the work is done for a few at a time. */
export async function mapBounded<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length)
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const at = next++
      results[at] = await work(items[at]!)
    }
  }
  await Promise.all(Array.from({ length: Math.min(MAX_AT_ONCE, items.length) }, worker))
  return results
}
