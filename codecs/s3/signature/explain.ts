/**
 * Why a signature does not match: what clients and proxies on the way are known to do to a request is tried, until one
 * of them gives the signature that came. For a log line, as it tells what was signed only to who has the secret.
 */

import { valueIn } from '../pairs.ts'
import { canonicalQuery } from '../query.ts'
import { canonicalPath } from '../uri.ts'
import { parseAuthorization } from './authorization.ts'
import { canonicalRequest, canonicalValue, stringToSign } from './canonical.ts'
import { isSameSignature } from './hmac.ts'
import { EMPTY_SHA256, UNSIGNED_PAYLOAD } from './payload.ts'
import type { SigningSecret } from './signing-key.ts'
import type { SignedRequest } from './verify.ts'

/** A request as it may have been signed. */
interface Variation {
  readonly method: string
  /** Canonical. */
  readonly path: string
  readonly query: readonly string[]
  readonly payload: string
  /** Canonical, by name. */
  readonly headers: ReadonlyMap<string, string>
}

/** What proxies put in the place of these headers, or clients sign and do not send. */
const USUAL: Readonly<Record<string, readonly string[]>> = {
  'accept-encoding': ['', 'identity', 'gzip', 'gzip, deflate', 'gzip, deflate, br', 'gzip,deflate'],
  connection: ['', 'keep-alive', 'close', 'Keep-Alive'],
  'content-length': ['', '0'],
  'content-type': ['', 'application/octet-stream', 'binary/octet-stream', 'application/x-www-form-urlencoded'],
  expect: ['', '100-continue'],
}

/**
 * `hosts`: what the application may have called us. Undefined when nothing that is tried fits, as with a wrong secret.
 * For a request whose claim was read and refused before.
 */
export function explainMismatch(
  request: SignedRequest,
  secret: SigningSecret,
  hosts: readonly string[],
): string | undefined {
  const { query, headers } = request
  const claim = parseAuthorization(query, headers)
  if (!claim) return undefined
  const amzDate = claim.amzDate ?? valueIn(headers, 'x-amz-date') ?? ''
  const names = claim.signedHeaders.split(';')
  const header = valueIn(headers, 'x-amz-content-sha256')
  const received: Variation = {
    method: request.method,
    path: canonicalPath(request.path),
    query,
    payload: header ?? valueIn(query, 'X-Amz-Content-Sha256') ?? UNSIGNED_PAYLOAD,
    headers: new Map(names.map(name => [name, canonicalValue(headers, name)])),
  }
  const key = secret.key(claim.scope)
  for (const [what, variation] of variationsOf(received, hosts)) {
    const lines = names.map(name => `${name}:${variation.headers.get(name)}\n`).join('')
    const { method, path, payload } = variation
    const text = canonicalRequest(method, path, canonicalQuery(variation.query), lines, claim.signedHeaders, payload)
    if (isSameSignature(key.hex(stringToSign(amzDate, claim.scope.text, text)), claim.signature)) return what
  }
  return undefined
}

function* variationsOf(received: Variation, hosts: readonly string[]): Generator<[what: string, Variation]> {
  const { method, path, query, payload, headers } = received
  const told = (what: string, signed: string, came: string): string =>
    `the ${what} was signed as ${JSON.stringify(signed)} and received as ${JSON.stringify(came)}`
  const host = headers.get('host') ?? ''
  const bare = host.replace(/:\d+$/, '')
  for (const [name, value] of headers) {
    const others = name === 'host' ? [bare, `${bare}:80`, `${bare}:443`, ...hosts] : (USUAL[name] ?? [''])
    for (const other of others)
      if (other !== value) {
        // Others may hold what nobody but the application should read.
        const isShown = name === 'host' || Object.hasOwn(USUAL, name)
        const what = isShown ? told(`header ${name}`, other, value) : `the header ${name} was signed as empty`
        yield [what, { ...received, headers: new Map(headers).set(name, other) }]
      }
  }
  const paths = [path.replaceAll('%', '%25'), path.replace(/\/{2,}/g, '/'), path.replaceAll('%2B', '%20'), `${path}/`]
  for (const other of new Set([...paths, withoutDots(path)]))
    if (other !== path) yield [told('path', other, path), { ...received, path: other }]
  for (const other of ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'])
    if (other !== method) yield [told('method', other, method), { ...received, method: other }]
  for (const other of [UNSIGNED_PAYLOAD, EMPTY_SHA256])
    if (other !== payload) yield [told('hash of the body', other, payload), { ...received, payload: other }]
  for (let at = 0; at < query.length; at += 2) {
    const rest = [...query.slice(0, at), ...query.slice(at + 2)]
    yield [`the query was signed without the parameter ${query[at]}`, { ...received, query: rest }]
  }
}

/** As URL classes do it to what they are given. */
function withoutDots(path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '.') segments.push(segment)
  }
  return segments.join('/')
}
