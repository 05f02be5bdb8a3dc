/** Multipart uploads. */
import { createHash } from 'node:crypto'
import { CHECKSUMS, createChecksum, encodePath, S3Error, XmlWriter } from '../../../../../codecs/s3/index.ts'
import { type Answer, emptyAnswer, quoted, xmlAnswer, xmlTime } from '../answer.ts'
import { assemble, partsOfDocument, typeOfUpload } from '../assembly.ts'
import type { Bucket } from '../bucket.ts'
import type { Call } from '../call.ts'
import { bodyChecksum, checksumFields, requestedAlgorithm } from '../checksums.ts'
import { copyCondition, writeCondition } from '../conditions.ts'
import { copySource } from '../copy-source.ts'
import { writeOwner } from '../owner.ts'
import { parseCopyRange } from '../range.ts'
import { receive } from '../receive.ts'
import type { ObjectRecord, PartRecord } from '../record.ts'
import { MAX_PART_NUMBER, partNumber } from '../selection.ts'
import { storedHeaders } from '../stored-headers.ts'
import { tagsOfHeader } from '../tags.ts'
import type { UploadRecord } from '../uploads.ts'
import { readThrough } from './copy.ts'
import type { FileOperation } from './index.ts'
import { keyEncoding, writePrefix } from './list.ts'

/** Ten thousand parts with all their checksums. */
const MAX_COMPLETE_BYTES = 8 * 1024 * 1024
const MAX_LISTED = 1_000

async function createMultipartUpload(call: Call): Promise<Answer> {
  const { bucket, key, request } = call
  const algorithm = requestedAlgorithm(request.headers, 'x-amz-checksum-algorithm')
  const checksum = algorithm && { algorithm, type: typeOfUpload(algorithm, call.header('x-amz-checksum-type')) }
  call.stopIfAborted()
  const id = await bucket.uploads.begin({
    key,
    initiated: call.time,
    headers: storedHeaders(request.headers),
    tags: tagsOfHeader(call.header('x-amz-tagging')),
    ...(checksum && { checksum }),
  })
  const document = new XmlWriter('InitiateMultipartUploadResult')
  document.leaf('Bucket', bucket.record.name).leaf('Key', key).leaf('UploadId', id)
  const fields = checksum ? ['x-amz-checksum-algorithm', checksum.algorithm, 'x-amz-checksum-type', checksum.type] : []
  return xmlAnswer(document, fields)
}

async function uploadPart(call: Call): Promise<Answer> {
  const { bucket, key } = call
  const id = uploadId(call)
  const number = partNumber(call.query('partNumber'))
  const wanted = expectedAlgorithm(call, bucket.uploads.get(id, key))
  return receive(call, bucket, wanted, async (draft, { size, etag, checksum }) => {
    const part: PartRecord = { number, size, etag, modified: call.time, ...(checksum && { checksum }) }
    await draft.seal(part)
    call.stopIfAborted()
    await bucket.uploads.putPart(id, key, part, draft)
    const fields = checksum ? [CHECKSUMS[checksum.algorithm].header, checksum.value] : []
    return emptyAnswer(200, ['etag', quoted(etag), ...fields])
  })
}

/** The checksum that every part of the upload has, whether or not the part's own request names it. */
function expectedAlgorithm({ request }: Call, upload: UploadRecord) {
  const expected = upload.checksum?.algorithm
  const given = bodyChecksum(request)?.algorithm
  if (expected === undefined || given === undefined || given === expected) return expected
  const message = `Checksum Type mismatch occurred, expected checksum Type: ${expected.toLowerCase()}, actual checksum Type: ${given.toLowerCase()}`
  throw new S3Error('InvalidRequest', message)
}

async function uploadPartCopy(call: Call): Promise<Answer> {
  const { bucket, key, request } = call
  const id = uploadId(call)
  const number = partNumber(call.query('partNumber'))
  const algorithm = bucket.uploads.get(id, key).checksum?.algorithm
  const source = copySource(call)
  const content = await source.bucket.open(source.key)
  if (!content) throw new S3Error('NoSuchKey', undefined, { Key: source.key })
  const draft = await bucket.draft()
  try {
    copyCondition(request.headers, content.record)
    const range = call.header('x-amz-copy-source-range')
    const { start, end } =
      range === undefined ? { start: 0, end: content.record.size } : parseCopyRange(range, content.record.size)
    const md5 = createHash('md5')
    const running = algorithm && createChecksum(algorithm)
    await readThrough(content, start, end, bytes => {
      call.stopIfAborted()
      md5.update(bytes)
      running?.update(bytes)
      return draft.write([bytes])
    })
    const checksum = running && { algorithm: algorithm!, value: running.base64(), type: 'FULL_OBJECT' as const }
    const etag = md5.digest('hex')
    const part: PartRecord = { number, size: end - start, etag, modified: call.time, ...(checksum && { checksum }) }
    await draft.seal(part)
    call.stopIfAborted()
    await bucket.uploads.putPart(id, key, part, draft)
    const document = new XmlWriter('CopyPartResult')
      .leaf('LastModified', xmlTime(part.modified))
      .leaf('ETag', quoted(etag))
    if (checksum) document.leaf(CHECKSUMS[checksum.algorithm].element, checksum.value)
    return xmlAnswer(document)
  } finally {
    await content.close()
    await draft.discard()
  }
}

async function completeMultipartUpload(call: Call): Promise<Answer> {
  const { bucket, key, request } = call
  const id = uploadId(call)
  const check = writeCondition(request.headers)
  const chosen = partsOfDocument(await call.document(MAX_COMPLETE_BYTES, false), MAX_COMPLETE_BYTES)
  call.stopIfAborted()
  let record: ObjectRecord
  try {
    const make = (upload: UploadRecord, parts: readonly PartRecord[]) => assemble(call, upload, parts, chosen)
    record = await bucket.uploads.complete(id, key, make, check)
  } catch (error) {
    const done = error instanceof S3Error && error.code === 'NoSuchUpload' ? await bucket.read(key) : undefined
    // Asked again by who has not got the answer.
    if (done?.body !== id) throw error
    record = done
  }
  const document = new XmlWriter('CompleteMultipartUploadResult')
  document.leaf('Location', `${call.request.origin}/${bucket.record.name}/${encodePath(key)}`)
  document.leaf('Bucket', bucket.record.name).leaf('Key', key).leaf('ETag', quoted(record.etag))
  const { checksum } = record
  if (checksum) document.leaf(CHECKSUMS[checksum.algorithm].element, checksum.value).leaf('ChecksumType', checksum.type)
  return xmlAnswer(document, checksumFields(checksum))
}

async function abortMultipartUpload(call: Call): Promise<Answer> {
  await call.bucket.uploads.abort(uploadId(call), call.key)
  return emptyAnswer(204)
}

async function listParts(call: Call): Promise<Answer> {
  const { bucket, key } = call
  const id = uploadId(call)
  const { checksum } = bucket.uploads.get(id, key)
  const encode = keyEncoding(call)
  const after = call.count('part-number-marker', 0, MAX_PART_NUMBER)
  const max = call.count('max-parts', MAX_LISTED, MAX_LISTED)
  const parts = (await bucket.uploads.parts(id)).filter(part => part.number > after)
  const page = parts.slice(0, max)
  const isTruncated = max > 0 && parts.length > max
  const document = new XmlWriter('ListPartsResult')
  document.leaf('Bucket', bucket.record.name).leaf('Key', encode(key)).leaf('UploadId', id)
  document.leaf('PartNumberMarker', after)
  if (isTruncated) document.leaf('NextPartNumberMarker', page.at(-1)!.number)
  document.leaf('MaxParts', max).leaf('IsTruncated', isTruncated)
  for (const part of page) {
    document.open('Part').leaf('PartNumber', part.number).leaf('LastModified', xmlTime(part.modified))
    document.leaf('ETag', quoted(part.etag)).leaf('Size', part.size)
    if (part.checksum) document.leaf(CHECKSUMS[part.checksum.algorithm].element, part.checksum.value)
    document.close()
  }
  writeOwner(document, 'Initiator')
  writeOwner(document, 'Owner')
  document.leaf('StorageClass', 'STANDARD')
  document.leaf('ChecksumAlgorithm', checksum?.algorithm).leaf('ChecksumType', checksum?.type)
  return xmlAnswer(document)
}

function listMultipartUploads(call: Call): Answer {
  const { bucket } = call
  const encode = keyEncoding(call)
  const prefix = call.query('prefix') ?? ''
  const delimiter = call.query('delimiter') ?? ''
  const keyMarker = call.query('key-marker') ?? ''
  const idMarker = keyMarker === '' ? '' : (call.query('upload-id-marker') ?? '')
  const max = call.count('max-uploads', MAX_LISTED, MAX_LISTED)
  const { shown, isTruncated } = pageOfUploads(bucket, { prefix, delimiter, keyMarker, idMarker, max })
  const document = new XmlWriter('ListMultipartUploadsResult').leaf('Bucket', bucket.record.name)
  document.leaf('KeyMarker', encode(keyMarker)).leaf('UploadIdMarker', idMarker)
  const last = shown.at(-1)
  if (isTruncated && last) document.leaf('NextKeyMarker', encode(last.name)).leaf('NextUploadIdMarker', last.id ?? '')
  document.leaf('Prefix', encode(prefix))
  if (delimiter !== '') document.leaf('Delimiter', encode(delimiter))
  document.leaf('EncodingType', call.query('encoding-type') || undefined)
  document.leaf('MaxUploads', max).leaf('IsTruncated', isTruncated)
  for (const { name, id, upload } of shown) {
    if (!upload) {
      writePrefix(document, encode, name)
      continue
    }
    document.open('Upload').leaf('Key', encode(name)).leaf('UploadId', id)
    writeOwner(document, 'Initiator')
    writeOwner(document, 'Owner')
    document.leaf('StorageClass', 'STANDARD').leaf('Initiated', xmlTime(upload.initiated))
    const { checksum } = upload
    document.leaf('ChecksumAlgorithm', checksum?.algorithm).leaf('ChecksumType', checksum?.type).close()
  }
  return xmlAnswer(document)
}

interface UploadsQuestion {
  readonly prefix: string
  readonly delimiter: string
  readonly keyMarker: string
  readonly idMarker: string
  readonly max: number
}

/** Uploads, and common prefixes, which have no id. */
interface ShownUpload {
  readonly name: string
  readonly id?: string
  readonly upload?: UploadRecord
}

function pageOfUploads(bucket: Bucket, { prefix, delimiter, keyMarker, idMarker, max }: UploadsQuestion) {
  const all = bucket.uploads.list()
  // Where the marker's own upload stands; one that is gone leaves the place after its key.
  const marked = idMarker === '' ? -1 : all.findIndex(({ id, upload }) => id === idMarker && upload.key === keyMarker)
  const shown: ShownUpload[] = []
  for (const [at, { id, upload }] of all.entries()) {
    const { key } = upload
    if (!key.startsWith(prefix)) continue
    if (marked !== -1 ? at <= marked : keyMarker !== '' && isAtOrBefore(key, keyMarker)) continue
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const name = cut === -1 ? key : key.slice(0, cut + delimiter.length)
    if (cut !== -1 && (shown.at(-1)?.name === name || (keyMarker !== '' && isAtOrBefore(name, keyMarker)))) continue
    if (shown.length === max) return { shown, isTruncated: max > 0 }
    shown.push(cut === -1 ? { name, id, upload } : { name })
  }
  return { shown, isTruncated: false }
}

function isAtOrBefore(key: string, marker: string): boolean {
  return Buffer.compare(Buffer.from(key), Buffer.from(marker)) <= 0
}

function uploadId(call: Call): string {
  return call.query('uploadId') ?? ''
}

export const MULTIPART_OPERATIONS = {
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListParts: listParts,
  ListMultipartUploads: listMultipartUploads,
} satisfies Record<string, FileOperation>
