/** Operations on the bytes of objects. */
import { parseXml, S3Error, XmlWriter } from '../../../../../codecs/s3/index.ts'
import { type Answer, emptyAnswer, quoted, xmlAnswer } from '../answer.ts'
import { mapBounded } from '../bounded.ts'
import type { Call } from '../call.ts'
import { checksumFields } from '../checksums.ts'
import { readCondition, removeCondition, writeCondition } from '../conditions.ts'
import { receive } from '../receive.ts'
import type { ObjectRecord } from '../record.ts'
import { selectBytes } from '../selection.ts'
import { answeredHeaders, storedHeaders } from '../stored-headers.ts'
import { tagsOfHeader } from '../tags.ts'
import type { FileOperation } from './index.ts'

const MAX_DELETED = 1_000
/** A thousand keys of a kilobyte, each byte of them escaped where need be. */
const MAX_DELETE_BYTES = 8 * 1024 * 1024

async function putObject(call: Call): Promise<Answer> {
  const { bucket, key, request } = call
  const { headers } = request
  const check = writeCondition(headers)
  const facts = { key, headers: storedHeaders(headers), tags: tagsOfHeader(call.header('x-amz-tagging')) }
  // What cannot succeed need not be sent; what counts is the check at the end.
  if (call.header('if-match') !== undefined || call.header('if-none-match') !== undefined) check(await bucket.read(key))
  return receive(call, bucket, undefined, async (draft, received) => {
    const { size, etag, checksum } = received
    const record: ObjectRecord = { ...facts, size, etag, modified: call.time, ...(checksum && { checksum }) }
    await draft.seal(record)
    call.stopIfAborted()
    await bucket.replace(draft, record, check)
    return emptyAnswer(200, ['etag', quoted(etag), ...checksumFields(checksum)])
  })
}

async function getObject(call: Call): Promise<Answer> {
  const content = await call.bucket.open(call.key)
  if (!content) throw noSuchKey(call)
  try {
    const { answer, start, end } = describe(call, content.record)
    if (answer.status === 304) {
      await content.close()
      return answer
    }
    return { ...answer, body: { content, start, end } }
  } catch (error) {
    await content.close()
    throw error
  }
}

async function headObject(call: Call): Promise<Answer> {
  const record = await call.bucket.read(call.key)
  if (!record) throw noSuchKey(call)
  return describe(call, record).answer
}

/** The head of an answer with the object, and which of its bytes come with it. */
function describe(call: Call, record: ObjectRecord): { answer: Answer; start: number; end: number } {
  const { headers } = call.request
  const facts = ['etag', quoted(record.etag), 'last-modified', new Date(record.modified).toUTCString()]
  const stored = answeredHeaders(record.headers, call.request)
  if (readCondition(headers, record) === 'not-modified') {
    const kept = ['cache-control', 'expires']
    const some = stored.filter((_, i) => kept.includes(stored[i - (i % 2)]!))
    return { answer: emptyAnswer(304, [...facts, ...some]), start: 0, end: 0 }
  }
  const selection = selectBytes(call, record)
  const { start, end, isPart } = selection
  facts.push('accept-ranges', 'bytes', ...stored, ...selection.headers)
  if (isPart) facts.push('content-range', `bytes ${start}-${end - 1}/${record.size}`)
  if (record.tags.length > 0) facts.push('x-amz-tagging-count', String(record.tags.length / 2))
  if (call.header('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED') facts.push(...checksumFields(selection.checksum))
  return { answer: { status: isPart ? 206 : 200, headers: facts, length: end - start }, start, end }
}

async function deleteObject(call: Call): Promise<Answer> {
  const { bucket, key } = call
  await bucket.remove(key, removeCondition(call.header('if-match')))
  return emptyAnswer(204)
}

async function deleteObjects(call: Call): Promise<Answer> {
  const { bucket } = call
  const root = parseXml(await call.document(MAX_DELETE_BYTES), { maxBytes: MAX_DELETE_BYTES })
  const objects = root.all('Object').map(object => ({
    key: object.textOf('Key'),
    version: object.textOf('VersionId'),
    etag: object.textOf('ETag'),
  }))
  if (root.name !== 'Delete' || objects.length === 0 || objects.length > MAX_DELETED) throw new S3Error('MalformedXML')
  if (objects.some(({ key }) => !key)) throw new S3Error('UserKeyMustBeSpecified')
  call.stopIfAborted()
  const failures = await mapBounded(objects, async ({ key, version, etag }) => {
    try {
      if (version !== undefined && version !== 'null' && version !== '') throw new S3Error('NoSuchVersion')
      await bucket.remove(key!, removeCondition(etag))
      return undefined
    } catch (error) {
      return error instanceof S3Error ? error : new S3Error('InternalError')
    }
  })
  const isQuiet = root.textOf('Quiet')?.trim() === 'true'
  const document = new XmlWriter('DeleteResult')
  for (const [i, { key, version }] of objects.entries()) {
    const failure = failures[i]
    if (failure) {
      document
        .open('Error')
        .leaf('Key', key)
        .leaf('VersionId', version || undefined)
      document.leaf('Code', failure.code).leaf('Message', failure.message).close()
    } else if (!isQuiet)
      document
        .open('Deleted')
        .leaf('Key', key)
        .leaf('VersionId', version || undefined)
        .close()
  }
  return xmlAnswer(document)
}

function noSuchKey(call: Call): S3Error {
  return new S3Error('NoSuchKey', undefined, { Key: call.request.key })
}

export const OBJECT_OPERATIONS = {
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: headObject,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
} satisfies Record<string, FileOperation>
