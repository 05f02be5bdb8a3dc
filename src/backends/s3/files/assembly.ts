/** From the parts of an upload to an object: which are wanted, whether they are what they are said to be, and their sums. */
import { createHash } from 'node:crypto'
import { CHECKSUMS, type ChecksumAlgorithm, parseXml, S3Error } from '../../../../codecs/s3/index.ts'
import type { Call } from './call.ts'
import { ALGORITHMS, checksumOfParts, notMatching } from './checksums.ts'
import type { ObjectRecord, PartRecord, StoredChecksum } from './record.ts'
import { MAX_PART_NUMBER } from './selection.ts'
import type { UploadRecord } from './uploads.ts'

const MIN_PART_BYTES = 5 * 1024 * 1024

/** A part as the application names it. */
export interface ChosenPart {
  readonly number: number
  readonly etag: string
  readonly checksums: readonly { readonly algorithm: ChecksumAlgorithm; readonly value: string }[]
}

/** How the checksum of an upload's object comes to be. */
export function typeOfUpload(algorithm: ChecksumAlgorithm, header: string | undefined): StoredChecksum['type'] {
  const { types } = CHECKSUMS[algorithm]
  const type = header === undefined ? types[0] : types.find(allowed => allowed === header.toUpperCase())
  if (type) return type
  throw new S3Error(
    'InvalidRequest',
    `The ${header} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  )
}

/** The document of CompleteMultipartUpload. */
export function partsOfDocument(document: Buffer, maxBytes: number): ChosenPart[] {
  const root = parseXml(document, { maxBytes, maxElements: MAX_PART_NUMBER * 10 })
  const parts = root.all('Part').map(part => ({
    number: Number(/^\s*(\d{1,5})\s*$/.exec(part.textOf('PartNumber') ?? '')?.[1]),
    etag: (part.textOf('ETag') ?? '').trim().replace(/^"(.*)"$/, '$1'),
    checksums: ALGORITHMS.flatMap(algorithm => {
      const value = part.textOf(CHECKSUMS[algorithm].element)
      return value === undefined ? [] : [{ algorithm, value }]
    }),
  }))
  const isWhole = parts.every(({ number, etag }) => number >= 1 && number <= MAX_PART_NUMBER && etag !== '')
  if (root.name !== 'CompleteMultipartUpload' || parts.length === 0 || !isWhole) throw new S3Error('MalformedXML')
  if (parts.some(({ number }, i) => i > 0 && number <= parts[i - 1]!.number)) throw new S3Error('InvalidPartOrder')
  return parts
}

/** The object that the chosen parts make. Throws an S3Error when they cannot. */
export function assemble(
  call: Call,
  upload: UploadRecord,
  present: readonly PartRecord[],
  chosen: readonly ChosenPart[],
): ObjectRecord {
  const byNumber = new Map(present.map(part => [part.number, part]))
  const parts = chosen.map(choice => {
    const part = byNumber.get(choice.number)
    if (!part || !isAsChosen(part, choice)) {
      throw new S3Error('InvalidPart', undefined, { PartNumber: String(choice.number), ETag: choice.etag })
    }
    return part
  })
  for (const part of parts.slice(0, -1)) {
    if (part.size >= MIN_PART_BYTES) continue
    throw new S3Error('EntityTooSmall', undefined, {
      ProposedSize: String(part.size),
      MinSizeAllowed: String(MIN_PART_BYTES),
      PartNumber: String(part.number),
      ETag: part.etag,
    })
  }
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  const announced = call.header('x-amz-mp-object-size')
  if (announced !== undefined && Number(announced) !== size) {
    throw new S3Error(
      'InvalidRequest',
      `The provided 'x-amz-mp-object-size' header value ${announced} does not match what was computed: ${size}`,
    )
  }
  const md5 = createHash('md5')
  for (const part of parts) md5.update(part.etag, 'hex')
  const checksum = checksumOf(call, upload, parts)
  return {
    key: upload.key,
    size,
    etag: `${md5.digest('hex')}-${parts.length}`,
    modified: call.time,
    headers: upload.headers,
    tags: upload.tags,
    ...(checksum && { checksum }),
    parts,
  }
}

function isAsChosen(part: PartRecord, { etag, checksums }: ChosenPart): boolean {
  if (part.etag !== etag.toLowerCase()) return false
  return checksums.every(
    ({ algorithm, value }) => part.checksum?.algorithm !== algorithm || part.checksum.value === value,
  )
}

function checksumOf(call: Call, upload: UploadRecord, parts: readonly PartRecord[]): StoredChecksum | undefined {
  if (!upload.checksum) return undefined
  const { algorithm, type } = upload.checksum
  const checksum = checksumOfParts(algorithm, type, parts)
  const announced = call.header(CHECKSUMS[algorithm].header)
  // Of a composite, applications send the value with and without the number of parts.
  if (
    announced !== undefined &&
    checksum &&
    announced !== checksum.value &&
    announced !== checksum.value.split('-')[0]
  ) {
    throw notMatching(algorithm)
  }
  return checksum
}
