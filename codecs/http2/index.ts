/** The HTTP/2 codec: frames and header compression. RFC 9113, RFC 7541. */
export { ErrorCode, FieldLimits, Flag, FrameType, MAX_FRAME_BYTES, MAX_WINDOW, PREFACE, Setting } from './constants.ts'
export { FRAME_HEAD_BYTES, frame, goAway, reset, settings, windowUpdate, writeFrameHead } from './encode.ts'
export { codeOf, connectionError } from './errors.ts'
export { FrameDecoder, type FrameSink } from './frame-decoder.ts'
export { type FieldSink, HpackDecoder } from './hpack-decoder.ts'
export { encodeFields } from './hpack-encoder.ts'
export { withoutPadding } from './padding.ts'
export { type PeerSettings, readSettings } from './settings.ts'
