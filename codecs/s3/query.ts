/** Query strings: from raw text to names and values, and to the one form that is both sent and signed. */
import { decodeQueryText, encodeQueryText } from './uri.ts'

/** Name, value, name, value ..., decoded and in order; `acl` without a value has an empty one. Throws InvalidURI. */
export function parseQuery(raw: string): string[] {
  const pairs: string[] = []
  for (let at = 0; at < raw.length; ) {
    let end = raw.indexOf('&', at)
    if (end < 0) end = raw.length
    if (end > at) {
      let equals = raw.indexOf('=', at)
      if (equals < 0 || equals > end) equals = end
      pairs.push(decodeQueryText(raw.slice(at, equals)), decodeQueryText(raw.slice(equals + 1, end)))
    }
    at = end + 1
  }
  return pairs
}

/**
 * Sorted by encoded name, then value, every name with its `=`, without `X-Amz-Signature`. Sent as it is, it needs no
 * second form for its signature.
 */
export function canonicalQuery(query: readonly string[]): string {
  if (query.length === 0) return ''
  if (query.length === 2)
    return query[0] === SIGNATURE ? '' : `${encodeQueryText(query[0]!)}=${encodeQueryText(query[1]!)}`
  const pairs: { name: string; value: string }[] = []
  for (let at = 0; at < query.length; at += 2) {
    if (query[at] === SIGNATURE) continue
    pairs.push({ name: encodeQueryText(query[at]!), value: encodeQueryText(query[at + 1]!) })
  }
  pairs.sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value))
  let text = ''
  for (const { name, value } of pairs) text += text === '' ? `${name}=${value}` : `&${name}=${value}`
  return text
}

const SIGNATURE = 'X-Amz-Signature'

/** By code units, which are bytes here. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
