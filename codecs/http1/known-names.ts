/**
 * Names of headers as clients and stores write them, each to its lower case: found by one look-up, a name needs neither
 * be lowered nor compared byte by byte (bench/README.md, "http1"). Others take a little longer.
 */

const NAMES: readonly string[] = [
  'Accept',
  'Accept-Encoding',
  'Accept-Language',
  'Accept-Ranges',
  'Age',
  'Authorization',
  'Cache-Control',
  'Connection',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-MD5',
  'Content-Range',
  'Content-Type',
  'Date',
  'ETag',
  'Expect',
  'Expires',
  'Host',
  'If-Match',
  'If-Modified-Since',
  'If-None-Match',
  'If-Range',
  'If-Unmodified-Since',
  'Keep-Alive',
  'Last-Modified',
  'Location',
  'Origin',
  'Range',
  'Server',
  'Trailer',
  'Transfer-Encoding',
  'User-Agent',
  'Vary',
  'Via',
  'amz-sdk-invocation-id',
  'amz-sdk-request',
  'x-amz-acl',
  'x-amz-checksum-crc32',
  'x-amz-checksum-crc32c',
  'x-amz-checksum-crc64nvme',
  'x-amz-checksum-mode',
  'x-amz-checksum-sha1',
  'x-amz-checksum-sha256',
  'x-amz-checksum-type',
  'x-amz-content-sha256',
  'x-amz-copy-source',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-id-2',
  'x-amz-request-id',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-security-token',
  'x-amz-server-side-encryption',
  'x-amz-storage-class',
  'x-amz-trailer',
  'x-amz-user-agent',
  'x-amz-version-id',
]

const inTitleCase = (name: string): string =>
  name.toLowerCase().replace(/(^|-)[a-z]/g, beginning => beginning.toUpperCase())

export const KNOWN_NAMES: ReadonlyMap<string, string> = new Map(
  NAMES.flatMap(name => {
    const lower = name.toLowerCase()
    return [name, lower, inTitleCase(name)].map((form): [string, string] => [form, lower])
  }),
)
