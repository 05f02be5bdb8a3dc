/** One request to a service: signed when there is something to sign with, and its answer in the application's words. */
import { createHash, type Hash } from 'node:crypto'
import { ProtocolError } from '../../../codecs/codec.ts'
import { encodeRequestLines, type ResponseHead } from '../../../codecs/http1/index.ts'
import {
  type AwsChunkedEncoder,
  CHECKSUMS,
  EMPTY_SHA256,
  headerIn,
  S3Error,
  signRequest,
  UNSIGNED_CHUNKS_TRAILER,
} from '../../../codecs/s3/index.ts'
import { ProxyError } from '../../errors.ts'
import { type BodyFraming, framingOf } from './body-framing.ts'
import type { Credentials } from './credentials.ts'
import { documentDigest } from './document-digest.ts'
import { documentFor } from './documents.ts'
import type { HttpExchange, HttpSink } from './http/index.ts'
import { responseHeaders } from './response-headers.ts'
import type { ServiceRequest, ServiceStore } from './service-store.ts'
import { type StandIn, standIn } from './stand-ins.ts'
import type { StoreExchange, StoreRequest, StoreResponse, StoreSink } from './store.ts'
import { errorCodeIn, isLate, type Translation, translationOf } from './translate/answers.ts'
import { isBlank, withoutBlank } from './translate/blank.ts'
import type { Place } from './translate/bucket-names.ts'

/** Answers that are read whole. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
/** Of a long answer, white space that is passed on while it is waited for; services send a byte every few seconds. */
const MAX_BLANK_BYTES = 64 * 1024
/** Bodies from here on wait for 100 Continue, where the service knows it: until then nothing is lost when it refuses. */
const EXPECT_BYTES = 1024 * 1024
/** For an answer that must not begin before it is known to be right. */
const asItIs: Translation = document => document

export class ServiceExchange implements StoreExchange, HttpSink {
  readonly #store: ServiceStore
  readonly #request: StoreRequest
  readonly #sink: StoreSink
  readonly #place: Place
  /** Does for the service what it cannot, such as telling the attributes of an object. */
  readonly #standIn: StandIn | undefined
  #translated!: ServiceRequest
  #http: HttpExchange | undefined
  #md5: Hash | undefined
  /** Frames the body anew. */
  #encoder: AwsChunkedEncoder | undefined
  #isTrailed = false
  #goesOn = true
  #translation: Translation | undefined
  #document: Buffer[] = []
  #documentBytes = 0
  #response: StoreResponse | undefined
  #isOver = false
  /** Pieces of a long answer's beginning that were passed on, to keep the connection alive until the rest is there. */
  #passedOn = 0
  /** Asks for the reason of an error that came without a document. */
  #reason: StandIn | undefined
  #next: ServiceExchange | undefined

  constructor(store: ServiceStore, request: StoreRequest, sink: StoreSink, instead?: StandIn) {
    this.#store = store
    this.#request = request
    this.#sink = sink
    this.#place = store.placeOf(request)
    this.#standIn = instead ?? standIn(request, store.options.profile)
  }

  /** Throws S3Error for what the service cannot do. */
  begin(): void {
    const credentials = this.#request.isUnsigned ? undefined : this.#store.options.credentials
    const request = this.#standIn?.request ?? this.#request
    this.#translated = this.#store.translate(request, this.#place)
    const bytes = this.#bytes()
    if (!credentials) this.#send(bytes, undefined)
    else if (credentials.current) this.#send(bytes, credentials.current)
    else {
      credentials
        .wait()
        .then(current => {
          if (!this.#isOver) this.#send(bytes, current)
        })
        // Also of what cannot be written into a request.
        .catch((error: ProxyError | ProtocolError) =>
          this.onFailed(error instanceof ProtocolError ? new S3Error('BadRequest', error.message) : error),
        )
    }
  }

  /** What is there of the body already, as the service is to get it. */
  #bytes(): Buffer | undefined {
    const { operation, body } = this.#request
    if (body.bytes === undefined || operation.body !== 'document') return body.bytes
    const { profile, region } = this.#store.options
    const document = documentFor(this.#request, this.#place, profile, region)
    if (operation.requiresChecksum) this.#translated.headers.push(...documentDigest(document, profile))
    return document
  }

  #send(bytes: Buffer | undefined, credentials: Credentials | undefined): void {
    const { pool, profile, addressing } = this.#store.options
    const { host, path, query, headers } = this.#translated
    const { body } = this.#request
    const method = this.#standIn?.request.method ?? this.#request.method
    const length = bytes ? bytes.length : (body.length ?? 0)
    const framing: BodyFraming =
      length > 0 && bytes === undefined
        ? framingOf(body, profile, addressing.tls, credentials !== undefined)
        : { contentSha256: this.#contentSha256(bytes, length), contentLength: length, headers: [] }
    addHeaders(headers, framing.headers)
    const seed =
      credentials &&
      signRequest(
        { method, host, path, query, headers, contentSha256: framing.contentSha256 },
        this.#store.signer(credentials),
        this.#store.options.wallTime(),
      )
    this.#isTrailed = framing.contentSha256 === UNSIGNED_CHUNKS_TRAILER
    this.#encoder = framing.encoder?.(seed, (piece, owned) => this.#pass(piece, owned))
    if (length > 0 && this.#isUncovered(bytes !== undefined, credentials !== undefined)) {
      this.#md5 = createHash('md5')
      if (bytes) this.#md5.update(bytes)
    }
    this.#http = pool.open(
      {
        method,
        lines: encodeRequestLines(method, query === '' ? path : `${path}?${query}`, ['host', host, ...headers]),
        // An explicit 0, as some services wait for a body of DELETE that is not announced to be empty.
        body: length > 0 || (method !== 'GET' && method !== 'HEAD') ? 'length' : 'none',
        length: framing.contentLength,
        bytes: length > 0 ? bytes : undefined,
        expectContinue: profile.expectContinue && bytes === undefined && length >= EXPECT_BYTES,
      },
      this,
    )
  }

  #contentSha256(bytes: Buffer | undefined, length: number): string {
    const { body } = this.#request
    if (length === 0 || bytes === undefined) return EMPTY_SHA256
    if (bytes === body.bytes && body.sha256 !== undefined) return body.sha256
    return createHash('sha256').update(bytes).digest('hex')
  }

  /** A checksum that vouched for the body was compared and does not go on: the ETag must take its place. */
  #isUncovered(isGathered: boolean, isSigned: boolean): boolean {
    const { profile } = this.#store.options
    const { operation, body, headers } = this.#request
    if (!profile.etagIsMd5 || this.#encoder) return false
    // A signature covers the hash of a body that is known before.
    if (isSigned && (isGathered || body.sha256 !== undefined)) return false
    if (!body.vouched && body.sha256 === undefined) return false
    if (operation.name !== 'PutObject' && operation.name !== 'UploadPart') return false
    const isEncrypted = headers.some((name, at) => at % 2 === 0 && name.startsWith('x-amz-server-side-encryption'))
    return !isEncrypted && !this.#translated.headers.some(name => name.startsWith('x-amz-checksum-'))
  }

  // --- StoreExchange -------------------------------------------------------------------------------------------------

  write(bytes: Buffer, owned: boolean): boolean {
    this.#md5?.update(bytes)
    if (!this.#encoder) return this.#http!.write(bytes, owned)
    this.#goesOn = true
    this.#encoder.write(bytes)
    return this.#goesOn
  }

  #pass(piece: Buffer, owned: boolean): void {
    if (!this.#http!.write(piece, owned)) this.#goesOn = false
  }

  end(trailer: string | undefined): void {
    const algorithm = this.#request.body.trailer
    if (this.#encoder)
      this.#encoder.end(this.#isTrailed && trailer !== undefined ? [CHECKSUMS[algorithm!].header, trailer] : [])
    this.#http?.end()
  }

  resume(): void {
    if (this.#next) this.#next.resume()
    else this.#http?.resume()
  }

  abort(): void {
    this.#isOver = true
    if (this.#next) this.#next.abort()
    else this.#http?.abort()
  }

  // --- HttpSink ------------------------------------------------------------------------------------------------------

  onContinue(): void {
    this.#sink.onContinue()
  }

  onDrain(): void {
    this.#sink.onDrain()
  }

  onHead(head: ResponseHead, bodyFollows: boolean): void {
    const { profile, names } = this.#store.options
    const headers = responseHeaders(head, this.#request)
    const response: StoreResponse = { status: head.status, headers, length: head.contentLength, bodyFollows }
    if (head.status >= 300) this.#reason = this.#standIn?.reason
    if (this.#reason) return
    try {
      this.#response = this.#standIn?.answer ? this.#standIn.answer(response) : response
    } catch (error) {
      if (!(error instanceof S3Error)) throw error
      this.abort()
      this.#sink.onFailed(error)
      return
    }
    this.#translation =
      this.#standIn?.document ??
      translationOf(head.status, { request: this.#request, place: this.#place, names, profile }) ??
      (this.#md5 && asItIs)
    if (!this.#translation) this.#sink.onHead(this.#response)
  }

  onData(bytes: Buffer, owned: boolean): boolean {
    if (!this.#translation) return this.#sink.onData(bytes, owned)
    this.#documentBytes += bytes.length
    if (this.#documentBytes > MAX_DOCUMENT_BYTES) {
      this.abort()
      this.#fail(`its answer is a document of more than ${MAX_DOCUMENT_BYTES} bytes`)
      return true
    }
    this.#document.push(owned ? bytes : Buffer.from(bytes))
    return !this.#isPending() || this.#keepAlive()
  }

  /** The answer has begun, and there is nothing in it yet: the service needs its time. */
  #isPending(): boolean {
    return (
      this.#documentBytes <= MAX_BLANK_BYTES &&
      isLate(this.#request, this.#response!.status) &&
      isBlank(Buffer.concat(this.#document))
    )
  }

  /** So that who waits hears of it as from the service itself, and does not give up. */
  #keepAlive(): boolean {
    if (this.#passedOn === 0) this.#sink.onHead({ ...this.#response!, length: undefined, bodyFollows: true })
    const fresh = Buffer.concat(this.#document.slice(this.#passedOn))
    this.#passedOn = this.#document.length
    return this.#sink.onData(fresh, true)
  }

  onEnd(): void {
    if (this.#isOver) return
    if (this.#reason) {
      this.#askReason(this.#reason)
      return
    }
    this.#isOver = true
    if (!this.#translation) this.#sink.onEnd()
    else if (this.#isStoredRight()) this.#answerDocument()
    else this.#fail('what it has stored is not what was sent: the ETag differs from the MD5')
  }

  onFailed(error: ProxyError | S3Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#sink.onFailed(error)
  }

  #answerDocument(): void {
    const document = Buffer.concat(this.#document)
    const { status } = this.#response!
    let translated: Buffer
    let errorCode: string | undefined
    try {
      translated = document.length === 0 && !this.#standIn ? document : this.#translation!(document)
      errorCode = errorCodeIn(translated, status, this.#request.operation.name)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      // What is no XML of S3 names nothing of the application's.
      translated = document
    }
    const bodyFollows = translated.length > 0
    if (this.#passedOn > 0) translated = withoutBlank(translated)
    else this.#sink.onHead({ ...this.#response!, length: translated.length, errorCode, bodyFollows })
    if (translated.length > 0) this.#sink.onData(translated, true)
    this.#sink.onEnd(errorCode)
  }

  #askReason(reason: StandIn): void {
    this.#next = new ServiceExchange(this.#store, reason.request, this.#sink, reason)
    try {
      this.#next.begin()
    } catch (error) {
      if (!(error instanceof S3Error)) throw error
      this.onFailed(error)
    }
  }

  #isStoredRight(): boolean {
    if (!this.#md5 || this.#response!.status !== 200) return true
    const etag = /^"?([0-9a-f]{32})"?$/.exec(headerIn(this.#response!.headers, 'etag') ?? '')?.[1]
    // Of another form it is no MD5, whatever the profile says.
    return etag === undefined || etag === this.#md5.digest('hex')
  }

  #fail(reason: string): void {
    this.#isOver = true
    this.#sink.onFailed(
      new ProxyError('upstream-protocol', `the service answered wrongly: ${reason}`, { source: 'upstream' }),
    )
  }
}

/** An encoding of the object's own stays behind that of the transfer. */
function addHeaders(headers: string[], added: readonly string[]): void {
  for (let at = 0; at < added.length; at += 2) {
    const name = added[at]!
    const own = name === 'content-encoding' ? placeOf(headers, name) : -1
    if (own >= 0) headers[own + 1] = `aws-chunked,${headers[own + 1]}`
    else headers.push(name, added[at + 1]!)
  }
}

/** Where the name stands; -1 without it. A value may be the same word. */
function placeOf(headers: readonly string[], name: string): number {
  for (let at = 0; at < headers.length; at += 2) if (headers[at] === name) return at
  return -1
}
