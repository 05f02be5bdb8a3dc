/** The Range header: one range of bytes, as S3 has it. https://www.rfc-editor.org/rfc/rfc9110#section-14 */
import { S3Error } from '../../../../codecs/s3/index.ts'

/** Positions of bytes; `end` is not part of it. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Undefined for a header that is none, and for several ranges: S3 then sends all. Throws an S3Error for no byte at all. */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header?.trim() ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
  if (first === '') {
    const length = Number(last)
    if (length === 0 || size === 0) throw unsatisfiable(header!, size)
    return { start: Math.max(size - length, 0), end: size }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= size) throw unsatisfiable(header!, size)
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) }
}

/** `bytes=first-last` of a copy's source, both inside of it. */
export function parseCopyRange(header: string, size: number): ByteRange {
  const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header) ?? []
  if (first === undefined || Number(last) < Number(first)) {
    const message =
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy'
    throw new S3Error('InvalidArgument', message, { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: header })
  }
  if (Number(last) >= size) {
    throw new S3Error('InvalidArgument', `Range specified is not valid for source object of size: ${size}`)
  }
  return { start: Number(first), end: Number(last) + 1 }
}

function unsatisfiable(requested: string, size: number): S3Error {
  return new S3Error('InvalidRange', undefined, { RangeRequested: requested, ActualObjectSize: String(size) })
}
