/** GetObjectAttributes: what is known of an object, without its bytes. */
import { CHECKSUMS, S3Error, XmlWriter } from '../../../../../codecs/s3/index.ts'
import { type Answer, xmlAnswer } from '../answer.ts'
import type { Call } from '../call.ts'
import type { ObjectRecord, PartRecord, StoredChecksum } from '../record.ts'
import type { FileOperation } from './index.ts'

const KNOWN = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize']
const MAX_PARTS = 1_000

async function getObjectAttributes(call: Call): Promise<Answer> {
  const header = call.header('x-amz-object-attributes') ?? ''
  const wanted = header.split(',').map(name => name.trim())
  if (!wanted.every(name => KNOWN.includes(name))) {
    throw new S3Error('InvalidArgument', 'Invalid attribute name specified.', {
      ArgumentName: 'x-amz-object-attributes',
      ArgumentValue: header,
    })
  }
  const record = await call.bucket.read(call.key)
  if (!record) throw new S3Error('NoSuchKey', undefined, { Key: call.key })
  const document = new XmlWriter('GetObjectAttributesResponse')
  if (wanted.includes('ETag')) document.leaf('ETag', record.etag)
  if (wanted.includes('Checksum') && record.checksum) {
    document.open('Checksum')
    writeChecksum(document, record.checksum)
    document.leaf('ChecksumType', record.checksum.type).close()
  }
  if (wanted.includes('ObjectParts') && record.parts) writeParts(document, call, record, record.parts)
  if (wanted.includes('StorageClass')) document.leaf('StorageClass', 'STANDARD')
  if (wanted.includes('ObjectSize')) document.leaf('ObjectSize', record.size)
  return xmlAnswer(document, ['last-modified', new Date(record.modified).toUTCString()])
}

/** The parts one by one only where they have checksums, as AWS does. */
function writeParts(document: XmlWriter, call: Call, { checksum }: ObjectRecord, parts: readonly PartRecord[]): void {
  document.open('ObjectParts').leaf('PartsCount', parts.length)
  if (checksum) {
    const after = count(call, 'x-amz-part-number-marker', 0)
    const max = Math.min(count(call, 'x-amz-max-parts', MAX_PARTS), MAX_PARTS)
    const rest = parts.filter(part => part.number > after)
    const page = rest.slice(0, max)
    document.leaf('PartNumberMarker', after).leaf('NextPartNumberMarker', page.at(-1)?.number ?? after)
    document.leaf('MaxParts', max).leaf('IsTruncated', rest.length > page.length)
    for (const part of page) {
      document.open('Part').leaf('PartNumber', part.number).leaf('Size', part.size)
      if (part.checksum) writeChecksum(document, part.checksum)
      document.close()
    }
  }
  document.close()
}

function writeChecksum(document: XmlWriter, { algorithm, value }: StoredChecksum): void {
  document.leaf(CHECKSUMS[algorithm].element, value)
}

function count(call: Call, header: string, otherwise: number): number {
  const text = call.header(header)
  if (text === undefined) return otherwise
  if (/^\d{1,5}$/.test(text)) return Number(text)
  throw new S3Error('InvalidArgument', undefined, { ArgumentName: header, ArgumentValue: text })
}

export const ATTRIBUTES_OPERATIONS = { GetObjectAttributes: getObjectAttributes } satisfies Record<
  string,
  FileOperation
>
