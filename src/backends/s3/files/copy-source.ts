/** The object that a copy reads. */
import { parseCopySource, S3Error } from '../../../../codecs/s3/index.ts'
import type { Bucket } from './bucket.ts'
import type { Call } from './call.ts'

export function copySource(call: Call): { readonly bucket: Bucket; readonly key: string } {
  const { bucket, key, version } = parseCopySource(call.header('x-amz-copy-source') ?? '')
  if (version !== undefined && version !== 'null') throw new S3Error('NoSuchVersion')
  return { bucket: call.volume.bucket(bucket), key }
}
