/** Tags of objects: from a header, from a document, and back. */
import { parseXml, S3Error, type XmlElement } from '../../../../codecs/s3/index.ts'

const MAX_TAGS = 10
const MAX_KEY_LENGTH = 128
const MAX_VALUE_LENGTH = 256
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

/** The x-amz-tagging header, which is encoded like a query. */
export function tagsOfHeader(header: string | undefined): string[] {
  const tags: string[] = []
  for (const [key, value] of new URLSearchParams(Buffer.from(header ?? '', 'latin1').toString())) tags.push(key, value)
  return checked(tags, 'InvalidArgument')
}

/** The document of PutObjectTagging. */
export function tagsOfDocument(document: Buffer): string[] {
  const root = parseXml(document)
  const set = root.name === 'Tagging' ? root.child('TagSet') : undefined
  if (!set) throw new S3Error('MalformedXML')
  return checked(
    set.all('Tag').flatMap(tag => [required(tag, 'Key'), required(tag, 'Value')]),
    'InvalidTag',
  )
}

function required(tag: XmlElement, name: string): string {
  const text = tag.textOf(name)
  if (text === undefined) throw new S3Error('MalformedXML')
  return text
}

function checked(tags: string[], code: 'InvalidArgument' | 'InvalidTag'): string[] {
  if (tags.length > MAX_TAGS * 2) throw new S3Error('BadRequest', 'Object tags cannot be greater than 10')
  const seen = new Set<string>()
  for (let i = 0; i < tags.length; i += 2) {
    const key = tags[i]!
    const value = tags[i + 1]!
    if (key === '' || key.length > MAX_KEY_LENGTH || !ALLOWED.test(key))
      throw new S3Error('InvalidTag', 'The TagKey you have provided is invalid')
    if (value.length > MAX_VALUE_LENGTH || !ALLOWED.test(value))
      throw new S3Error('InvalidTag', 'The TagValue you have provided is invalid')
    if (seen.has(key)) throw new S3Error(code, 'Cannot provide multiple Tags with the same key')
    seen.add(key)
  }
  return tags
}
