/**
 * SDKs move headers into the query of a presigned URL. They are headers again before anybody looks at the request: what
 * classifies it, judges it and sends it on must not see a copy source or an ACL in different places.
 */
import { isAuthParameter, S3Error, valueIn } from '../../codecs/s3/index.ts'
import { headerText } from './header-text.ts'

/** Of the empty body that was there when the URL was signed, or of a framing that only a header can announce. */
const MEANINGLESS =
  /^x-amz-(checksum-(?!mode$|type$|algorithm$).*|sdk-checksum-algorithm|trailer|decoded-content-length)$/

export interface Lifted {
  /** Name, value ..., without what authenticates and what was lifted. */
  readonly query: readonly string[]
  /** Name in lower case, value ...; latin1. */
  readonly headers: readonly string[]
}

/** Throws InvalidArgument for what can be no header, or contradicts one. */
export function liftHeaders(query: readonly string[], headers: readonly string[]): Lifted {
  if (!hasAmz(query)) return { query, headers }
  const plain: string[] = []
  const lifted = [...headers]
  for (let at = 0; at < query.length; at += 2) {
    const name = query[at]!.toLowerCase()
    if (!isAmz(name)) plain.push(query[at]!, query[at + 1]!)
    else if (!isAuthParameter(name) && !MEANINGLESS.test(name)) lift(name, query[at + 1]!, lifted)
  }
  return { query: plain, headers: lifted }
}

function hasAmz(query: readonly string[]): boolean {
  for (let at = 0; at < query.length; at += 2) if (isAmz(query[at]!)) return true
  return false
}

function isAmz(name: string): boolean {
  return name.length > 6 && name.slice(0, 6).toLowerCase() === 'x-amz-'
}

function lift(name: string, value: string, lifted: string[]): void {
  const text = headerText(name, value)?.trim()
  const known = valueIn(lifted, name)
  if (text === undefined || (known !== undefined && known !== text))
    throw new S3Error('InvalidArgument', `The query parameter ${name} cannot be taken for a header.`, {
      ArgumentName: name,
    })
  if (known === undefined) lifted.push(name, text)
}
