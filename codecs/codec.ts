/**
 * The shapes that all codecs share. A codec turns bytes into frames and frames into bytes; it knows no socket, clock,
 * log or configuration.
 */

/** Feeds bytes to a sink fixed at construction: no stream, no emitter, no promise. */
export interface Decoder {
  /** Calls the sink once per complete frame, in order, before returning. Throws ProtocolError; then discard the decoder. */
  write(chunk: Buffer): void
}

/** The peer broke the protocol: answer once, in the protocol's own words, and close. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  /** What kind of violation it was: a fixed, low-cardinality word that may become a metric label. */
  readonly kind: string

  constructor(kind: string, message: string) {
    super(message)
    this.kind = kind
  }
}
