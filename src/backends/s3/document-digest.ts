/** The digest that S3 demands of some documents: SDKs before 2025 sent Content-MD5, later ones CRC32, and stores know one or the other. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Profile } from './profiles/profile.ts'

/** Header and value. */
export function documentDigest(document: Buffer, { documentDigest: kind }: Profile): [name: string, value: string] {
  const hash = (algorithm: string) => createHash(algorithm).update(document).digest('base64')
  if (kind === 'content-md5') return ['content-md5', hash('md5')]
  if (kind === 'sha256') return ['x-amz-checksum-sha256', hash('sha256')]
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(document))
  return ['x-amz-checksum-crc32', sum.toString('base64')]
}
