// The programs that are run before S3 stores. What `mends` names must fail directly and pass through Portolan.
import { fileURLToPath } from 'node:url'
import { pipPackages, sh } from '../../lib/cache.mjs'
import { versitygw } from '../../lib/versitygw.mjs'
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

/** The same of awscli. Over TLS alone it sends checksums as trailers; a store that does not know them breaks each upload. */
const UPLOADS = ['put-object', 'cp of a file', 'cp of 12 MiB', 'cp from standard input', 'sync']
const MENDED_OF_CLI_FOR = { radosgw: UPLOADS, swift: [...UPLOADS, 'delete-objects'] }

export const s3TlsPrograms = store => [
  {
    name: `aws-cli-over-tls-before-${store}`,
    mends: MENDED_OF_CLI_FOR[store],
    isLong: true,
    prepare() {
      const path = pipPackages('awscli', ['awscli>=1.45'], 'python3')
      const show = "import importlib.metadata as m; print(m.version('awscli'))"
      const version = sh('python3', ['-c', show], { env: { ...process.env, PYTHONPATH: path } }).trim()
      const env = { PYTHONPATH: path }
      return { command: process.execPath, args: [here('aws-cli.mjs')], env, versions: `awscli ${version}` }
    },
  },
]

/** Before VersityGW, which knows the checksums: there is nothing to mend, and what passes directly has to pass. */
const beforeVersitygw = program => ({
  ...program,
  prepare() {
    const { version } = versitygw()
    const prepared = program.prepare()
    return { ...prepared, versions: `${prepared.versions}, versitygw ${version}` }
  },
})

export const versitygwPrograms = [
  beforeVersitygw(node(here('aws-sdk.mjs'), 'aws-sdk-before-versitygw', AWS)),
  ...others('versitygw').map(beforeVersitygw),
]

export const s3Programs = store => [
  { ...node(here('aws-sdk.mjs'), `aws-sdk-before-${store}`, AWS), mends: MENDED_FOR[store] },
  ...(store === 'radosgw' ? others(store) : []),
]

/** Before Portolan's embedded store; what `direct` is then is the gateway. */
export const embeddedPrograms = others('embedded')
