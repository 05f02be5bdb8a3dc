/** HTTP/2 as its server sees it. */
export type { Field, RequestHead } from './request-head.ts'
export { Http2Session, type SessionHost } from './session.ts'
export type { Http2Stream, StreamSink } from './stream.ts'
