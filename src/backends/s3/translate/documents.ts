/**
 * Documents in which buckets and keys are named: what the application sends is put into the service's words, and what the
 * service answers back into the application's.
 */
import { parseXml, rewriteText, XmlWriter } from '../../../../codecs/s3/index.ts'
import type { BucketNames, Place } from './bucket-names.ts'

/** Lists of a bucket with many long keys; 1,000 of 1,024 bytes, each up to six times as long in XML. */
const LIMITS = { maxBytes: 16 * 1024 * 1024 }

/** Elements whose text is a key, or the beginning of one, by the name of what they are in. */
const KEYS: Readonly<Record<string, ReadonlySet<string>>> = {
  ListBucketResult: new Set(['Prefix', 'Marker', 'NextMarker', 'StartAfter']),
  ListVersionsResult: new Set(['Prefix', 'KeyMarker', 'NextKeyMarker']),
  ListMultipartUploadsResult: new Set(['Prefix', 'KeyMarker', 'NextKeyMarker']),
  ListPartsResult: new Set(['Key']),
  InitiateMultipartUploadResult: new Set(['Key']),
  CompleteMultipartUploadResult: new Set(['Key']),
  Contents: new Set(['Key']),
  Version: new Set(['Key']),
  DeleteMarker: new Set(['Key']),
  CommonPrefixes: new Set(['Prefix']),
  Upload: new Set(['Key']),
  Deleted: new Set(['Key']),
  Error: new Set(['Key']),
  PostResponse: new Set(['Key']),
}
/** And those whose text is the bucket's name. */
const BUCKETS: ReadonlySet<string> = new Set(['Name', 'Bucket', 'BucketName'])
/** The roots of answers of which `Name` or `Bucket` is the bucket asked about. */
const WHOLE: ReadonlySet<string> = new Set([
  'ListBucketResult',
  'ListVersionsResult',
  'ListMultipartUploadsResult',
  'ListPartsResult',
  'InitiateMultipartUploadResult',
  'CompleteMultipartUploadResult',
  'PostResponse',
  'Error',
])

export interface Asked {
  readonly bucket: string
  readonly key: string
  readonly place: Place
  /** Keys come percent-encoded, since the request asked for it. */
  readonly urlEncoded: boolean
  /** As the application knows them: `/bucket/key`, and a URL of the listener. */
  readonly resource: string
  readonly location: string
}

/** An answer about one bucket. Throws ProtocolError for what is no XML; then it passes as it is. */
export function translateAnswer(document: Buffer, asked: Asked): Buffer {
  const { place } = asked
  return rewriteText(
    document,
    (path, text) => {
      const element = path.at(-1)!
      const parent = path.at(-2) ?? ''
      if (WHOLE.has(parent) && path.length === 2) {
        if (BUCKETS.has(element)) return asked.bucket
        if (element === 'Resource') return asked.resource
        if (element === 'Location') return asked.location
      }
      if (!KEYS[parent]?.has(element)) return undefined
      return asked.urlEncoded ? strippedEncoded(text, place.prefix) : stripped(text, place.prefix)
    },
    LIMITS,
  )
}

function stripped(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text
}

const ESCAPE = /%([0-9A-Fa-f]{2})|\+|[^%+]+?/gy

/** Services differ in what they encode, and in how they encode a space: what counts is what it decodes to. */
function strippedEncoded(text: string, prefix: string): string {
  const wanted = Buffer.from(prefix)
  let at = 0
  ESCAPE.lastIndex = 0
  while (at < wanted.length) {
    const piece = ESCAPE.exec(text)
    if (!piece) return text
    const bytes = piece[1] !== undefined ? Buffer.from(piece[1], 'hex') : Buffer.from(piece[0] === '+' ? ' ' : piece[0])
    // A plus that was not encoded, by a service that leaves it as it is.
    const isPlus = piece[0] === '+' && wanted[at] === 0x2b
    if (!isPlus && !bytes.equals(wanted.subarray(at, at + bytes.length))) return text
    at += bytes.length
  }
  return text.slice(ESCAPE.lastIndex)
}

/** The list of buckets, by the names that the application has for them; those of the service that it has none for are left out. */
export function translateBuckets(document: Buffer, names: BucketNames): Buffer {
  const root = parseXml(document, LIMITS)
  const answer = new XmlWriter(root.name)
  const owner = root.child('Owner')
  if (owner) {
    answer.open('Owner')
    for (const { name, text } of owner.children) answer.leaf(name, text)
    answer.close()
  }
  answer.open('Buckets')
  for (const bucket of root.child('Buckets')?.all('Bucket') ?? []) {
    for (const origin of names.originsOf(bucket.textOf('Name') ?? '')) {
      answer.open('Bucket')
      for (const { name, text } of bucket.children) answer.leaf(name, name === 'Name' ? origin : text)
      answer.close()
    }
  }
  answer.close()
  for (const { name, text, children } of root.children)
    if (children.length === 0 && name !== 'Buckets') answer.leaf(name, text)
  return answer.finish()
}

/** The keys that a DeleteObjects document names get their prefix. */
export function prefixDeletes(document: Buffer, prefix: string): Buffer {
  return rewriteText(document, (path, text) =>
    path.at(-1) === 'Key' && path.at(-2) === 'Object' ? prefix + text : undefined,
  )
}

/** CompleteMultipartUpload without the checksums of parts, for a service that does not know them. */
export function withoutChecksums(document: Buffer): Buffer {
  const root = parseXml(document)
  const plain = new XmlWriter('CompleteMultipartUpload')
  for (const part of root.all('Part')) {
    plain.open('Part')
    for (const { name, text } of part.children) if (!name.startsWith('Checksum')) plain.leaf(name, text)
    plain.close()
  }
  return plain.finish()
}

/** CreateBucket for the service's region: the application may name the one it had before. */
export function bucketConfiguration(document: Buffer, region: string, isDemanded: boolean): Buffer {
  if (document.length === 0) return isDemanded ? locationConstraint(region) : document
  const root = parseXml(document)
  const others = root.children.filter(({ name }) => name !== 'LocationConstraint')
  // What else it says, such as of directory buckets, is not put into other words.
  if (others.length > 0) return document
  return locationConstraint(region)
}

/** None where the region goes without saying. */
function locationConstraint(region: string): Buffer {
  if (region === 'us-east-1' || region === 'auto') return Buffer.alloc(0)
  return new XmlWriter('CreateBucketConfiguration').leaf('LocationConstraint', region).finish()
}
