/** Which bytes of an object a read asks for: all, a range, or a part of the upload it came by. */
import { S3Error } from '../../../../codecs/s3/index.ts'
import type { Call } from './call.ts'
import { rangeCondition } from './conditions.ts'
import { parseRange } from './range.ts'
import type { ObjectRecord, StoredChecksum } from './record.ts'

export const MAX_PART_NUMBER = 10_000

export interface Selection {
  readonly start: number
  /** Not part of it. */
  readonly end: number
  /** Whether it is to be answered as partial content. */
  readonly isPart: boolean
  /** Of these bytes; undefined when it is not known. */
  readonly checksum: StoredChecksum | undefined
  readonly headers: readonly string[]
}

export function selectBytes(call: Call, record: ObjectRecord): Selection {
  const number = call.query('partNumber')
  const range = call.header('range')
  if (number !== undefined) {
    if (range !== undefined)
      throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter')
    return partOf(record, partNumber(number))
  }
  const bytes = rangeCondition(call.request.headers, record) ? parseRange(range, record.size) : undefined
  if (!bytes) return { start: 0, end: record.size, isPart: false, checksum: record.checksum, headers: [] }
  return { ...bytes, isPart: true, checksum: undefined, headers: [] }
}

/** The number of a part, as the query has it. */
export function partNumber(text: string | undefined): number {
  const number = /^\d{1,5}$/.test(text ?? '') ? Number(text) : 0
  if (number >= 1 && number <= MAX_PART_NUMBER) return number
  throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive', {
    ArgumentName: 'partNumber',
    ArgumentValue: text ?? '',
  })
}

/** Parts count from 1 without gaps, whatever numbers they were uploaded with. */
function partOf(record: ObjectRecord, number: number): Selection {
  const { parts, size } = record
  const part = parts?.[number - 1]
  if (!part && (parts || number > 1)) {
    throw new S3Error('InvalidPartNumber', undefined, {
      PartNumberRequested: String(number),
      ActualPartCount: String(parts?.length ?? 1),
    })
  }
  if (!part) return { start: 0, end: size, isPart: size > 0, checksum: record.checksum, headers: [] }
  const start = parts!.slice(0, number - 1).reduce((sum, before) => sum + before.size, 0)
  const headers = ['x-amz-mp-parts-count', String(parts!.length)]
  return { start, end: start + part.size, isPart: part.size > 0, checksum: part.checksum, headers }
}
