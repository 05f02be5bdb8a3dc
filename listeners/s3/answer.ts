/** The answer to one request: the store's, or one of our own, with the headers that are ours in either. */
import { headerOf } from '../../codecs/http1/index.ts'
import type { StoreResponse } from '../../src/backends/s3/index.ts'
import { answerHeaders } from './answer-headers.ts'
import type { ExchangeConnection, ExchangeHost } from './exchange-host.ts'
import type { S3Request } from './s3-request.ts'

export class Answer {
  status = 0
  /** Of its body. */
  bytesSent = 0
  /** When it began, in the clock's milliseconds; 0 before. */
  at = 0
  /** Of the backend; undefined when the answer is our own. */
  response: StoreResponse | undefined
  backendRequestId = ''
  readonly #host: ExchangeHost
  readonly #connection: ExchangeConnection
  readonly #request: S3Request
  #hasBody = false

  constructor(host: ExchangeHost, connection: ExchangeConnection, request: S3Request) {
    this.#host = host
    this.#connection = connection
    this.#request = request
  }

  /** The store has answered, whatever is made of it. */
  note(response: StoreResponse): void {
    this.response = response
    this.status = response.status
    this.at = this.#host.clock.now()
  }

  /** Passes on the head of the store's answer. `payload` adds what the application is told of what it has sent. */
  begin(response: StoreResponse, payload: { echo(headers: string[]): void } | undefined): void {
    const { status, length, bodyFollows = false } = response
    const host = this.#host
    const { headers, requestId } = answerHeaders(response.headers, !host.cors.isEmpty, host)
    this.backendRequestId = requestId
    this.#addOwnHeaders(headers)
    // An SDK that has sent a checksum builds on hearing it again, such as when it completes a multipart upload.
    if (status < 300) payload?.echo(headers)
    this.#hasBody = this.#request.head.method !== 'HEAD' && status !== 204 && status !== 304
    this.#connection.answer(status, headers, length, this.#hasBody, bodyFollows)
  }

  /** Bytes of its body. False: no more until the connection has drained. */
  write(bytes: Buffer, owned: boolean): boolean {
    if (!this.#hasBody) return true
    this.bytesSent += bytes.length
    return this.#connection.writeBody(bytes, owned)
  }

  /** All of one of our own but for its end; the headers without `Date`. */
  writeOwn(status: number, headers: readonly string[], document: Buffer): void {
    const host = this.#host
    const isHead = this.#request.head.method === 'HEAD'
    const hasBody = !isHead && document.length > 0 && status !== 304
    this.status = status
    this.at = host.clock.now()
    const all = ['Date', host.date(), ...headers]
    this.#connection.answer(status, all, isHead ? undefined : document.length, hasBody, hasBody)
    if (!hasBody) return
    this.bytesSent = document.length
    this.#connection.writeBody(document, true)
  }

  /** Those of every answer. */
  ownHeaders(): string[] {
    const own: string[] = []
    this.#addOwnHeaders(own)
    return own
  }

  #addOwnHeaders(headers: string[]): void {
    const { id, head, bucket } = this.#request
    headers.push('x-amz-request-id', id)
    const { cors } = this.#host
    const origin = cors.isEmpty ? undefined : headerOf(head.headers, 'origin')
    if (origin !== undefined) headers.push(...(cors.headers(bucket, origin, head.method) ?? []))
  }
}
