/** What `x-amz-content-sha256` says of a body: its hash, or how it is signed instead. */
import { S3Error } from '../errors.ts'

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'
export const SIGNED_CHUNKS = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
export const SIGNED_CHUNKS_TRAILER = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'
export const UNSIGNED_CHUNKS_TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
/** Of no bytes. */
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** All but `hash` and `unsigned` are aws-chunked. */
export type PayloadKind = 'hash' | 'unsigned' | 'signed-chunks' | 'signed-chunks-trailer' | 'unsigned-chunks-trailer'

const KINDS: ReadonlyMap<string, PayloadKind> = new Map([
  [UNSIGNED_PAYLOAD, 'unsigned'],
  [SIGNED_CHUNKS, 'signed-chunks'],
  [SIGNED_CHUNKS_TRAILER, 'signed-chunks-trailer'],
  [UNSIGNED_CHUNKS_TRAILER, 'unsigned-chunks-trailer'],
])

const HEX = /^[0-9a-fA-F]{64}$/

/** Throws InvalidArgument for what is none of them. */
export function payloadKind(contentSha256: string): PayloadKind {
  if (contentSha256.length === 64 && HEX.test(contentSha256)) return 'hash'
  const kind = KINDS.get(contentSha256)
  if (kind !== undefined) return kind
  throw new S3Error(
    'InvalidArgument',
    `x-amz-content-sha256 must be ${[...KINDS.keys()].join(', ')} or a SHA-256 in hexadecimal digits.`,
    { ArgumentName: 'x-amz-content-sha256', ArgumentValue: contentSha256 },
  )
}
