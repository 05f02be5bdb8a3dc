/**
 * One request and its answer: who asks, for what, where it is kept, and the way of the body there and of the answer back.
 * Its connection gives it the head and the body without HTTP's framing.
 */
import type { ProtocolError } from '../../codecs/codec.ts'
import { headerOf, type RequestHead } from '../../codecs/http1/index.ts'
import {
  CHECKSUMS,
  classify,
  EMPTY_SHA256,
  formBoundary,
  OPERATIONS,
  type Operation,
  parseAddress,
  parseQuery,
  S3Error,
} from '../../codecs/s3/index.ts'
import type {
  S3Backend,
  StoreBody,
  StoreExchange,
  StoreRequest,
  StoreResponse,
  StoreSink,
} from '../../src/backends/s3/index.ts'
import { ProxyError } from '../../src/errors.ts'
import { answerHeaders } from './answer-headers.ts'
import { errorDocument } from './answers.ts'
import { type BodyPlan, planBody } from './body-plan.ts'
import { BucketList } from './bucket-list.ts'
import { sourceOf } from './copy-source.ts'
import { type Identity, stranger, type Visitor } from './door.ts'
import { s3ErrorOf } from './errors.ts'
import type { ExchangeConnection, ExchangeHost, TlsFacts } from './exchange-host.ts'
import { forStore } from './forwarded.ts'
import { liftHeaders } from './lifted-headers.ts'
import { Payload } from './payload.ts'
import { PostForm, type Upload } from './post-form.ts'
import { preflight } from './preflight.ts'
import { redirectUrl } from './redirect.ts'
import { RequestBody } from './request-body.ts'
import type { Route } from './routes.ts'

/** Bodies up to here are waited for: then they can be sent again, and checked before anybody hears of them. */
const SMALL_BYTES = 64 * 1024
const MISSIGNED: ReadonlySet<string> = new Set(['SignatureDoesNotMatch', 'RequestTimeTooSkewed'])
const NOTHING = Buffer.alloc(0)
const COMPARES_NOTHING = { checksums: new Set<never>(), comparesSha256: false }
const NO_OPERATION: Operation = { name: 'Unknown', access: 'admin', body: 'none', requiresChecksum: false }

/** Before its head is read, with the body on its way, with the answer on its way, or over. */
type Phase = 'beginning' | 'gathering' | 'open' | 'answering' | 'over'

export class Exchange implements StoreSink {
  readonly head: RequestHead
  readonly requestId: string
  readonly remoteIp: string
  readonly startedAt: number
  /** For the log and the metrics. */
  operation: Operation = NO_OPERATION
  bucket = ''
  key = ''
  identity: Identity | undefined
  status = 0
  /** Of an error that was found here. */
  errorCode = ''
  /** Of one that the backend has answered. */
  backendErrorCode = ''
  failure: ProxyError | undefined
  bytesSent = 0
  answeredAt = 0
  backendRequestId = ''
  /** Of the backend; undefined when the answer is our own. */
  response: StoreResponse | undefined
  backend = ''
  readonly #host: ExchangeHost
  readonly #connection: ExchangeConnection
  #phase: Phase = 'beginning'
  /** With the headers that a presigned URL had in its query, and without what authenticates there. */
  #query: readonly string[] = []
  #headers: readonly string[] = []
  #plan: BodyPlan | undefined
  #payload: Payload | PostForm | undefined
  #form: PostForm | undefined
  /** Undefined for requests that have none. */
  #body: RequestBody | undefined
  #route: Route | undefined
  #candidate = 0
  #request: StoreRequest | undefined
  #store: StoreExchange | undefined
  #hasBody = false

  constructor(host: ExchangeHost, connection: ExchangeConnection, head: RequestHead, startedAt: number) {
    this.#host = host
    this.#connection = connection
    this.head = head
    this.remoteIp = connection.remoteIp
    this.requestId = host.nextRequestId()
    this.startedAt = startedAt
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
    const { head } = this
    const { method, target } = head
    const host = this.#host
    const mark = target.indexOf('?')
    const path = mark < 0 ? target : target.slice(0, mark)
    const query = parseQuery(mark < 0 ? '' : target.slice(mark + 1))
    const { bucket, key } = parseAddress(head.host ?? '', path, host.domains)
    this.bucket = bucket
    this.key = key
    const isPreflight = method === 'OPTIONS'
    if (isPreflight && !host.cors.isEmpty) {
      const allowed = preflight(head, bucket, host.cors)
      return this.#answerWith(200, [...allowed, 'x-amz-request-id', this.requestId], NOTHING)
    }
    const headers = pairsOf(head)
    const lifted = isPreflight ? { query: [], headers } : liftHeaders(query, headers)
    this.#query = lifted.query
    this.#headers = lifted.headers
    const operation = classify({ method, bucket, key, query: lifted.query, headers: lifted.headers })
    this.operation = operation
    if (operation.name === 'PostObject') return this.#beginForm()
    const source = sourceOf(lifted.headers, bucket)
    const now = host.wallTime()
    // Browsers never sign it, and the rules of a bucket are no secret: the store answers by them.
    const identity = isPreflight
      ? stranger(headers)
      : this.#admit({ method, path, query, headers, source, bucket, key, operation, now })
    this.identity = identity
    const plan = planBody(operation, head, headers, identity, host)
    this.#plan = plan
    this.#route = host.routeOf(bucket, identity.accessKey)
    if (identity.presignedSeconds !== undefined && this.#route.redirects && this.#redirect()) return
    if (operation.body !== 'document' && isNothing(plan, head)) {
      this.#phase = 'open'
      this.#open(NOTHING, undefined)
    } else this.#beginBody(plan, identity)
  }

  #admit(visitor: Visitor): Identity {
    const { bucket, source } = visitor
    const host = this.#host
    try {
      const identity = host.door.admit(visitor)
      // Each service has its own buckets: the one in charge would look for the source among those.
      if (source && this.#inChargeOf(source.bucket, identity) !== this.#inChargeOf(bucket, identity))
        throw new S3Error('NotImplemented', 'The source of the copy is at another backend.')
      return identity
    } catch (error) {
      if (error instanceof S3Error && MISSIGNED.has(error.code)) host.missigned(this, visitor, error)
      throw error
    }
  }

  #inChargeOf(bucket: string, { accessKey }: Identity): S3Backend {
    return this.#host.routeOf(bucket, accessKey).backends[0]!
  }

  #beginBody(plan: BodyPlan, identity: Identity): void {
    const host = this.#host
    const isGathered = plan.isDocument || (plan.length !== undefined && plan.length <= SMALL_BYTES)
    const { store } = this.#route!.backends[0]!
    // A request that is not signed says nothing of its body's hash; of what is gathered, the store is not known yet.
    const comparing = isGathered
      ? COMPARES_NOTHING
      : identity.isUnsigned
        ? { checksums: store.checksums, comparesSha256: false }
        : store
    const payload = new Payload(plan, identity.seed, host.maxChunkBytes, comparing, {
      onPayload: (bytes, owned) => this.#pass(bytes, owned),
      onChecked: trailer => this.#onChecked(trailer),
    })
    this.#payload = payload
    this.#body = new RequestBody(this.#connection, this.head.expectContinue, payload)
    if (isGathered) {
      this.#phase = 'gathering'
      payload.gather(plan.isDocument ? host.maxDocumentBytes : SMALL_BYTES)
      this.#body.want()
    } else {
      this.#phase = 'open'
      this.#open(undefined, undefined)
    }
  }

  /** A form says within its body who sends it, and for what. */
  #beginForm(): void {
    const host = this.#host
    const { headers, length, body, expectContinue } = this.head
    if (body !== 'length') throw new S3Error('MissingContentLength')
    const boundary = formBoundary(headerOf(headers, 'content-type') ?? '')
    this.#form = new PostForm(boundary, this.bucket, length, host.wallTime(), {
      onUpload: upload => this.#openUpload(upload),
      onPayload: (bytes, owned) => this.#pass(bytes, owned),
      onChecked: () => this.#store!.end(undefined),
    })
    this.#payload = this.#form
    this.#phase = 'open'
    this.#body = new RequestBody(this.#connection, expectContinue, this.#form)
    this.#body.want()
  }

  #openUpload({ fields, key, headers, length, bytes, isVouched }: Upload): void {
    this.key = key
    this.operation = OPERATIONS.get('PutObject')!
    this.identity = this.#host.door.admitForm(fields, {
      bucket: this.bucket,
      key,
      operation: this.operation,
      now: this.#host.wallTime(),
      length,
    })
    this.#route = this.#host.routeOf(this.bucket, this.identity.accessKey)
    const body = { length, sha256: undefined, trailer: undefined, vouched: isVouched, bytes }
    this.#request = this.#requestOf('PUT', [], headers, body)
    this.#openCandidate()
  }

  #open(bytes: Buffer | undefined, trailer: string | undefined): void {
    const plan = this.#plan!
    const headers = forStore(this.#headers, this.head, plan, !this.#host.cors.isEmpty)
    // Behind a body that is there already, the trailer is there too: it may as well be a header.
    if (trailer !== undefined) headers.push(CHECKSUMS[plan.checksum!.algorithm].header, trailer)
    const body = {
      length: bytes ? bytes.length : plan.length,
      sha256: plan.sha256,
      trailer: bytes || plan.checksum?.value !== undefined ? undefined : plan.checksum?.algorithm,
      vouched: plan.checksum !== undefined || plan.kind === 'signed-chunks' || plan.kind === 'signed-chunks-trailer',
      bytes,
    }
    this.#request = this.#requestOf(this.head.method, this.#query, headers, body)
    this.#openCandidate()
  }

  #requestOf(method: string, query: readonly string[], headers: readonly string[], body: StoreBody): StoreRequest {
    const { operation, bucket, key, requestId } = this
    const { region } = this.#host
    const { isUnsigned } = this.identity!
    return { method, operation, bucket, key, query, headers, body, requestId, region, origin: this.#origin, isUnsigned }
  }

  #openCandidate(): void {
    const { backends } = this.#route!
    // To ask what is known to be away would only cost the time to find out again.
    if (this.#isRead)
      while (this.#candidate + 1 < backends.length && backends[this.#candidate]!.isDown) this.#candidate++
    const backend = backends[this.#candidate]!
    this.backend = backend.name
    this.#store =
      this.operation.name === 'ListBuckets' ? this.#openBuckets(backend) : backend.store.open(this.#request!, this)
  }

  /** Each bucket is at one backend: there it is listed, if the key may name it. */
  #openBuckets(backend: S3Backend): StoreExchange {
    const { policy } = this.identity!
    const routes = this.#host.inCharge(this.identity!.accessKey)
    if (routes.length === 1 && policy.showsAllBuckets) return backend.store.open(this.#request!, this)
    const sources = routes.map(({ backends }) => ({
      // While the first cannot be reached, the next one is asked in its place.
      store: (backends.find(({ isDown }) => !isDown) ?? backends[0]!).store,
      shows: (name: string) => policy.shows(name) && this.#inChargeOf(name, this.identity!) === backends[0],
    }))
    const list = new BucketList(this.#request!, sources, this)
    list.begin()
    return list
  }

  /** Sends the client to the service itself. False when the store cannot do that. */
  #redirect(): boolean {
    const sent = 2 * this.head.headers.names.length
    const headers = forStore(this.#headers.slice(0, sent), this.head, this.#plan!, !this.#host.cors.isEmpty)
    const body = { length: this.#plan!.length, sha256: undefined, trailer: undefined, bytes: undefined }
    const request = this.#requestOf(this.head.method, this.#query, headers, body)
    const lifted = this.#headers.slice(sent)
    const url = redirectUrl(this.identity!, request, lifted, this.#route!.backends[0]!.store)
    if (url === undefined) return false
    this.#answerWith(307, ['Location', url, ...this.#ownHeaders()], NOTHING)
    return true
  }

  /** It changes nothing, so another store may answer it. */
  get #isRead(): boolean {
    return this.operation.access === 'read' || this.operation.access === 'list'
  }

  /** Of the listener, as the application has dialled it. */
  get #origin(): string {
    return `http${this.#host.isSecure ? 's' : ''}://${this.head.host ?? ''}`
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
    this.identity!.policy.checkDocument(this.operation, gathered!)
    // Another backend may have come in charge meanwhile, and the one from then is closed.
    this.#route = this.#host.routeOf(this.bucket, this.identity!.accessKey)
    this.#phase = 'open'
    this.#open(gathered, this.#plan!.isDocument ? undefined : trailer)
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
      this.#answer(response)
    } catch (error) {
      this.#refuse(error)
    }
  }

  onData(bytes: Buffer, owned: boolean): boolean {
    if (this.#phase !== 'answering' || !this.#hasBody) return true
    this.bytesSent += bytes.length
    return this.#connection.writeBody(bytes, owned)
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
    if (this.#isRead && error instanceof ProxyError && this.#candidate + 1 < this.#route!.backends.length) {
      this.#candidate++
      try {
        this.#openCandidate()
      } catch (thrown) {
        this.#refuse(thrown)
      }
      return
    }
    this.#store = undefined
    this.#refuse(error)
  }

  // --- The answer ----------------------------------------------------------------------------------------------------

  #answer(response: StoreResponse): void {
    const host = this.#host
    const { status, length, bodyFollows = false } = response
    this.#body?.close()
    this.response = response
    this.status = status
    this.backendErrorCode = response.errorCode ?? ''
    this.answeredAt = host.clock.now()
    if (this.#form && status === 200) {
      const { status, headers, document } = this.#form.answer(response, this.bucket, this.key, this.#origin)
      this.#store = undefined
      return this.#answerWith(status, [...headers, ...this.#ownHeaders()], document)
    }
    const { headers, requestId } = answerHeaders(response.headers, !host.cors.isEmpty, host)
    this.backendRequestId = requestId
    this.#addOwnHeaders(headers)
    // An SDK that has sent a checksum builds on hearing it again, such as when it completes a multipart upload.
    if (status < 300) this.#payload?.echo(headers)
    this.#hasBody = this.head.method !== 'HEAD' && status !== 204 && status !== 304
    this.#connection.answer(status, headers, length, this.#hasBody, bodyFollows)
    this.#phase = 'answering'
  }

  #ownHeaders(): string[] {
    const own: string[] = []
    this.#addOwnHeaders(own)
    return own
  }

  #addOwnHeaders(headers: string[]): void {
    headers.push('x-amz-request-id', this.requestId)
    const { cors } = this.#host
    const origin = cors.isEmpty ? undefined : headerOf(this.head.headers, 'origin')
    if (origin !== undefined) headers.push(...(cors.headers(this.bucket, origin, this.head.method) ?? []))
  }

  #refuse(error: unknown): void {
    if (this.#phase === 'over') return
    const told = s3ErrorOf(error)
    if (!told) this.#host.bug(error)
    this.#store?.abort()
    this.#store = undefined
    if (this.#phase === 'answering') return this.#cut()
    const answer = told ?? new S3Error('InternalError')
    this.errorCode = answer.code
    const document = errorDocument(answer, { requestId: this.requestId, bucket: this.bucket, key: this.key })
    this.#answerWith(answer.status, ['Content-Type', 'application/xml', ...this.#ownHeaders()], document)
  }

  /** What was begun cannot be made whole. */
  #cut(): void {
    this.#finish()
    this.#connection.cutAnswer()
  }

  #answerWith(status: number, headers: readonly string[], document: Buffer): void {
    const isHead = this.head.method === 'HEAD'
    const hasBody = !isHead && document.length > 0 && status !== 304
    this.#body?.close()
    this.status = status
    this.answeredAt = this.#host.clock.now()
    this.#phase = 'answering'
    const all = ['Date', this.#host.date(), ...headers]
    this.#connection.answer(status, all, isHead ? undefined : document.length, hasBody, hasBody)
    if (hasBody) {
      this.bytesSent = document.length
      this.#connection.writeBody(document, true)
    }
    this.#finish()
    this.#connection.endAnswer()
  }

  #finish(): void {
    this.#phase = 'over'
    this.#body?.close()
    this.#host.answered(this)
  }
}

/** Nothing comes, and nothing was said of it but that. */
function isNothing({ kind, length, sha256, checksum, md5 }: BodyPlan, { body, expectContinue }: RequestHead): boolean {
  if (length !== 0 || body === 'chunked' || expectContinue || checksum !== undefined || md5 !== undefined) return false
  return kind === 'unsigned' || (kind === 'hash' && sha256 === EMPTY_SHA256)
}

function pairsOf({ headers: { names, values } }: RequestHead): string[] {
  const pairs: string[] = []
  for (let i = 0; i < names.length; i++) pairs.push(names[i]!, values[i]!)
  return pairs
}
