/** Medians over repetitions. A ratio is formed within each repetition, so that a drift of the machine cancels out. */

/** The middle value, or the mean of the two middle ones; NaN when empty. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle] as number
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

/** Largest minus smallest value as a share of the median: how far the repetitions lie apart. */
export function spread(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : (Math.max(...values) - Math.min(...values)) / median(values)
}

/** The median of a[i] / b[i] over the repetitions that have both; undefined when none has. */
export function pairedRatio(
  numerators: readonly (number | undefined)[],
  denominators: readonly (number | undefined)[],
): number | undefined {
  const ratios: number[] = []
  for (const [i, numerator] of numerators.entries()) {
    const denominator = denominators[i]
    if (numerator !== undefined && denominator !== undefined && denominator !== 0) ratios.push(numerator / denominator)
  }
  return ratios.length === 0 ? undefined : median(ratios)
}
