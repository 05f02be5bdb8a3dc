/** Signs requests to a backend, in their headers or in their query. */
import { canonicalQuery } from '../query.ts'
import { ALGORITHM, canonicalRequest, canonicalValue, stringToSign } from './canonical.ts'
import { UNSIGNED_PAYLOAD } from './payload.ts'
import { type SigningSecret, scopeOf } from './signing-key.ts'
import { formatAmzDate } from './time.ts'
import type { ChunkSeed } from './verify.ts'

/** Who signs, and for where. */
export interface Signer {
  readonly accessKey: string
  readonly secret: SigningSecret
  readonly sessionToken: string | undefined
  readonly region: string
  /** As credentials name it; S3 unless said. */
  readonly service?: string
}

export interface UnsignedRequest {
  readonly method: string
  readonly host: string
  /** Encoded, as encodePath does. */
  readonly path: string
  /** As canonicalQuery makes it, and sent so. */
  readonly query: string
  /** Name in lower case, value ..., latin1; without host and what authenticates, which is added here. */
  readonly headers: string[]
  /** A hash in hexadecimal digits, or a word for the kind of body. */
  readonly contentSha256: string
}

/**
 * Adds what authenticates to the headers. Signed are the host, the type and digest of the body, and all `x-amz-*`:
 * others may be changed on the way without harm, and some providers' gateways do.
 */
export function signRequest(request: UnsignedRequest, signer: Signer, now: number): ChunkSeed {
  const { headers } = request
  const amzDate = formatAmzDate(now)
  const scope = scopeOf(amzDate.slice(0, 8), signer.region, signer.service)
  headers.push('x-amz-content-sha256', request.contentSha256, 'x-amz-date', amzDate)
  if (signer.sessionToken !== undefined) headers.push('x-amz-security-token', signer.sessionToken)
  const names = signedNames(headers)
  let lines = ''
  let list = ''
  for (const name of names) {
    lines += `${name}:${name === 'host' ? request.host : canonicalValue(headers, name)}\n`
    list = list === '' ? name : `${list};${name}`
  }
  const canonical = canonicalRequest(request.method, request.path, request.query, lines, list, request.contentSha256)
  const key = signer.secret.key(scope)
  const signature = key.hex(stringToSign(amzDate, scope.text, canonical))
  headers.push(
    'authorization',
    `${ALGORITHM} Credential=${signer.accessKey}/${scope.text},SignedHeaders=${list},Signature=${signature}`,
  )
  return { key, amzDate, scope: scope.text, signature }
}

/** Sorted, each once. */
function signedNames(headers: readonly string[]): string[] {
  const names = ['host']
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!
    if (!name.startsWith('x-amz-') && name !== 'content-type' && name !== 'content-md5') continue
    let place = names.length
    while (place > 0 && names[place - 1]! > name) place--
    if (names[place - 1] === name) continue
    names.push(name)
    for (let i = names.length - 1; i > place; i--) names[i] = names[i - 1]!
    names[place] = name
  }
  return names
}

export interface PresignRequest {
  readonly method: string
  readonly host: string
  /** Encoded, as encodePath does. */
  readonly path: string
  /** Name, value ..., decoded. */
  readonly query: readonly string[]
  /** Name in lower case, value ...: what the sender must send just so. */
  readonly headers: readonly string[]
  /** Seconds. */
  readonly expires: number
}

/** The query with which whoever has it may send the request until it expires. */
export function presign(request: PresignRequest, signer: Signer, now: number): string {
  const amzDate = formatAmzDate(now)
  const scope = scopeOf(amzDate.slice(0, 8), signer.region)
  const names = [...new Set(['host', ...request.headers.filter((_, at) => at % 2 === 0)])].sort()
  const list = names.join(';')
  const query = [
    ...request.query,
    ...['X-Amz-Algorithm', ALGORITHM],
    ...['X-Amz-Credential', `${signer.accessKey}/${scope.text}`],
    ...['X-Amz-Date', amzDate],
    ...['X-Amz-Expires', String(request.expires)],
    ...['X-Amz-SignedHeaders', list],
  ]
  if (signer.sessionToken !== undefined) query.push('X-Amz-Security-Token', signer.sessionToken)
  const lines = names
    .map(name => `${name}:${name === 'host' ? request.host : canonicalValue(request.headers, name)}\n`)
    .join('')
  const search = canonicalQuery(query)
  const canonical = canonicalRequest(request.method, request.path, search, lines, list, UNSIGNED_PAYLOAD)
  const signature = signer.secret.key(scope).hex(stringToSign(amzDate, scope.text, canonical))
  return `${search}&X-Amz-Signature=${signature}`
}
