/** How a request says who signed it: in its Authorization header or in its query (presigned). */
import { S3Error, type S3ErrorCode } from '../errors.ts'
import { valueIn } from '../pairs.ts'
import { ALGORITHM } from './canonical.ts'
import { type Scope, scopeOf } from './signing-key.ts'
import { parseAmzDate } from './time.ts'

export interface Authorization {
  readonly kind: 'header' | 'presigned'
  readonly accessKey: string
  readonly scope: Scope
  /** As it was signed: lower case, divided by semicolons. */
  readonly signedHeaders: string
  /** 64 hexadecimal digits in lower case. */
  readonly signature: string
  /** `20130524T000000Z` of a presigned request; that of others is a header. */
  readonly amzDate: string | undefined
  /** Seconds for which a presigned request is good. */
  readonly expires: number
}

/** Query names, in lower case, that belong to authentication and never pass to a backend. */
const AUTH_PARAMETERS = new Set([
  ...['x-amz-algorithm', 'x-amz-credential', 'x-amz-date', 'x-amz-expires', 'x-amz-signedheaders', 'x-amz-signature'],
  ...['x-amz-security-token', 'x-amz-content-sha256', 'awsaccesskeyid', 'signature', 'expires'],
])

/** Headers of authentication, which the backend gets anew. */
export const AUTH_HEADERS: readonly string[] = [
  'authorization',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
]

export function isAuthParameter(name: string): boolean {
  return AUTH_PARAMETERS.has(name.toLowerCase())
}

/**
 * Undefined when the request does not say: it is anonymous. Throws S3Error where it says it wrongly, in two ways at
 * once, or in one that is not signature version 4.
 */
export function parseAuthorization(query: readonly string[], headers: readonly string[]): Authorization | undefined {
  let header: string | undefined
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at] !== 'authorization') continue
    if (header !== undefined) throw new S3Error('InvalidArgument', 'There is more than one Authorization header.')
    header = headers[at + 1]!
  }
  const isPresigned = query.length > 0 && hasAuthParameter(query)
  if (header === undefined) return isPresigned ? parsePresigned(query) : undefined
  if (!isPresigned) return parseHeader(header)
  throw new S3Error(
    'InvalidArgument',
    'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
    { ArgumentName: 'Authorization' },
  )
}

/** Some of the names are too common, or may as well come beside a header, to be a claim by themselves. */
const CLAIMS = /^(x-amz-(algorithm|credential|signature|signedheaders|expires)|awsaccesskeyid|signature)$/i

function hasAuthParameter(query: readonly string[]): boolean {
  for (let at = 0; at < query.length; at += 2) if (CLAIMS.test(query[at]!)) return true
  return false
}

/** `AWS4-HMAC-SHA256 Credential=KEY/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-date,Signature=...` */
function parseHeader(header: string): Authorization {
  const space = header.indexOf(' ')
  const algorithm = space < 0 ? header : header.slice(0, space)
  if (algorithm !== ALGORITHM) throw unsupported(algorithm)
  let credential: string | undefined
  let signedHeaders: string | undefined
  let signature: string | undefined
  for (let at = space + 1; at <= header.length; ) {
    let end = header.indexOf(',', at)
    if (end < 0) end = header.length
    const part = header.slice(at, end).trim()
    const equals = part.indexOf('=')
    const name = part.slice(0, Math.max(equals, 0))
    const value = part.slice(equals + 1)
    if (name === 'Credential' && credential === undefined) credential = value
    else if (name === 'SignedHeaders' && signedHeaders === undefined) signedHeaders = value
    else if (name === 'Signature' && signature === undefined) signature = value
    else throw malformed(`The authorization header has an unexpected part: ${part.slice(0, 64)}`)
    at = end + 1
  }
  if (credential === undefined || signedHeaders === undefined || signature === undefined) {
    throw malformed('The authorization header requires three components: Credential, SignedHeaders, and Signature.')
  }
  return {
    kind: 'header',
    ...parseCredential(credential, malformed),
    signedHeaders: checkSignedHeaders(signedHeaders, malformed),
    signature: checkSignature(signature, malformed),
    amzDate: undefined,
    expires: 0,
  }
}

function parsePresigned(query: readonly string[]): Authorization {
  const algorithm = once(query, 'X-Amz-Algorithm')
  if (algorithm === undefined && isVersion2(query)) throw unsupported('AWS')
  if (algorithm === undefined) throw badQuery('The query parameter X-Amz-Algorithm is missing.')
  if (algorithm !== ALGORITHM) throw unsupported(algorithm)
  const needed = (name: string) => {
    const value = once(query, name)
    if (value === undefined) throw badQuery(`The query parameter ${name} is missing.`)
    return value
  }
  const credential = parseCredential(needed('X-Amz-Credential'), badQuery)
  const amzDate = needed('X-Amz-Date')
  const expires = needed('X-Amz-Expires')
  if (!/^\d{1,9}$/.test(expires)) throw badQuery('X-Amz-Expires should be a number')
  if (Number(expires) < 1 || Number(expires) > MAX_EXPIRES) {
    throw badQuery(`X-Amz-Expires must be between 1 and ${MAX_EXPIRES} seconds, which are a week.`)
  }
  once(query, 'X-Amz-Security-Token')
  once(query, 'X-Amz-Content-Sha256')
  return {
    kind: 'presigned',
    ...credential,
    signedHeaders: checkSignedHeaders(needed('X-Amz-SignedHeaders'), badQuery),
    signature: checkSignature(needed('X-Amz-Signature'), badQuery),
    amzDate,
    expires: Number(expires),
  }
}

/** What a form claims in its fields (name in lower case, value ...) is never old: its policy says how long it is good. */
export function parseFormClaim(
  fields: readonly string[],
): Pick<Authorization, 'accessKey' | 'scope' | 'signature'> | undefined {
  const needed = (name: string) => {
    const values = fields.filter((_, at) => at % 2 === 1 && fields[at - 1] === name)
    if (values.length === 1) return values[0]!
    throw new S3Error('InvalidArgument', `The form must have the field ${name} once.`, { ArgumentName: name })
  }
  if (valueIn(fields, 'awsaccesskeyid') !== undefined || valueIn(fields, 'signature') !== undefined) {
    throw unsupported('AWS')
  }
  if (!fields.some((name, at) => at % 2 === 0 && FORM_CLAIMS.has(name))) return undefined
  needed('policy')
  const algorithm = needed('x-amz-algorithm')
  if (algorithm !== ALGORITHM) throw unsupported(algorithm)
  const refuse = (message: string) => new S3Error('InvalidArgument', message)
  const credential = parseCredential(needed('x-amz-credential'), refuse)
  const amzDate = needed('x-amz-date')
  if (Number.isNaN(parseAmzDate(amzDate)) || !amzDate.startsWith(credential.scope.day)) {
    throw refuse('X-Amz-Date must be in the ISO8601 format YYYYMMDDTHHMMSSZ, and of the day of the credential.')
  }
  return { ...credential, signature: checkSignature(needed('x-amz-signature'), refuse) }
}

const FORM_CLAIMS = new Set(['policy', 'x-amz-algorithm', 'x-amz-credential', 'x-amz-signature'])

/** Seconds. */
export const MAX_EXPIRES = 604_800

/** The value of a query name which must not come twice, nor in another spelling that a backend might take. */
function once(query: readonly string[], name: string): string | undefined {
  const lower = name.toLowerCase()
  let value: string | undefined
  for (let at = 0; at < query.length; at += 2) {
    const other = query[at]!
    if (other !== name && other.toLowerCase() !== lower) continue
    if (other !== name || value !== undefined)
      throw badQuery(`The query parameter ${name} must come once and so spelt.`)
    value = query[at + 1]!
  }
  return value
}

function isVersion2(query: readonly string[]): boolean {
  return valueIn(query, 'AWSAccessKeyId') !== undefined || valueIn(query, 'Signature') !== undefined
}

type Refuse = (message: string) => S3Error
const malformed: Refuse = message => new S3Error('AuthorizationHeaderMalformed', message)
const badQuery: Refuse = message => new S3Error('AuthorizationQueryParametersError', message)

/** The key, which may have slashes itself, and the four parts of the scope. */
const CREDENTIAL = /^([^\s,]{1,256})\/(\d{8})\/([A-Za-z0-9._-]{0,64})\/([A-Za-z0-9-]{1,32})\/aws4_request$/

/** Most often the next request claims the same as the last one. */
let lastCredential = ''
let lastParsed: { readonly accessKey: string; readonly scope: Scope } | undefined
let lastNames = ''

function parseCredential(credential: string, refuse: Refuse): { readonly accessKey: string; readonly scope: Scope } {
  if (lastParsed && credential === lastCredential) return lastParsed
  const parts = CREDENTIAL.exec(credential)
  if (parts === null) {
    throw refuse('The credential must be of the form KEY/YYYYMMDD/REGION/SERVICE/aws4_request.')
  }
  const service = parts[4]!
  if (service !== 's3') throw refuse(`The credential is for the service "${service}", not "s3".`)
  lastCredential = credential
  return (lastParsed = { accessKey: parts[1]!, scope: scopeOf(parts[2]!, parts[3]!) })
}

const SIGNED_HEADERS = /^[!#$%&'*+.^_`|~0-9a-z-]+(;[!#$%&'*+.^_`|~0-9a-z-]+)*$/

function checkSignedHeaders(names: string, refuse: Refuse): string {
  if (names === lastNames && names !== '') return names
  if (names.length > 4096 || !SIGNED_HEADERS.test(names)) {
    throw refuse('SignedHeaders must be names in lower case, divided by semicolons.')
  }
  lastNames = names
  return names
}

const SIGNATURE = /^[0-9a-f]{64}$/

function checkSignature(signature: string, refuse: Refuse): string {
  if (!SIGNATURE.test(signature)) throw refuse('The signature must have 64 hexadecimal digits.')
  return signature
}

function unsupported(algorithm: string): S3Error {
  const code: S3ErrorCode = 'InvalidRequest'
  if (algorithm === 'AWS') {
    return new S3Error(code, `Signature version 2 is not supported. Please use ${ALGORITHM} (signature version 4).`)
  }
  if (algorithm === 'AWS4-ECDSA-P256-SHA256') {
    return new S3Error(code, `Signature version 4A is not supported. Please use ${ALGORITHM} (signature version 4).`)
  }
  return new S3Error(code, `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`)
}
