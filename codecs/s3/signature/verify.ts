/**
 * Who sent a request, by its signature. This is the only way to an identity, whatever the form of the request and of its
 * body: it is found and everything that could be changed on the way is covered, or the request is refused.
 */
import { S3Error } from '../errors.ts'
import { valueIn } from '../pairs.ts'
import { canonicalQuery } from '../query.ts'
import { canonicalPath } from '../uri.ts'
import { type Authorization, parseAuthorization } from './authorization.ts'
import { canonicalRequest, canonicalValue, stringToSign } from './canonical.ts'
import { type HmacKey, isSameSignature } from './hmac.ts'
import { type PayloadKind, payloadKind, UNSIGNED_PAYLOAD } from './payload.ts'
import { SigningSecret } from './signing-key.ts'
import { formatAmzDate, parseAmzDate } from './time.ts'

/** A request as it came. */
export interface SignedRequest {
  readonly method: string
  /** Raw, without the query. */
  readonly path: string
  /** Name, value ..., decoded. */
  readonly query: readonly string[]
  /** Name in lower case, value ...; latin1. */
  readonly headers: readonly string[]
}

export interface Verification {
  /** Milliseconds since 1970. */
  readonly now: number
  /** Undefined for keys that do not exist. */
  readonly secretOf: (accessKey: string) => SigningSecret | undefined
  /** Hosts that the application may know us by where another proxy between changes the header; tried when its own fails. */
  readonly otherHosts?: readonly string[]
}

/** Who it is, and what its body is verified with. */
export interface Verified {
  readonly kind: Authorization['kind']
  readonly accessKey: string
  /** Which the application believes to speak to. */
  readonly region: string
  /** What the body is signed by or with. */
  readonly payload: PayloadKind
  /** As the request has it: a hash in hexadecimal digits, or a word for its kind. */
  readonly contentSha256: string
  readonly sessionToken: string | undefined
  /** Begins the chain of chunk signatures. */
  readonly seed: ChunkSeed
}

/** What the signatures of chunks go on from. */
export interface ChunkSeed {
  readonly key: HmacKey
  readonly amzDate: string
  readonly scope: string
  /** Of the request's head. */
  readonly signature: string
}

/** Milliseconds. */
const MAX_SKEW = 15 * 60_000

/** Stands for keys that do not exist, so that they take as long. */
export const NOBODY = new SigningSecret('')

/** Undefined for an anonymous request: one that does not claim to be anybody's. Throws S3Error for all but true claims. */
export function authenticate(request: SignedRequest, by: Verification): Verified | undefined {
  const claim = parseAuthorization(request.query, request.headers)
  return claim === undefined ? undefined : verify(request, claim, by)
}

function verify(request: SignedRequest, claim: Authorization, by: Verification): Verified {
  const { query, headers } = request
  const amzDate = claim.amzDate ?? headerDate(headers)
  checkTime(claim, amzDate, by.now)
  const names = splitNames(claim.signedHeaders)
  checkCoverage(claim, names, headers)
  const body = bodyHash(claim, names, request)
  const secret = by.secretOf(claim.accessKey)
  const key = (secret ?? NOBODY).key(claim.scope)
  const canonical = canonicalFor(request, claim.signedHeaders, names, body.signed, undefined)
  const text = stringToSign(amzDate, claim.scope.text, canonical)
  let isRight = isSameSignature(key.hex(text), claim.signature)
  for (const host of by.otherHosts ?? NO_HOSTS) {
    if (isRight) break
    const other = canonicalFor(request, claim.signedHeaders, names, body.signed, host)
    isRight = isSameSignature(key.hex(stringToSign(amzDate, claim.scope.text, other)), claim.signature)
  }
  if (secret === undefined) throw new S3Error('InvalidAccessKeyId', undefined, { AWSAccessKeyId: claim.accessKey })
  if (!isRight) throw mismatch(claim, text, canonical)
  return {
    kind: claim.kind,
    accessKey: claim.accessKey,
    region: claim.scope.region,
    payload: body.kind,
    contentSha256: body.text,
    sessionToken:
      valueIn(headers, 'x-amz-security-token') ??
      (claim.kind === 'presigned' ? valueIn(query, 'X-Amz-Security-Token') : undefined),
    seed: { key, amzDate, scope: claim.scope.text, signature: claim.signature },
  }
}

const NO_HOSTS: readonly string[] = []

/** The canonical request, with another host than that of the header if one is given. */
function canonicalFor(
  request: SignedRequest,
  signedHeaders: string,
  names: readonly string[],
  payload: string,
  host: string | undefined,
): string {
  let lines = ''
  for (const name of names) {
    lines += `${name}:${host !== undefined && name === 'host' ? host : canonicalValue(request.headers, name)}\n`
  }
  const path = canonicalPath(request.path)
  return canonicalRequest(request.method, path, canonicalQuery(request.query), lines, signedHeaders, payload)
}

function headerDate(headers: readonly string[]): string {
  const amzDate = valueIn(headers, 'x-amz-date')
  if (amzDate !== undefined) return amzDate
  const ms = Date.parse(valueIn(headers, 'date') ?? '')
  if (Number.isNaN(ms)) {
    throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header')
  }
  return formatAmzDate(ms)
}

function checkTime({ kind, scope, expires }: Authorization, amzDate: string, now: number): void {
  const code = kind === 'header' ? 'AuthorizationHeaderMalformed' : 'AuthorizationQueryParametersError'
  const time = parseAmzDate(amzDate)
  if (Number.isNaN(time)) throw new S3Error(code, 'X-Amz-Date must be in the ISO8601 format YYYYMMDDTHHMMSSZ.')
  if (amzDate.slice(0, 8) !== scope.day) {
    throw new S3Error(code, `The credential is of ${scope.day}, which is not the date of ${amzDate}.`)
  }
  const age = now - time
  if (age < -MAX_SKEW || (kind === 'header' && age > MAX_SKEW)) {
    throw new S3Error('RequestTimeTooSkewed', undefined, {
      RequestTime: amzDate,
      ServerTime: formatAmzDate(now),
      MaxAllowedSkewMilliseconds: String(MAX_SKEW),
    })
  }
  if (kind === 'presigned' && age > expires * 1000) {
    throw new S3Error('AccessDenied', 'Request has expired', {
      'X-Amz-Expires': String(expires),
      Expires: formatAmzDate(time + expires * 1000),
      ServerTime: formatAmzDate(now),
    })
  }
}

/** Clients send the same few lists again and again. */
const NAME_LISTS = new Map<string, readonly string[]>()
const MAX_NAME_LISTS = 256

function splitNames(signedHeaders: string): readonly string[] {
  let names = NAME_LISTS.get(signedHeaders)
  if (names === undefined) {
    names = signedHeaders.split(';')
    // A name many times over would make a text of any length out of one header.
    if (new Set(names).size < names.length) {
      throw new S3Error('AuthorizationHeaderMalformed', 'SignedHeaders must name each header once.')
    }
    if (NAME_LISTS.size >= MAX_NAME_LISTS) NAME_LISTS.clear()
    NAME_LISTS.set(signedHeaders, names)
  }
  return names
}

/** Who holds a signature must not be able to add what changes a request's meaning: an owner, an ACL, metadata. */
function checkCoverage({ kind }: Authorization, names: readonly string[], headers: readonly string[]): void {
  if (!names.includes('host')) throw unsigned('host')
  let hasAmzDate = false
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!
    if (name.startsWith('x-amz-') && name !== 'x-amz-content-sha256' && !names.includes(name)) throw unsigned(name)
    if (name === 'x-amz-date') hasAmzDate = true
  }
  if (kind === 'header' && !hasAmzDate && !names.includes('date')) throw unsigned('date')
}

function unsigned(name: string): S3Error {
  return new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
    HeadersNotSigned: name,
  })
}

interface BodyHash {
  /** The last line of the canonical request. */
  readonly signed: string
  /** What the body is verified with; for a presigned request perhaps more than was signed. */
  readonly text: string
  readonly kind: PayloadKind
}

function bodyHash(claim: Authorization, names: readonly string[], { query, headers }: SignedRequest): BodyHash {
  const header = valueIn(headers, 'x-amz-content-sha256')
  if (claim.kind === 'header') {
    if (header === undefined) {
      throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
    }
    return { signed: header, text: header, kind: payloadKind(header) }
  }
  const signed =
    header !== undefined && names.includes('x-amz-content-sha256')
      ? header
      : (valueIn(query, 'X-Amz-Content-Sha256') ?? UNSIGNED_PAYLOAD)
  // What was left open when it was signed, its sender may still say.
  const text = signed === UNSIGNED_PAYLOAD ? (header ?? signed) : signed
  const kind = payloadKind(text)
  if (kind.startsWith('signed-chunks') && signed === UNSIGNED_PAYLOAD) {
    throw new S3Error('InvalidRequest', 'The chunks of a presigned request cannot be signed.')
  }
  return { signed, text, kind }
}

/** Says all that a developer needs to find the difference; nothing in it is secret. */
function mismatch(claim: Authorization, text: string, canonical: string): S3Error {
  return new S3Error('SignatureDoesNotMatch', undefined, {
    AWSAccessKeyId: claim.accessKey,
    StringToSign: text,
    SignatureProvided: claim.signature,
    StringToSignBytes: spacedHex(text),
    CanonicalRequest: Buffer.from(canonical, 'latin1').toString(),
    CanonicalRequestBytes: spacedHex(canonical),
  })
}

function spacedHex(text: string): string {
  return Buffer.from(text, 'latin1')
    .toString('hex')
    .replace(/..(?=.)/g, '$& ')
}
