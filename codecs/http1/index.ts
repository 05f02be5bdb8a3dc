/** The HTTP/1.1 codec: strict heads and bodies. RFC 9110, RFC 9112. */
export { BodyDecoder, type BodySink } from './body.ts'
export { ChunkedDecoder, type ChunkedSink } from './chunked.ts'
export {
  CONTINUE,
  CRLF,
  encodeChunkSize,
  encodeHeaders,
  encodeLastChunk,
  encodeRequestLines,
  encodeResponseLines,
} from './encode.ts'
export { type BodyKind, type Headers, headerOf } from './fields.ts'
export { isHopByHop } from './hop-by-hop.ts'
export { HEAD_LIMITS, type HeadLimits } from './limits.ts'
export { PartialHead } from './partial-head.ts'
export { REASONS } from './reasons.ts'
export { type RequestHead, readRequestHead } from './request-head.ts'
export { type ResponseHead, readResponseHead } from './response-head.ts'
