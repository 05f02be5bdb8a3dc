/** How a body that passes while it comes is framed for the service, and what vouches for it on that way. */
import {
  type AwsChunkedEncoder,
  type ByteSink,
  CHECKSUMS,
  type ChunkSeed,
  encodedLength,
  SIGNED_CHUNKS,
  SignedChunkEncoder,
  UNSIGNED_CHUNKS_TRAILER,
  UNSIGNED_PAYLOAD,
  UnsignedChunkEncoder,
} from '../../../codecs/s3/index.ts'
import type { Profile } from './profiles/profile.ts'
import type { StoreBody } from './store.ts'

export interface BodyFraming {
  readonly contentSha256: string
  /** Of what is sent. */
  readonly contentLength: number
  /** Headers that tell the service, name, value .... */
  readonly headers: readonly string[]
  /** Undefined for a plain body. */
  encoder?(seed: ChunkSeed | undefined, sink: ByteSink): AwsChunkedEncoder
}

/** `isSecure`: nobody can change bytes on the way, so that nothing has to vouch for them there. */
export function framingOf(
  { length = 0, sha256, trailer, vouched = false }: StoreBody,
  profile: Profile,
  isSecure: boolean,
  isSigned: boolean,
): BodyFraming {
  if (sha256 !== undefined) return { contentSha256: sha256, contentLength: length, headers: [] }
  // Without a signature there is no header that announces the framing.
  if (length > 0 && isSigned && trailer !== undefined && profile.trailers && profile.checksums.includes(trailer)) {
    const { header: name, bytes } = CHECKSUMS[trailer]
    return {
      contentSha256: UNSIGNED_CHUNKS_TRAILER,
      contentLength: encodedLength(length, false, [name, Buffer.alloc(bytes).toString('base64')]),
      headers: [
        'content-encoding',
        'aws-chunked',
        'x-amz-decoded-content-length',
        String(length),
        'x-amz-trailer',
        name,
      ],
      encoder: (_seed, sink) => new UnsignedChunkEncoder(length, sink),
    }
  }
  if (length > 0 && isSigned && vouched && profile.signedChunks && !isSecure) {
    return {
      contentSha256: SIGNED_CHUNKS,
      contentLength: encodedLength(length, true, []),
      headers: ['content-encoding', 'aws-chunked', 'x-amz-decoded-content-length', String(length)],
      encoder: (seed, sink) => new SignedChunkEncoder(length, seed!, sink),
    }
  }
  return { contentSha256: UNSIGNED_PAYLOAD, contentLength: length, headers: [] }
}
