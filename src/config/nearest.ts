/** Finds what somebody probably meant: the known name with the fewest slips of the finger from the one written. */

/** The nearest of the names, or undefined when none is close enough to be offered. */
export function nearest(written: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  // Short names tolerate one slip, longer ones a third of their length.
  let limit = Math.max(1, Math.floor(written.length / 3)) + 1
  for (const name of names) {
    const distance = slips(written.toLowerCase(), name.toLowerCase())
    if (distance >= limit) continue
    best = name
    limit = distance
  }
  return best
}

/** Optimal string alignment: insertions, deletions, replacements and swaps of neighbours. */
function slips(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? beforeLast[j - 2]! + 1 : replaced
      row.push(Math.min(replaced, swapped, last[j]! + 1, row[j - 1]! + 1))
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}
