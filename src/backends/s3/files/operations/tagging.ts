/** Operations on the tags of objects. */
import { S3Error, XmlWriter } from '../../../../../codecs/s3/index.ts'
import { emptyAnswer, xmlAnswer } from '../answer.ts'
import type { Call } from '../call.ts'
import { tagsOfDocument } from '../tags.ts'
import type { FileOperation } from './index.ts'

const MAX_DOCUMENT_BYTES = 64 * 1024

async function getObjectTagging(call: Call) {
  const record = await call.bucket.read(call.key)
  if (!record) throw new S3Error('NoSuchKey', undefined, { Key: call.key })
  const document = new XmlWriter('Tagging').open('TagSet')
  for (let i = 0; i < record.tags.length; i += 2) {
    document
      .open('Tag')
      .leaf('Key', record.tags[i])
      .leaf('Value', record.tags[i + 1])
      .close()
  }
  return xmlAnswer(document)
}

async function putObjectTagging(call: Call) {
  call.bucket
  await setTags(call, tagsOfDocument(await call.document(MAX_DOCUMENT_BYTES)))
  return emptyAnswer(200)
}

async function deleteObjectTagging(call: Call) {
  await setTags(call, [])
  return emptyAnswer(204)
}

async function setTags(call: Call, tags: string[]): Promise<void> {
  call.stopIfAborted()
  const record = await call.bucket.amend(call.key, current => ({ ...current, tags }))
  if (!record) throw new S3Error('NoSuchKey', undefined, { Key: call.key })
}

export const TAGGING_OPERATIONS = {
  GetObjectTagging: getObjectTagging,
  PutObjectTagging: putObjectTagging,
  DeleteObjectTagging: deleteObjectTagging,
} satisfies Record<string, FileOperation>
