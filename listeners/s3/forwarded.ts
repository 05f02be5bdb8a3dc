/** What of a request goes on to the store: not what proves who asks, frames the body, or belongs to one connection. */
import { isHopByHop, type RequestHead } from '../../codecs/http1/index.ts'
import { AUTH_HEADERS, CHECKSUMS } from '../../codecs/s3/index.ts'
import type { BodyPlan } from './body-plan.ts'

const KEPT_HERE: ReadonlySet<string> = new Set([
  ...AUTH_HEADERS,
  'content-length',
  'expect',
  'host',
  'x-amz-decoded-content-length',
  'x-amz-trailer',
  // Set by proxies for those behind them; the service's own proxy would believe them.
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  // The service would answer with compressed bytes that the application did not sign for.
  'accept-encoding',
])

/** Headers, name in lower case, value .... `hasCors`: what pages may do is decided here, and the store need not know of them. */
export function forStore(
  headers: readonly string[],
  { connectionNames }: RequestHead,
  plan: BodyPlan,
  hasCors: boolean,
): string[] {
  const kept: string[] = []
  let isEncoded = false
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!
    if (KEPT_HERE.has(name) || isHopByHop(name, connectionNames)) continue
    if (hasCors && name === 'origin') continue
    // A document's digests were compared here, and its text may change on the way.
    if (plan.isDocument && isDigest(name, plan)) continue
    if (name !== 'content-encoding') kept.push(name, headers[at + 1]!)
    else if (!isEncoded) {
      isEncoded = true
      if (plan.contentEncoding !== '') kept.push(name, plan.contentEncoding)
    }
  }
  return kept
}

function isDigest(name: string, { checksum }: BodyPlan): boolean {
  if (name === 'content-md5') return true
  return (
    checksum !== undefined && (name === CHECKSUMS[checksum.algorithm].header || name === 'x-amz-sdk-checksum-algorithm')
  )
}
