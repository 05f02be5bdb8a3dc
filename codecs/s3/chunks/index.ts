/** Bodies in aws-chunked: read with their signatures and trailers verified, and written for a backend. */
export { withoutAwsChunked } from './content-encoding.ts'
export { AwsChunkedDecoder, type AwsChunkedSink } from './decoder.ts'
export {
  type AwsChunkedEncoder,
  type ByteSink,
  CHUNK_BYTES,
  encodedLength,
  SignedChunkEncoder,
  UnsignedChunkEncoder,
} from './encoder.ts'
export type { AwsChunkedOptions } from './options.ts'
