/**
 * Names of headers as clients and stores write them, found by their bytes: the text of such a name is made once for all
 * messages, so it needs neither be cut out, hashed nor lowered (bench/README.md, "http1"). Others take a little longer.
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

/** One way to write a name. */
export interface KnownName {
  readonly written: string
  readonly lower: string
  readonly bytes: Buffer
}

/** By a number that four looks at a name give; most have a slot of their own. */
const SLOTS: (KnownName[] | undefined)[] = new Array(1024)

function slotOf(bytes: Buffer, start: number, end: number): number {
  const length = end - start
  const middle = start + (length >> 1)
  return (length * 61 + bytes[start]! * 7 + bytes[end - 1]! * 31 + bytes[middle]! * 17) & 1023
}

for (const name of NAMES) {
  const lower = name.toLowerCase()
  for (const written of new Set([name, lower, inTitleCase(name)])) {
    const bytes = Buffer.from(written, 'latin1')
    const slot = (SLOTS[slotOf(bytes, 0, bytes.length)] ??= [])
    slot.push({ written, lower, bytes })
  }
}

/** The name that stands from `start` to before `end`; undefined when it is none of these. */
export function knownName(bytes: Buffer, start: number, end: number): KnownName | undefined {
  const slot = SLOTS[slotOf(bytes, start, end)]
  if (slot === undefined) return undefined
  for (let i = 0; i < slot.length; i++) if (isSame(slot[i]!.bytes, bytes, start, end)) return slot[i]
  return undefined
}

function isSame(name: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (name.length !== end - start) return false
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[start + i]) return false
  return true
}
