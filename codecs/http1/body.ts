/** The body of a message, however its end is found: RFC 9112 section 6.3. */
import { ChunkedDecoder, type ChunkedSink } from './chunked.ts'
import type { BodyKind } from './fields.ts'

/** Hears onData ..., onTrailer ... (of chunked bodies only), and onEnd as the last. */
export type BodySink = ChunkedSink

/** One after the other, the bodies of a connection. */
export class BodyDecoder {
  readonly #sink: BodySink
  readonly #chunked: ChunkedDecoder
  #kind: BodyKind | 'ended' = 'ended'
  #remaining = 0

  constructor(sink: BodySink) {
    this.#sink = sink
    this.#chunked = new ChunkedDecoder({
      onData: view => sink.onData(view),
      onTrailer: (name, value) => sink.onTrailer(name, value),
      onEnd: () => this.#end(),
    })
  }

  /** Nothing more belongs to the body. */
  get ended(): boolean {
    return this.#kind === 'ended'
  }

  /** A body begins as its head says. One of no bytes ends at once, within this call. */
  begin(kind: BodyKind, length: number): void {
    this.#kind = kind
    this.#remaining = length
    if (kind === 'chunked') this.#chunked.begin()
    else if (kind === 'none' || (kind === 'length' && length === 0)) this.#end()
  }

  /** Takes bytes from `at`; returns the position behind the body, or `end` while it goes on. Throws ProtocolError. */
  write(bytes: Buffer, at: number, end: number): number {
    if (this.#kind === 'ended' || at === end) return at
    if (this.#kind === 'chunked') return this.#chunked.write(bytes, at, end)
    const stop = this.#kind === 'length' ? Math.min(end, at + this.#remaining) : end
    this.#remaining -= stop - at
    this.#sink.onData(at === 0 && stop === bytes.length ? bytes : bytes.subarray(at, stop))
    if (this.#kind === 'length' && this.#remaining === 0) this.#end()
    return stop
  }

  /** The connection has ended in order. True when the body is whole, onEnd being called by then; else it is cut off. */
  close(): boolean {
    if (this.#kind === 'until-close') this.#end()
    return this.#kind === 'ended'
  }

  #end(): void {
    this.#kind = 'ended'
    this.#sink.onEnd()
  }
}
