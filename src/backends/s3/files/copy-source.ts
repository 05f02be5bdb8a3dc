/** The x-amz-copy-source header: `bucket/key`, percent-encoded, with or without a slash before it and a version after. */
import { decodePath, S3Error } from '../../../../codecs/s3/index.ts'
import type { Bucket } from './bucket.ts'
import type { Call } from './call.ts'

export function copySource(call: Call): { readonly bucket: Bucket; readonly key: string } {
  const header = call.header('x-amz-copy-source') ?? ''
  const [path, version] = divide(header)
  const plain = decodePath(path.startsWith('/') ? path.slice(1) : path)
  const slash = plain.indexOf('/')
  if (slash <= 0 || slash === plain.length - 1) {
    throw new S3Error('InvalidArgument', 'Invalid copy source object key', {
      ArgumentName: 'x-amz-copy-source',
      ArgumentValue: header,
    })
  }
  if (version !== undefined && version !== 'null') throw new S3Error('NoSuchVersion')
  return { bucket: call.volume.bucket(plain.slice(0, slash)), key: plain.slice(slash + 1) }
}

function divide(header: string): readonly [path: string, version: string | undefined] {
  const mark = header.lastIndexOf('?versionId=')
  return mark === -1 ? [header, undefined] : [header.slice(0, mark), header.slice(mark + '?versionId='.length)]
}
