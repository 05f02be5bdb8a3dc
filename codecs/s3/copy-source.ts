/**
 * The x-amz-copy-source header: `bucket/key`, percent-encoded, with or without a slash before it and a version after. There
 * is one way to read it, as who judges a request and who serves it must not differ.
 */
import { S3Error } from './errors.ts'
import { decodePath, encodePath, encodeQueryText } from './uri.ts'

export interface CopySource {
  readonly bucket: string
  /** Decoded. */
  readonly key: string
  readonly version: string | undefined
}

const VERSION = '?versionId='

/** Throws InvalidArgument, or InvalidURI. */
export function parseCopySource(header: string): CopySource {
  const mark = header.lastIndexOf(VERSION)
  const path = decodePath(mark < 0 ? header : header.slice(0, mark))
  const plain = path.startsWith('/') ? path.slice(1) : path
  const slash = plain.indexOf('/')
  if (slash <= 0 || slash === plain.length - 1) {
    throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey', {
      ArgumentName: 'x-amz-copy-source',
      ArgumentValue: header,
    })
  }
  return {
    bucket: plain.slice(0, slash),
    key: plain.slice(slash + 1),
    version: mark < 0 ? undefined : decodePath(header.slice(mark + VERSION.length)),
  }
}

export function encodeCopySource({ bucket, key, version }: CopySource): string {
  return encodePath(`${bucket}/${key}`) + (version === undefined ? '' : VERSION + encodeQueryText(version))
}
