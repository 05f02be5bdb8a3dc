/** What a service's profile makes of the headers of a request. */
import { type ChecksumAlgorithm, S3Error } from '../../../codecs/s3/index.ts'
import type { Profile } from './profiles/profile.ts'

const CHECKSUM = /^x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256)$/

/** Name, value ... for the service. Throws NotImplemented for what it would not do, or do otherwise without a word. */
export function adaptHeaders(headers: readonly string[], isWrite: boolean, profile: Profile): string[] {
  const adapted: string[] = []
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!
    const value = headers[at + 1]!
    if (name.startsWith('x-amz-')) adaptAmz(name, value, profile, adapted)
    else if (isWrite && name === 'if-none-match') adaptCreateOnly(value, profile, adapted)
    else if (isWrite && name === 'if-match') adapted.push(name, ifMatch(value, profile))
    else adapted.push(name, value)
  }
  return adapted
}

/** Whether the service keeps that checksum. */
function keeps({ checksums }: Profile, algorithm: string): boolean {
  return checksums.includes(algorithm.toUpperCase() as ChecksumAlgorithm)
}

function adaptAmz(name: string, value: string, profile: Profile, adapted: string[]): void {
  const algorithm =
    CHECKSUM.exec(name)?.[1] ??
    (name === 'x-amz-checksum-algorithm' || name === 'x-amz-sdk-checksum-algorithm' ? value : undefined)
  if (algorithm !== undefined && !keeps(profile, algorithm)) return
  if ((name === 'x-amz-checksum-mode' || name === 'x-amz-checksum-type') && profile.checksums.length === 0) return
  if (ENCRYPTION.test(name)) checkEncryption(name, value, profile)
  adapted.push(name, value)
}

/** Also of the source of a copy. */
const ENCRYPTION = /^x-amz-(copy-source-)?server-side-encryption/
const OF_KMS = /^x-amz-server-side-encryption-(aws-kms-key-id|context|bucket-key-enabled)$/

function checkEncryption(name: string, value: string, { lacks, title }: Profile): void {
  if (lacks.includes('sse')) throw new S3Error('NotImplemented', `${title} does not encrypt, and would not say so.`)
  const isKms = OF_KMS.test(name) || (name === 'x-amz-server-side-encryption' && value.startsWith('aws:kms'))
  if (isKms && lacks.includes('sse-kms'))
    throw new S3Error('NotImplemented', `${title} does not encrypt with keys of a KMS, and might not say so.`)
}

function adaptCreateOnly(value: string, profile: Profile, adapted: string[]): void {
  const { createOnly } = profile
  if (value !== '*' || createOnly === 'unsupported') {
    if (createOnly === 'native') adapted.push('if-none-match', value)
    else throw lacking(profile, 'If-None-Match')
  } else if (createOnly === 'native') adapted.push('if-none-match', value)
  else adapted.push(...createOnly)
}

function ifMatch(value: string, profile: Profile): string {
  if (profile.conditionalWrite === 'unsupported') throw lacking(profile, 'If-Match')
  return profile.conditionalWrite === 'unquoted' ? value.replace(/^"(.*)"$/, '$1') : value
}

/** Looking first and writing then would let two writers through, so it is not done here. */
function lacking({ title }: Profile, header: string): S3Error {
  return new S3Error('NotImplemented', `${title} does not write under the condition of ${header}.`)
}
