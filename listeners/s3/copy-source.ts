/** The object that a request names beside its own: what it copies, or what it renames. */
import { type CopySource, decodePath, parseCopySource, S3Error } from '../../codecs/s3/index.ts'

/**
 * Headers as name in lower case, value .... Undefined when they name none. Throws InvalidArgument for one that is none,
 * and for two: who judges the request and who serves it might look at different ones.
 */
export function sourceOf(headers: readonly string[], bucket: string): CopySource | undefined {
  let source: CopySource | undefined
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!
    if (name !== 'x-amz-copy-source' && name !== 'x-amz-rename-source') continue
    if (source) throw new S3Error('InvalidArgument', 'The request names more than one source.', { ArgumentName: name })
    source = name === 'x-amz-copy-source' ? parseCopySource(headers[at + 1]!) : renamed(headers[at + 1]!, bucket)
  }
  return source
}

/** RenameObject knows its own bucket only. */
function renamed(header: string, bucket: string): CopySource {
  return { bucket, key: decodePath(header).replace(/^\//, ''), version: undefined }
}
