/** Messages that come in a call, one by one; a pause holds them, and the credit of their caller. */
import { CallFailure } from './errors.ts'
import type { Http2Stream } from './http2/index.ts'
import { MessageDecoder } from './message-decoder.ts'
import { status } from './status.ts'

export interface InboxSink {
  onMessage(message: Buffer): void
  /** Nothing more comes. */
  onEnd(): void
}

export class Inbox {
  readonly #stream: Http2Stream
  readonly #sink: InboxSink
  readonly #decoder: MessageDecoder
  /** As much as a stream's credit, as none is given meanwhile. */
  readonly #held: Buffer[] = []
  #paused = false
  #ended = false

  constructor(stream: Http2Stream, encoding: string, maxBytes: number, sink: InboxSink) {
    this.#stream = stream
    this.#sink = sink
    this.#decoder = new MessageDecoder(encoding, maxBytes, message => this.#take(message))
  }

  /** Throws CallFailure. */
  write(bytes: Buffer): void {
    this.#decoder.write(bytes)
  }

  end(): void {
    if (this.#decoder.isPartial)
      throw new CallFailure({ code: status.INTERNAL, details: 'the call ended in the middle of a message' })
    this.#ended = true
    if (this.#held.length === 0 && !this.#paused) this.#sink.onEnd()
  }

  pause(): void {
    this.#paused = true
    this.#stream.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    while (this.#held.length > 0) {
      this.#sink.onMessage(this.#held.shift()!)
      if (this.#paused) return
    }
    if (this.#ended) this.#sink.onEnd()
    else this.#stream.resume()
  }

  #take(message: Buffer): void {
    if (this.#paused) this.#held.push(message)
    else this.#sink.onMessage(message)
  }
}
