/** What of a request goes on to the store: not what proves who asks, frames the body, or belongs to one connection. */
import { isHopByHop, type RequestHead } from '../../codecs/http1/index.ts'
import { CHECKSUMS } from '../../codecs/s3/index.ts'
import type { BodyPlan } from './body-plan.ts'

const KEPT_HERE: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'expect',
  'host',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-security-token',
  'x-amz-trailer',
  // Set by proxies for those behind them; the service's own proxy would believe them.
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  // The service would answer with compressed bytes that the application did not sign for.
  'accept-encoding',
])

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

export interface Forwarded {
  readonly query: readonly string[]
  readonly headers: string[]
}

/** `query` and `headers` as name, value ...; header names in lower case. */
export function forStore(
  query: readonly string[],
  headers: readonly string[],
  { connectionNames }: RequestHead,
  plan: BodyPlan,
): Forwarded {
  const kept: string[] = []
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!
    if (KEPT_HERE.has(name) || isHopByHop(name, connectionNames)) continue
    // A document's digests were compared here, and its text may change on the way.
    if (plan.isDocument && isDigest(name, plan)) continue
    if (name === 'content-encoding') {
      if (plan.contentEncoding !== '') kept.push(name, plan.contentEncoding)
    } else {
      kept.push(name, headers[at + 1]!)
    }
  }
  return { query: query.length === 0 ? query : plainQuery(query, kept), headers: kept }
}

/** SDKs move headers into the query of a presigned URL: they are headers again. */
function plainQuery(query: readonly string[], headers: string[]): string[] {
  const plain: string[] = []
  for (let at = 0; at < query.length; at += 2) {
    const name = query[at]!.toLowerCase()
    if (!name.startsWith('x-amz-')) plain.push(query[at]!, query[at + 1]!)
    // Checksums among them are of the empty body that was there when the URL was signed.
    else if (!SIGNATURE.has(name) && !name.startsWith('x-amz-checksum-') && name !== 'x-amz-sdk-checksum-algorithm')
      headers.push(name, Buffer.from(query[at + 1]!, 'utf8').toString('latin1'))
  }
  return plain
}

function isDigest(name: string, { checksum }: BodyPlan): boolean {
  if (name === 'content-md5') return true
  return (
    checksum !== undefined && (name === CHECKSUMS[checksum.algorithm].header || name === 'x-amz-sdk-checksum-algorithm')
  )
}
