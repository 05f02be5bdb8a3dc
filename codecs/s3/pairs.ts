/** Queries and headers as flat lists: name, value, name, value .... */

/** The first value of the name; undefined without it. */
export function valueIn(pairs: readonly string[], name: string): string | undefined {
  for (let at = 0; at < pairs.length; at += 2) if (pairs[at] === name) return pairs[at + 1]
  return undefined
}

const NONE: readonly string[] = []

/** All values of the name. */
export function valuesIn(pairs: readonly string[], name: string): readonly string[] {
  let values: string[] | undefined
  for (let at = 0; at < pairs.length; at += 2) {
    if (pairs[at] !== name) continue
    if (values) values.push(pairs[at + 1]!)
    else values = [pairs[at + 1]!]
  }
  return values ?? NONE
}

/** The first value of a header that may be spelt in any case; its name is given in lower case. */
export function headerIn(headers: readonly string[], name: string): string | undefined {
  for (let at = 0; at < headers.length; at += 2) {
    const other = headers[at]!
    if (other.length === name.length && other.toLowerCase() === name) return headers[at + 1]
  }
  return undefined
}
