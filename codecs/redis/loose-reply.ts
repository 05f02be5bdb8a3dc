/** Reads replies of which the shape is not certain: what is not as expected counts as empty. */

/** The elements of an array or a set; keys and values of a map in turn, which RESP2 has as an array anyway. */
export function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (value instanceof Map) return [...value].flat(1)
  return value instanceof Set ? [...value] : []
}

export const text = (value: unknown): string =>
  typeof value === 'string' || Buffer.isBuffer(value) ? value.toString() : ''

export const integer = (value: unknown): number => (typeof value === 'number' ? value : 0)

/** The value behind a label in a map or in `[label, value, label, value ...]`. */
export function field(pairs: unknown, label: string): unknown {
  const all = list(pairs)
  for (let i = 0; i + 1 < all.length; i += 2) if (text(all[i]) === label) return all[i + 1]
  return undefined
}
