/**
 * SDKs move headers into the query of a presigned URL. They are headers again before anybody looks at the request: what
 * classifies it, judges it and sends it on must not see a copy source or an ACL in different places.
 */
import { S3Error } from '../../codecs/s3/index.ts'

/** Parameters of a presigned URL that belong to its signature. */
const SIGNATURE: ReadonlySet<string> = new Set([
  'x-amz-algorithm',
  'x-amz-content-sha256',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-signedheaders',
])
/** Of the empty body that was there when the URL was signed, or of a framing that only a header can announce. */
const MEANINGLESS =
  /^x-amz-(checksum-(?!mode$|type$|algorithm$).*|sdk-checksum-algorithm|trailer|decoded-content-length)$/
const NAME = /^x-amz-[0-9a-z._-]+$/
const NOT_A_VALUE = /[\u0000-\u0008\u000a-\u001f\u007f]/

export interface Lifted {
  /** Name, value ..., without what authenticates and what was lifted. */
  readonly query: readonly string[]
  /** Name in lower case, value ...; latin1. */
  readonly headers: readonly string[]
}

/** Throws InvalidArgument for what can be no header, or contradicts one. */
export function liftHeaders(query: readonly string[], headers: readonly string[]): Lifted {
  if (!query.some((text, at) => at % 2 === 0 && isAmz(text))) return { query, headers }
  const plain: string[] = []
  const lifted = [...headers]
  for (let at = 0; at < query.length; at += 2) {
    const name = query[at]!.toLowerCase()
    if (!isAmz(name)) plain.push(query[at]!, query[at + 1]!)
    else if (!SIGNATURE.has(name) && !MEANINGLESS.test(name)) lift(name, query[at + 1]!, lifted)
  }
  return { query: plain, headers: lifted }
}

function isAmz(name: string): boolean {
  return name.length > 6 && name.slice(0, 6).toLowerCase() === 'x-amz-'
}

function lift(name: string, value: string, lifted: string[]): void {
  const text = Buffer.from(value, 'utf8').toString('latin1').trim()
  const known = lifted.findIndex((other, at) => at % 2 === 0 && other === name)
  if (!NAME.test(name) || NOT_A_VALUE.test(value) || (known >= 0 && lifted[known + 1] !== text))
    throw new S3Error('InvalidArgument', `The query parameter ${name} cannot be taken for a header.`, {
      ArgumentName: name,
    })
  if (known < 0) lifted.push(name, text)
}
