// The programs that are run before S3 stores. What `mends` names must fail directly and pass through Portolan.
import { fileURLToPath } from 'node:url'
import { installed, node } from '../recipes.mjs'

const here = name => fileURLToPath(new URL(name, import.meta.url))
const AWS = {
  '@aws-sdk/client-s3': '^3.1175.0',
  '@aws-sdk/lib-storage': '^3.1175.0',
  '@aws-sdk/s3-request-presigner': '3',
  '@aws-sdk/s3-presigned-post': '3',
}

/** What the checksums that the SDK sends by default since 2025 break, and wrong ones that are stored all the same. */
const MENDED = [
  'PutObject stream of known length',
  'PutObject file',
  'PutObject stream, sent with a Content-Length',
  'PutObject stream with CRC32C',
  'PutObject stream with SHA256',
  'UploadPart with a stream',
  'wrong checksum is refused',
]
const MENDED_FOR = { radosgw: MENDED, swift: [...MENDED, 'DeleteObjects', 'Complete with a checksum per part'] }

const OTHERS = { minio: '8', aws4fetch: '1' }

const others = store => [
  node(here('other-libraries.mjs'), `minio-before-${store}`, OTHERS),
  {
    ...installed(here('command-line.mjs'), `s3-command-line-before-${store}`, 'restic', {}, ['version']),
    isLong: true,
  },
]

export const s3Programs = store => [
  { ...node(here('aws-sdk.mjs'), `aws-sdk-before-${store}`, AWS), mends: MENDED_FOR[store] },
  ...(store === 'radosgw' ? others(store) : []),
]

/** Before Portolan's embedded store; what `direct` is then is the gateway. */
export const embeddedPrograms = others('embedded')
