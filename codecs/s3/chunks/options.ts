/** How an aws-chunked body is read, by what the request's head says of it. */
import type { ChunkSeed } from '../signature/index.ts'

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
