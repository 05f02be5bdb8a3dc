/** Listings of objects. */
import { encodePath, S3Error, XmlWriter } from '../../../../../codecs/s3/index.ts'
import { type Answer, quoted, xmlAnswer, xmlTime } from '../answer.ts'
import type { Call } from '../call.ts'
import type { ListedEntry, Summary } from '../listing.ts'
import { writeOwner } from '../owner.ts'
import type { FileOperation } from './index.ts'

const MAX_KEYS = 1_000

/** How texts that come from keys are written. */
export type KeyEncoding = (key: string) => string

async function listObjects(call: Call): Promise<Answer> {
  const marker = call.query('marker') ?? ''
  const { document, encode, list } = listing(call, 'ListBucketResult')
  document.leaf('Marker', encode(marker))
  const { entries, next } = await list(marker)
  if (next !== undefined && call.query('delimiter')) document.leaf('NextMarker', encode(next))
  for (const entry of entries) writeEntry(document, encode, entry, true)
  return xmlAnswer(document)
}

async function listObjectsV2(call: Call): Promise<Answer> {
  const token = call.query('continuation-token')
  const startAfter = call.query('start-after')
  if (token === '')
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', {
      ArgumentName: 'continuation-token',
    })
  const { document, encode, list } = listing(call, 'ListBucketResult')
  if (token !== undefined) document.leaf('ContinuationToken', token)
  if (startAfter !== undefined) document.leaf('StartAfter', encode(startAfter))
  const { entries, next } = await list(token === undefined ? (startAfter ?? '') : keyOfToken(token))
  document.leaf('KeyCount', entries.length)
  if (next !== undefined) document.leaf('NextContinuationToken', tokenOf(next))
  for (const entry of entries) writeEntry(document, encode, entry, call.query('fetch-owner') === 'true')
  return xmlAnswer(document)
}

/** Every object is its only version. */
async function listObjectVersions(call: Call): Promise<Answer> {
  const marker = call.query('key-marker') ?? ''
  const { document, encode, list } = listing(call, 'ListVersionsResult')
  document.leaf('KeyMarker', encode(marker)).leaf('VersionIdMarker', call.query('version-id-marker') ?? '')
  const { entries, next } = await list(marker)
  if (next !== undefined) document.leaf('NextKeyMarker', encode(next)).leaf('NextVersionIdMarker', 'null')
  for (const entry of entries) {
    if ('prefix' in entry) writePrefix(document, encode, entry.prefix)
    else {
      document.open('Version').leaf('Key', encode(entry.summary.key)).leaf('VersionId', 'null').leaf('IsLatest', true)
      writeSummary(document, entry.summary, true)
    }
  }
  return xmlAnswer(document)
}

/** What all listings have in common. */
function listing(call: Call, root: string) {
  const { bucket } = call
  const encode = keyEncoding(call)
  const prefix = call.query('prefix') ?? ''
  const delimiter = call.query('delimiter') ?? ''
  const max = call.count('max-keys', MAX_KEYS, MAX_KEYS)
  const document = new XmlWriter(root).leaf('Name', bucket.record.name).leaf('Prefix', encode(prefix))
  if (delimiter !== '') document.leaf('Delimiter', encode(delimiter))
  document.leaf('MaxKeys', max).leaf('EncodingType', call.query('encoding-type') || undefined)
  const list = async (after: string) => {
    const page = await bucket.listing.page({ prefix, delimiter, after, max })
    call.volume.noteListing(bucket)
    document.leaf('IsTruncated', page.isTruncated)
    return { entries: page.entries, next: page.isTruncated ? page.last : undefined }
  }
  return { document, encode, list }
}

/** As the query's encoding-type wants it. */
export function keyEncoding(call: Call): KeyEncoding {
  const type = call.query('encoding-type')
  if (type === undefined || type === '') return key => key
  if (type === 'url') return encodePath
  throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request', {
    ArgumentName: 'encoding-type',
    ArgumentValue: type,
  })
}

function writeEntry(document: XmlWriter, encode: KeyEncoding, entry: ListedEntry, withOwner: boolean): void {
  if ('prefix' in entry) return writePrefix(document, encode, entry.prefix)
  document.open('Contents').leaf('Key', encode(entry.summary.key))
  writeSummary(document, entry.summary, withOwner)
}

function writeSummary(document: XmlWriter, summary: Summary, withOwner: boolean): void {
  document.leaf('LastModified', xmlTime(summary.modified)).leaf('ETag', quoted(summary.etag))
  document.leaf('ChecksumAlgorithm', summary.checksumAlgorithm).leaf('ChecksumType', summary.checksumType)
  document.leaf('Size', summary.size)
  if (withOwner) writeOwner(document, 'Owner')
  document.leaf('StorageClass', 'STANDARD').close()
}

export function writePrefix(document: XmlWriter, encode: KeyEncoding, prefix: string): void {
  document.open('CommonPrefixes').leaf('Prefix', encode(prefix)).close()
}

/** Opaque to applications: the last key or common prefix that they have got. */
function tokenOf(last: string): string {
  return Buffer.from(last).toString('base64url')
}

function keyOfToken(token: string): string {
  const key = Buffer.from(token, 'base64url').toString()
  if (tokenOf(key) === token) return key
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', {
    ArgumentName: 'continuation-token',
    ArgumentValue: token,
  })
}

export const LIST_OPERATIONS = {
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListObjectVersions: listObjectVersions,
} satisfies Record<string, FileOperation>
