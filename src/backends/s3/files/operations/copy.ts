/** Copies of objects, whose bytes are shared where they can be. */
import {
  CHECKSUMS,
  type ChecksumAlgorithm,
  createChecksum,
  S3Error,
  XmlWriter,
} from '../../../../../codecs/s3/index.ts'
import { type Answer, quoted, xmlAnswer, xmlTime } from '../answer.ts'
import type { Bucket } from '../bucket.ts'
import type { Call } from '../call.ts'
import { requestedAlgorithm } from '../checksums.ts'
import { copyCondition, writeCondition } from '../conditions.ts'
import type { Content } from '../content.ts'
import { copySource } from '../copy-source.ts'
import type { ObjectRecord, StoredChecksum } from '../record.ts'
import { storedHeaders } from '../stored-headers.ts'
import { tagsOfHeader } from '../tags.ts'
import type { FileOperation } from './index.ts'

const CHUNK_BYTES = 256 * 1024
const COPY_TO_ITSELF =
  "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."

async function copyObject(call: Call): Promise<Answer> {
  const { bucket, key, request } = call
  const { headers } = request
  const source = copySource(call)
  const isReplaced = directive(call, 'x-amz-metadata-directive')
  const areTagsReplaced = directive(call, 'x-amz-tagging-directive')
  if (source.bucket === bucket && source.key === key && !isReplaced) throw new S3Error('InvalidRequest', COPY_TO_ITSELF)
  const check = writeCondition(headers)
  const stored = storedHeaders(headers)
  const tags = tagsOfHeader(call.header('x-amz-tagging'))
  const other = await otherChecksum(source, requestedAlgorithm(headers, 'x-amz-checksum-algorithm'))
  const copy = await source.bucket.copyTo(bucket, source.key, record => {
    copyCondition(headers, record)
    if (other && other.of.etag !== record.etag) throw new S3Error('ConditionalRequestConflict')
    const { checksum: kept, ...rest } = record
    const checksum = other?.checksum ?? kept
    return {
      ...rest,
      key,
      modified: call.time,
      headers: isReplaced ? stored : record.headers,
      tags: areTagsReplaced ? tags : record.tags,
      ...(checksum && { checksum }),
    }
  })
  if (!copy) throw new S3Error('NoSuchKey', undefined, { Key: source.key })
  const { draft, record } = copy
  try {
    call.stopIfAborted()
    await bucket.replace(draft, record, check)
  } finally {
    await bucket.discard(copy)
  }
  const document = new XmlWriter('CopyObjectResult')
  document.leaf('LastModified', xmlTime(record.modified)).leaf('ETag', quoted(record.etag))
  const { checksum } = record
  if (checksum) document.leaf(CHECKSUMS[checksum.algorithm].element, checksum.value).leaf('ChecksumType', checksum.type)
  return xmlAnswer(document)
}

/** Whether the request's own values take the place of those of the source. */
function directive(call: Call, header: string): boolean {
  const value = call.header(header)
  if (value !== undefined && value !== 'COPY' && value !== 'REPLACE') {
    throw new S3Error('InvalidArgument', 'Unknown directive.', { ArgumentName: header, ArgumentValue: value })
  }
  return value === 'REPLACE'
}

/** The checksum that the copy is to have and the source has not: its bytes are read for it. */
async function otherChecksum(
  source: { readonly bucket: Bucket; readonly key: string },
  algorithm: ChecksumAlgorithm | undefined,
): Promise<{ checksum: StoredChecksum; of: ObjectRecord } | undefined> {
  if (algorithm === undefined) return undefined
  const content = await source.bucket.open(source.key)
  if (!content) return undefined
  try {
    if (content.record.checksum?.algorithm === algorithm) return undefined
    const checksum = createChecksum(algorithm)
    await readThrough(content, 0, content.record.size, async bytes => checksum.update(bytes))
    return { checksum: { algorithm, value: checksum.base64(), type: 'FULL_OBJECT' }, of: content.record }
  } finally {
    await content.close()
  }
}

/** Hands on the bytes from `start` up to `end`, each time before the next are read. */
export async function readThrough(
  content: Content,
  start: number,
  end: number,
  take: (bytes: Buffer) => Promise<void>,
): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  for (let at = start; at < end; ) {
    const read = await content.read(buffer.subarray(0, end - at), at)
    if (read === 0) throw new Error('the object has fewer bytes than its record says')
    await take(buffer.subarray(0, read))
    at += read
  }
}

export const COPY_OPERATIONS = { CopyObject: copyObject } satisfies Record<string, FileOperation>
