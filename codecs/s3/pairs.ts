/** Queries and headers as flat lists: name, value, name, value .... */

/** The first value of the name; undefined without it. */
export function valueIn(pairs: readonly string[], name: string): string | undefined {
  for (let at = 0; at < pairs.length; at += 2) if (pairs[at] === name) return pairs[at + 1]
  return undefined
}
