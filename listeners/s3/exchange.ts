/**
 * One request and its answer in their order: the body on its way to the store, and the answer on its way back. Its
 * connection gives it the head and the body without HTTP's framing.
 */
import type { ProtocolError } from '../../codecs/codec.ts'
import { headerOf, type RequestHead } from '../../codecs/http1/index.ts'
import { formBoundary, S3Error } from '../../codecs/s3/index.ts'
import type { StoreExchange, StoreRequest, StoreResponse, StoreSink } from '../../src/backends/s3/index.ts'
import { ProxyError } from '../../src/errors.ts'
import { Answer } from './answer.ts'
import { errorDocument } from './answers.ts'
import { isNothing } from './body-plan.ts'
import { Candidates } from './candidates.ts'
import { s3ErrorOf } from './errors.ts'
import type { ExchangeConnection, ExchangeHost, TlsFacts } from './exchange-host.ts'
import { Payload } from './payload.ts'
import { PostForm, type Upload } from './post-form.ts'
import { preflight } from './preflight.ts'
import { RequestBody } from './request-body.ts'
import { S3Request } from './s3-request.ts'

/** Bodies up to here are waited for: then they can be sent again, and checked before anybody hears of them. */
const SMALL_BYTES = 64 * 1024
const NOTHING = Buffer.alloc(0)
const COMPARES_NOTHING = { checksums: new Set<never>(), comparesSha256: false }

/** Before its head is read, with the body on its way, with the answer on its way, or over. */
type Phase = 'beginning' | 'gathering' | 'open' | 'answering' | 'over'

export class Exchange implements StoreSink {
  /** These are for the log and the metrics, too. */
  readonly request: S3Request
  readonly answer: Answer
  readonly startedAt: number
  /** Of an error that was found here. */
  errorCode = ''
  /** Of one that the backend has answered. */
  backendErrorCode = ''
  failure: ProxyError | undefined
  readonly #host: ExchangeHost
  readonly #connection: ExchangeConnection
  #phase: Phase = 'beginning'
  #payload: Payload | PostForm | undefined
  #form: PostForm | undefined
  /** Undefined for requests that have none. */
  #body: RequestBody | undefined
  /** The stores that may be asked, what they are asked, and the one that is. */
  #candidates: Candidates | undefined
  #storeRequest: StoreRequest | undefined
  #store: StoreExchange | undefined

  constructor(host: ExchangeHost, connection: ExchangeConnection, head: RequestHead, startedAt: number) {
    this.#host = host
    this.#connection = connection
    this.request = new S3Request(host, head, connection.remoteIp)
    this.answer = new Answer(host, connection, this.request)
    this.startedAt = startedAt
  }

  /** The name of the one that was asked last; empty while none was. */
  get backend(): string {
    return this.#candidates?.current.name ?? ''
  }

  get tls(): TlsFacts | undefined {
    return this.#connection.tls
  }

  /** Of the object or part that was sent, as far as it has come. */
  get payloadBytes(): number {
    return this.#payload?.bytes ?? 0
  }

  begin(): void {
    try {
      this.#begin()
    } catch (error) {
      this.#refuse(error)
    }
  }

  // --- The request ---------------------------------------------------------------------------------------------------

  #begin(): void {
    const { request } = this
    const { cors } = this.#host
    request.readAddress()
    if (request.isPreflight && !cors.isEmpty) {
      const allowed = preflight(request.head, request.bucket, cors)
      return this.#answerWith(200, [...allowed, 'x-amz-request-id', request.id], NOTHING)
    }
    request.readOperation()
    if (request.operation.name === 'PostObject') return this.#beginForm()
    request.admit()
    if (request.identity!.presignedSeconds !== undefined && request.route!.redirects) {
      const url = request.redirectUrl()
      if (url !== undefined) return this.#answerWith(307, ['Location', url, ...this.answer.ownHeaders()], NOTHING)
    }
    if (request.operation.body !== 'document' && isNothing(request.plan!, request.head)) this.#open(NOTHING, undefined)
    else this.#beginBody()
  }

  #beginBody(): void {
    const { maxChunkBytes, maxDocumentBytes } = this.#host
    const { plan: known, identity, route, head } = this.request
    const plan = known!
    const isGathered = plan.isDocument || (plan.length !== undefined && plan.length <= SMALL_BYTES)
    const { store } = route!.backends[0]!
    // A request that is not signed says nothing of its body's hash; of what is gathered, the store is not known yet.
    const comparing = isGathered
      ? COMPARES_NOTHING
      : identity!.isUnsigned
        ? { checksums: store.checksums, comparesSha256: false }
        : store
    const payload = new Payload(plan, identity!.seed, maxChunkBytes, comparing, {
      onPayload: (bytes, owned) => this.#pass(bytes, owned),
      onChecked: trailer => this.#onChecked(trailer),
    })
    this.#payload = payload
    this.#body = new RequestBody(this.#connection, head.expectContinue, payload)
    if (isGathered) {
      this.#phase = 'gathering'
      payload.gather(plan.isDocument ? maxDocumentBytes : SMALL_BYTES)
      this.#body.want()
    } else this.#open(undefined, undefined)
  }

  /** A form says within its body who sends it, and for what. */
  #beginForm(): void {
    const { head, bucket } = this.request
    if (head.body !== 'length') throw new S3Error('MissingContentLength')
    const boundary = formBoundary(headerOf(head.headers, 'content-type') ?? '')
    this.#form = new PostForm(boundary, bucket, head.length, this.#host.wallTime(), {
      onUpload: upload => this.#openUpload(upload),
      onPayload: (bytes, owned) => this.#pass(bytes, owned),
      onChecked: () => this.#store!.end(undefined),
    })
    this.#payload = this.#form
    this.#phase = 'open'
    this.#body = new RequestBody(this.#connection, head.expectContinue, this.#form)
    this.#body.want()
  }

  #openUpload(upload: Upload): void {
    this.request.readForm(upload)
    this.#storeRequest = this.request.uploadForStore(upload)
    this.#openStore()
  }

  #open(bytes: Buffer | undefined, trailer: string | undefined): void {
    this.#phase = 'open'
    this.#storeRequest = this.request.forStore(bytes, trailer)
    this.#openStore()
  }

  #openStore(): void {
    this.#candidates ??= new Candidates(this.#host, this.request)
    this.#store = this.#candidates.open(this.#storeRequest!, this)
  }

  // --- The body ------------------------------------------------------------------------------------------------------

  onBody(view: Buffer): void {
    try {
      this.#body?.write(view)
    } catch (error) {
      this.#refuse(error)
    }
  }

  onTrailer(name: string, value: string): void {
    try {
      this.#body?.onTrailer(name, value)
    } catch (error) {
      this.#refuse(error)
    }
  }

  onBodyEnd(): void {
    try {
      this.#body?.end()
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** The framing of the body is broken: what was sent of it counts for nothing. */
  onBrokenBody(error: ProtocolError): void {
    this.#refuse(new S3Error('IncompleteBody', error.message))
  }

  /** The application sends nothing of a body that it has announced. */
  onStalled(): void {
    this.#refuse(new S3Error('RequestTimeout'))
  }

  onGone(): void {
    if (this.#phase === 'over') return
    this.#store?.abort()
    this.#finish()
  }

  #pass(bytes: Buffer, owned: boolean): void {
    if (!this.#store!.write(bytes, owned)) this.#body!.stall()
  }

  /** The body is whole and what it should be. */
  #onChecked(trailer: string | undefined): void {
    const gathered = this.#payload!.gathered
    if (this.#phase !== 'gathering') {
      this.#store!.end(trailer)
      return
    }
    const { identity, operation, plan } = this.request
    identity!.policy.checkDocument(operation, gathered!)
    // Another backend may have come in charge meanwhile, and the one from then is closed.
    this.request.findRoute()
    this.#open(gathered, plan!.isDocument ? undefined : trailer)
  }

  // --- What the store tells ------------------------------------------------------------------------------------------

  onContinue(): void {
    if (this.#phase !== 'open') return
    try {
      if (this.#form) this.#form.wanted()
      else this.#body?.want()
    } catch (error) {
      this.#refuse(error)
    }
  }

  onDrain(): void {
    this.#body?.drained()
  }

  onHead(response: StoreResponse): void {
    if (this.#phase === 'over') return
    try {
      this.#beginAnswer(response)
    } catch (error) {
      this.#refuse(error)
    }
  }

  onData(bytes: Buffer, owned: boolean): boolean {
    return this.#phase !== 'answering' || this.answer.write(bytes, owned)
  }

  onDownstreamDrained(): void {
    this.#store?.resume()
  }

  onEnd(errorCode?: string): void {
    if (this.#phase !== 'answering') return
    if (errorCode !== undefined) this.backendErrorCode = errorCode
    this.#finish()
    this.#connection.endAnswer()
  }

  onFailed(error: ProxyError | S3Error): void {
    if (this.#phase === 'over') return
    if (error instanceof ProxyError) this.failure = error
    if (this.#phase === 'answering') return this.#cut()
    if (error instanceof ProxyError && this.#candidates!.next()) {
      try {
        this.#openStore()
      } catch (thrown) {
        this.#refuse(thrown)
      }
      return
    }
    this.#store = undefined
    this.#refuse(error)
  }

  // --- The answer ----------------------------------------------------------------------------------------------------

  #beginAnswer(response: StoreResponse): void {
    const { answer, request } = this
    this.#body?.close()
    answer.note(response)
    this.backendErrorCode = response.errorCode ?? ''
    if (this.#form && response.status === 200) {
      const { status, headers, document } = this.#form.answer(response, request.bucket, request.key, request.origin)
      this.#store = undefined
      return this.#answerWith(status, [...headers, ...answer.ownHeaders()], document)
    }
    answer.begin(response, this.#payload)
    this.#phase = 'answering'
  }

  #refuse(error: unknown): void {
    if (this.#phase === 'over') return
    const told = s3ErrorOf(error)
    if (!told) this.#host.bug(error)
    this.#store?.abort()
    this.#store = undefined
    if (this.#phase === 'answering') return this.#cut()
    const refusal = told ?? new S3Error('InternalError')
    this.errorCode = refusal.code
    const { id: requestId, bucket, key } = this.request
    const document = errorDocument(refusal, { requestId, bucket, key })
    this.#answerWith(refusal.status, ['Content-Type', 'application/xml', ...this.answer.ownHeaders()], document)
  }

  /** What was begun cannot be made whole. */
  #cut(): void {
    this.#finish()
    this.#connection.cutAnswer()
  }

  #answerWith(status: number, headers: readonly string[], document: Buffer): void {
    this.#body?.close()
    this.#phase = 'answering'
    this.answer.writeOwn(status, headers, document)
    this.#finish()
    this.#connection.endAnswer()
  }

  #finish(): void {
    this.#phase = 'over'
    this.#body?.close()
    this.#host.answered(this)
  }
}
