/** The answer to a call: its head, messages, and the status at the end. */
import { encodeFields } from '../../codecs/http2/index.ts'
import type { AppMetadata } from '../../src/apis/index.ts'
import type { Field, Http2Stream } from './http2/index.ts'
import { ENCODINGS } from './message-decoder.ts'
import { fieldsOf, percentEncoded } from './metadata.ts'
import type { StatusError } from './rpc.ts'

const HEAD: readonly Field[] = [
  [':status', '200'],
  ['content-type', 'application/grpc+proto'],
  ['grpc-accept-encoding', ENCODINGS],
]
const HEAD_BLOCK = encodeFields(HEAD)
const OK: Field = ['grpc-status', '0']
const OK_BLOCK = encodeFields([OK])

export class Reply {
  readonly #stream: Http2Stream
  #hasHead = false

  constructor(stream: Http2Stream) {
    this.#stream = stream
  }

  /** Messages that wait for the caller. */
  get queued(): number {
    return this.#stream.queued
  }

  /** Sends the head with these fields before there is a message. */
  head(metadata: AppMetadata): void {
    if (this.#hasHead) return
    this.#hasHead = true
    this.#stream.respond(encodeFields([...HEAD, ...fieldsOf(metadata)]))
    this.#stream.flushHeaders()
  }

  /** False: the caller does not keep up. */
  message(bytes: Buffer): boolean {
    this.#begin()
    const prefix = Buffer.allocUnsafe(5)
    // Not compressed.
    prefix[0] = 0
    prefix.writeUInt32BE(bytes.length, 1)
    return this.#stream.send(prefix, bytes)
  }

  ok(trailers: AppMetadata = []): void {
    this.#begin()
    this.#stream.end(trailers.length === 0 ? OK_BLOCK : encodeFields([OK, ...fieldsOf(trailers)]))
  }

  fail({ code, details, metadata = [] }: StatusError): void {
    const fields: Field[] = [
      ['grpc-status', String(code)],
      ['grpc-message', percentEncoded(details)],
      ...fieldsOf(metadata),
    ]
    // Behind a head it is the trailers, else both in one.
    if (this.#hasHead) this.#stream.end(encodeFields(fields))
    else this.#stream.respondOnly(encodeFields([...HEAD, ...fields]))
  }

  #begin(): void {
    if (this.#hasHead) return
    this.#hasHead = true
    this.#stream.respond(HEAD_BLOCK)
  }
}
