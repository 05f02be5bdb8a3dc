/** The headers of a service's answer, as the application gets them. */
import { isHopByHop, type ResponseHead } from '../../../codecs/http1/index.ts'
import type { StoreRequest } from './store.ts'

/** Frames the body, which is framed anew. */
const FRAMING: ReadonlySet<string> = new Set(['content-length'])
const AWS_CHUNKED = /(^|,)\s*aws-chunked\s*(?=,|$)/

/** Name, value ..., as they came but for what would lead the application away from here. */
export function responseHeaders(
  { status, headers, connectionNames }: ResponseHead,
  { region, bucket }: Pick<StoreRequest, 'region' | 'bucket'>,
): string[] {
  const { names, rawNames, values } = headers
  const kept: string[] = []
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    if (FRAMING.has(name) || isHopByHop(name, connectionNames)) continue
    if (name === 'location') {
      // A redirect would lead to the service; of a new bucket it is its path.
      if (status < 300) kept.push(rawNames[i]!, `/${bucket}`)
    } else if (name === 'x-amz-bucket-region') kept.push(rawNames[i]!, region)
    // SDKs compare and decode it in quotes.
    else if (name === 'etag' && /^[0-9a-f]{32}(-\d+)?$/.test(values[i]!)) kept.push(rawNames[i]!, `"${values[i]}"`)
    // Stored so by programs that took the framing for an encoding; nobody who reads can decode it.
    else if (name === 'content-encoding' && values[i]!.includes('aws-chunked')) {
      const rest = values[i]!.replace(AWS_CHUNKED, '').replace(/^,\s*/, '')
      if (rest !== '') kept.push(rawNames[i]!, rest)
    } else kept.push(rawNames[i]!, values[i]!)
  }
  return kept
}
