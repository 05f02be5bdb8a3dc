/** How an aws-chunked body is read, by what the request's head says of it. */
import { S3Error } from '../errors.ts'
import { valueIn } from '../pairs.ts'
import type { ChunkSeed, PayloadKind } from '../signature/index.ts'

export interface AwsChunkedOptions {
  /** Begins the chain of signatures; undefined where chunks are not signed. */
  readonly seed: ChunkSeed | undefined
  /** Chunks and trailers have signatures, and there is nobody who could verify them. */
  readonly unverifiable?: boolean
  /** The names that the request declares, in lower case. */
  readonly trailers: readonly string[]
  /** Whether the kind of the body has a trailer section at all. */
  readonly hasTrailers: boolean
  /** Bytes of all the data; undefined when only its end will tell. */
  readonly decodedLength: number | undefined
  /** Of one chunk. */
  readonly maxChunkBytes: number
}

const LENGTH = /^\d{1,15}$/
const TRAILERS = /^[a-z0-9-]+( *, *[a-z0-9-]+)*$/

/**
 * Undefined for a body that is not in aws-chunked. The seed is that of the verified head, undefined for an anonymous
 * request. Throws InvalidArgument for a length that is none, InvalidRequest for what contradicts itself.
 */
export function awsChunkedOptions(
  payload: PayloadKind,
  seed: ChunkSeed | undefined,
  headers: readonly string[],
  maxChunkBytes: number,
): AwsChunkedOptions | undefined {
  const trailers = readTrailers(valueIn(headers, 'x-amz-trailer'))
  const hasTrailers = payload === 'signed-chunks-trailer' || payload === 'unsigned-chunks-trailer'
  if (trailers.length > 0 && !hasTrailers) {
    throw new S3Error('InvalidRequest', 'x-amz-trailer needs an x-amz-content-sha256 that ends in -TRAILER.')
  }
  if (payload === 'hash' || payload === 'unsigned') return undefined
  const isSigned = payload !== 'unsigned-chunks-trailer'
  if (isSigned && seed === undefined) {
    throw new S3Error('InvalidRequest', 'The chunks of a request that is not signed cannot be signed.')
  }
  return {
    seed: isSigned ? seed : undefined,
    trailers,
    hasTrailers,
    decodedLength: readLength(valueIn(headers, 'x-amz-decoded-content-length')),
    maxChunkBytes,
  }
}

function readLength(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (LENGTH.test(text)) return Number(text)
  throw new S3Error('InvalidArgument', 'x-amz-decoded-content-length is not a length.', {
    ArgumentName: 'x-amz-decoded-content-length',
    ArgumentValue: text,
  })
}

function readTrailers(text: string | undefined): string[] {
  const list = text?.toLowerCase().trim() ?? ''
  if (list === '') return []
  if (list.length > 1024 || !TRAILERS.test(list)) {
    throw new S3Error('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported.')
  }
  return list.split(/ *, */)
}
