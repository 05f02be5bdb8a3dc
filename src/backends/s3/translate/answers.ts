/** Which answers are read and put into the application's words on their way; all others pass as they come. */
import { createHash } from 'node:crypto'
import { encodePath, parseXml, rewriteText, S3_ERRORS, XmlElement, XmlWriter } from '../../../../codecs/s3/index.ts'
import type { Profile } from '../profiles/profile.ts'
import type { StoreRequest } from '../store.ts'
import type { BucketNames, Place } from './bucket-names.ts'
import { translateAnswer, translateBuckets } from './documents.ts'

/** From a document to the one that the application gets. */
export type Translation = (document: Buffer) => Buffer

export interface AnswerContext {
  readonly request: StoreRequest
  readonly place: Place
  readonly names: BucketNames
  readonly profile: Profile
}

/** Operations whose answers name buckets and keys. */
const NAMING: ReadonlySet<string> = new Set([
  'ListObjects',
  'ListObjectsV2',
  'ListObjectVersions',
  'ListMultipartUploads',
  'ListParts',
  'CreateMultipartUpload',
  'CompleteMultipartUpload',
  'DeleteObjects',
  'PostObject',
])
/** Those that tell a new ETag, and take so long that services begin with 200 and may tell of an error after it. */
const LATE: ReadonlySet<string> = new Set(['CopyObject', 'UploadPartCopy', 'CompleteMultipartUpload'])

/** Whether its answer may begin long before it is there. */
export function isLate({ operation }: StoreRequest, status: number): boolean {
  return status === 200 && LATE.has(operation.name)
}

/** S3's code of the error that a document tells, if it may be one. */
export function errorCodeIn(document: Buffer, status: number, operation: string): string | undefined {
  if (document.length === 0 || (status < 300 && !LATE.has(operation))) return undefined
  const root = parseXml(document)
  return root.name === 'Error' ? (root.textOf('Code') ?? '') : undefined
}

/** Undefined when the answer of that status passes as it is. */
export function translationOf(status: number, context: AnswerContext): Translation | undefined {
  const { request, place, names, profile } = context
  const { name } = request.operation
  if (request.method === 'HEAD' || status === 204 || status === 304) return undefined
  if (status >= 300) return document => errorInOwnWords(document, context)
  if (name === 'ListBuckets' && !names.isEmpty) return document => translateBuckets(document, names)
  if (name === 'GetBucketLocation') return document => locationIn(document, request.region)
  const isNamed = !place.isPlain && NAMING.has(name)
  const isTagged = !profile.exactEtags && LATE.has(name)
  const isLate = LATE.has(name)
  if (!isNamed && !isLate) return undefined
  return document => {
    if (isLate && errorCodeIn(document, status, name) !== undefined) return errorInOwnWords(document, context)
    const tagged = isTagged ? withEtag(document, request) : document
    // The Location of a completed upload must not lead the application to the service.
    return isNamed || name === 'CompleteMultipartUpload' ? translateAnswer(tagged, asked(context)) : tagged
  }
}

function asked({ request, place }: AnswerContext) {
  const { bucket, key, query, origin } = request
  const urlEncoded = query.some((text, at) => at % 2 === 0 && text === 'encoding-type' && query[at + 1] === 'url')
  const location = `/${bucket}${key === '' ? '' : `/${encodePath(key)}`}`
  return {
    bucket,
    key,
    place,
    urlEncoded,
    resource: `/${bucket}${key === '' ? '' : `/${key}`}`,
    location: origin + location,
  }
}

/** An error in the application's names, with S3's code for it and never without a message. */
function errorInOwnWords(document: Buffer, context: AnswerContext): Buffer {
  const { profile, request } = context
  const translated = translateAnswer(document, asked(context))
  let code = ''
  const named = rewriteText(translated, (path, text) => {
    if (path.length !== 2 || path[0] !== 'Error') return undefined
    if (path[1] === 'Code') return (code = profile.errorCodes[text] ?? text)
    if (path[1] === 'RequestId') return request.requestId
    // Where the bucket is reached is here, wherever the service would have us go.
    if (path[1] === 'Endpoint') return request.origin.replace(/^https?:\/\//, '')
    return undefined
  })
  return hasMessage(named) ? named : withMessage(named, S3_ERRORS.get(code)?.message ?? code)
}

function hasMessage(document: Buffer): boolean {
  const root = parseXml(document)
  return root.name !== 'Error' || (root.textOf('Message') ?? '') !== ''
}

function withMessage(document: Buffer, message: string): Buffer {
  const answer = new XmlWriter('Error', '')
  for (const { name, text } of parseXml(document).children) if (name !== 'Message') answer.leaf(name, text)
  return answer.leaf('Message', message).finish()
}

function locationIn(document: Buffer, region: string): Buffer {
  if (parseXml(document).name !== 'LocationConstraint') return document
  // The oldest region has no name here.
  const name = region === 'us-east-1' ? '' : region
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${name}</LocationConstraint>`
  return Buffer.from(text)
}

/** ETags in quotes; one that is missing is made of those of the parts, as every store does that has MD5 for them. */
function withEtag(document: Buffer, request: StoreRequest): Buffer {
  const root = parseXml(document)
  const etag = root.textOf('ETag')
  if (root.name === 'Error' || etag === undefined) return document
  if (etag.startsWith('"') && etag.length > 2) return document
  const bare = etag.replaceAll('"', '')
  const known =
    bare !== ''
      ? bare
      : request.operation.name === 'CompleteMultipartUpload'
        ? etagOfParts(request.body.bytes)
        : undefined
  if (known === undefined) return document
  const answer = new XmlWriter(root.name)
  for (const child of root.children) answer.copy(child.name === 'ETag' ? etagElement(known) : child)
  return answer.finish()
}

function etagElement(etag: string): XmlElement {
  const element = new XmlElement('ETag')
  element.text = `"${etag}"`
  return element
}

const MD5 = /^"?([0-9a-f]{32})"?$/

/** Undefined when an ETag of a part is no MD5. */
function etagOfParts(document: Buffer | undefined): string | undefined {
  if (!document) return undefined
  const parts = parseXml(document).all('Part')
  const hash = createHash('md5')
  for (const part of parts) {
    const md5 = MD5.exec(part.textOf('ETag') ?? '')?.[1]
    if (md5 === undefined) return undefined
    hash.update(md5, 'hex')
  }
  return `${hash.digest('hex')}-${parts.length}`
}
