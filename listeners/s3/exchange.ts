/**
 * One request and its answer: who asks, for what, where it is kept, and the way of the body there and of the answer back.
 * Its connection gives it the head and the body without HTTP's framing.
 */
import type { ProtocolError } from '../../codecs/codec.ts'
import type { RequestHead } from '../../codecs/http1/index.ts'
import {
  type BaseDomains,
  CHECKSUMS,
  classify,
  formBoundary,
  OPERATIONS,
  type Operation,
  parseAddress,
  parseQuery,
  S3Error,
  type SignedRequest,
} from '../../codecs/s3/index.ts'
import type { StoreBody, StoreExchange, StoreRequest, StoreResponse, StoreSink } from '../../src/backends/s3/index.ts'
import { ProxyError } from '../../src/errors.ts'
import type { Clock } from '../../src/protocol.ts'
import { errorDocument } from './answers.ts'
import { type BodyPlan, planBody } from './body-plan.ts'
import { sourceOf } from './copy-source.ts'
import type { Cors } from './cors.ts'
import type { Door, Identity } from './door.ts'
import { s3ErrorOf } from './errors.ts'
import { forStore } from './forwarded.ts'
import { liftHeaders } from './lifted-headers.ts'
import { Payload } from './payload.ts'
import { PostForm, type Upload } from './post-form.ts'
import type { Route } from './routes.ts'
import { ShownBuckets } from './shown-buckets.ts'

/** What an exchange needs of its listener. */
export interface ExchangeHost {
  readonly clock: Clock
  readonly door: Door
  readonly domains: BaseDomains
  readonly cors: Cors
  readonly maxDocumentBytes: number
  /** What the application is told. */
  readonly region: string
  readonly isSecure: boolean
  readonly maxChunkBytes: number
  nextRequestId(): string
  /** Milliseconds of the calendar. */
  wallTime(): number
  /** The same as headers have it. */
  date(): string
  routeOf(bucket: string): Route
  answered(exchange: Exchange): void
  /** The answer to what is no HTTP. */
  malformed(error: ProtocolError): Buffer
  /** The request is not signed as it came, or when it should have been. */
  missigned(exchange: Exchange, request: SignedRequest, error: S3Error): void
  bug(error: unknown): void
}

/** What an exchange needs of its connection. */
export interface ExchangeConnection {
  readonly remoteIp: string
  sendContinue(): void
  pause(): void
  resume(): void
  answer(status: number, headers: readonly string[], length: number | undefined, hasBody: boolean): void
  writeBody(bytes: Buffer, owned: boolean): boolean
  endAnswer(): void
  cutAnswer(): void
}

/** Bodies up to here are waited for: then they can be sent again, and checked before anybody hears of them. */
const SMALL_BYTES = 64 * 1024
const MISSIGNED: ReadonlySet<string> = new Set(['SignatureDoesNotMatch', 'RequestTimeTooSkewed'])
/** Presigned requests that a service can serve as well without anybody between. */
const REDIRECTED: ReadonlySet<string> = new Set(['GetObject', 'HeadObject', 'PutObject', 'UploadPart'])
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
  #isBodyWanted = false
  /** What of the body came before it was wanted. */
  #early: Buffer[] = []
  #isBodyOver = false
  /** The store takes no more of it for now. */
  #isStalled = false
  #route: Route | undefined
  #candidate = 0
  #request: StoreRequest | undefined
  #store: StoreExchange | undefined
  #hasBody = false

  constructor(host: ExchangeHost, connection: ExchangeConnection, head: RequestHead) {
    this.#host = host
    this.#connection = connection
    this.head = head
    this.remoteIp = connection.remoteIp
    this.requestId = host.nextRequestId()
    this.startedAt = host.clock.now()
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
    const host = this.#host
    const mark = head.target.indexOf('?')
    const rawPath = mark < 0 ? head.target : head.target.slice(0, mark)
    const query = parseQuery(mark < 0 ? '' : head.target.slice(mark + 1))
    const { bucket, key } = parseAddress(head.host ?? '', rawPath, host.domains)
    this.bucket = bucket
    this.key = key
    if (head.method === 'OPTIONS') return this.#preflight()
    const headers = pairsOf(head)
    const lifted = liftHeaders(query, headers)
    this.operation = classify({ method: head.method, bucket, key, ...lifted })
    if (this.operation.name === 'PostObject') return this.#beginForm()
    const identity = this.#admit({ method: head.method, path: rawPath, query, headers }, lifted.headers)
    this.identity = identity
    const plan = planBody(this.operation, head, headers, identity, host)
    this.#plan = plan
    this.#query = lifted.query
    this.#headers = lifted.headers
    this.#route = host.routeOf(bucket)
    if (identity.presignedSeconds !== undefined && this.#route.redirects && this.#redirect()) return
    const { store } = this.#route.backends[0]!
    const payload = new Payload(plan, identity.seed, host.maxChunkBytes, store, {
      onPayload: (bytes, owned) => this.#pass(bytes, owned),
      onChecked: trailer => this.#onChecked(trailer),
    })
    this.#payload = payload
    if (plan.isDocument || (plan.length !== undefined && plan.length <= SMALL_BYTES)) {
      this.#phase = 'gathering'
      payload.gather(plan.isDocument ? host.maxDocumentBytes : SMALL_BYTES)
      this.#wantBody()
    } else {
      this.#phase = 'open'
      this.#open(undefined, undefined)
    }
  }

  #admit(request: SignedRequest, headers: readonly string[]): Identity {
    const { bucket, key, operation } = this
    const host = this.#host
    const source = sourceOf(headers, bucket)
    try {
      const identity = host.door.admit({ ...request, bucket, key, operation, source, now: host.wallTime() })
      // Each service has its own buckets: the one in charge would look for the source among those.
      if (source && host.routeOf(source.bucket).backends[0] !== host.routeOf(bucket).backends[0])
        throw new S3Error('NotImplemented', 'The source of the copy is at another backend.')
      return identity
    } catch (error) {
      if (error instanceof S3Error && MISSIGNED.has(error.code)) host.missigned(this, request, error)
      throw error
    }
  }

  /** A form says within its body who sends it, and for what. */
  #beginForm(): void {
    const host = this.#host
    const { length, body } = this.head
    if (body !== 'length') throw new S3Error('MissingContentLength')
    const boundary = formBoundary(headerOf(this.head, 'content-type') ?? '')
    this.#form = new PostForm(boundary, this.bucket, length, host.wallTime(), {
      onUpload: upload => this.#openUpload(upload),
      onPayload: (bytes, owned) => this.#pass(bytes, owned),
      onChecked: () => this.#store!.end(undefined),
    })
    this.#payload = this.#form
    this.#phase = 'open'
    this.#wantBody()
  }

  #openUpload({ fields, key, headers, length }: Upload): void {
    this.key = key
    this.operation = OPERATIONS.get('PutObject')!
    this.identity = this.#host.door.admitForm(fields, {
      bucket: this.bucket,
      key,
      operation: this.operation,
      now: this.#host.wallTime(),
      length,
    })
    this.#route = this.#host.routeOf(this.bucket)
    const body = { length, sha256: undefined, trailer: undefined, bytes: undefined }
    this.#request = this.#requestOf('PUT', [], headers, body)
    this.#openCandidate()
  }

  #wantBody(): void {
    this.#isBodyWanted = true
    if (this.head.expectContinue && !this.#isBodyOver) this.#connection.sendContinue()
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
    return { method, operation, bucket, key, query, headers, body, requestId, region, origin: this.#origin }
  }

  #openCandidate(): void {
    const { backends } = this.#route!
    // To ask what is known to be away would only cost the time to find out again.
    if (this.#isRead)
      while (this.#candidate + 1 < backends.length && backends[this.#candidate]!.isDown) this.#candidate++
    const backend = backends[this.#candidate]!
    this.backend = backend.name
    const policy = this.identity!.policy
    const isCutDown = this.operation.name === 'ListBuckets' && !policy.showsAllBuckets
    const sink = isCutDown ? new ShownBuckets(bucket => policy.shows(bucket), this) : this
    this.#store = backend.store.open(this.#request!, sink)
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
    if (this.#phase !== 'gathering' && this.#phase !== 'open') return
    if (!this.#isBodyWanted) {
      this.#early.push(Buffer.from(view))
      this.#connection.pause()
      return
    }
    this.#feed(() => this.#payload!.write(view))
  }

  /** A trailer of HTTP's own framing, as some clients send that do not know S3's. */
  onTrailer(name: string, value: string): void {
    if (this.#phase === 'gathering' || this.#phase === 'open') this.#feed(() => this.#payload!.onTrailer(name, value))
  }

  onBodyEnd(): void {
    this.#isBodyOver = true
    if (this.#isBodyWanted && (this.#phase === 'gathering' || this.#phase === 'open'))
      this.#feed(() => this.#payload!.end())
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

  #feed(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#refuse(error)
    }
  }

  #pass(bytes: Buffer, owned: boolean): void {
    if (this.#store!.write(bytes, owned)) return
    this.#isStalled = true
    this.#connection.pause()
  }

  /** The body is whole and what it should be. */
  #onChecked(trailer: string | undefined): void {
    const gathered = this.#payload!.gathered
    if (this.#phase !== 'gathering') {
      this.#store!.end(trailer)
      return
    }
    this.identity!.policy.checkDocument(this.operation, gathered!)
    this.#phase = 'open'
    this.#open(gathered, this.#plan!.isDocument ? undefined : trailer)
  }

  // --- What the store tells ------------------------------------------------------------------------------------------

  onContinue(): void {
    if (this.#phase !== 'open') return
    if (this.#form) return this.#feed(() => this.#form!.wanted())
    if (this.#isBodyWanted) return
    this.#wantBody()
    const early = this.#early
    this.#early = []
    for (const bytes of early) if (this.#phase === 'open') this.#feed(() => this.#payload!.write(bytes))
    if (this.#isBodyOver && this.#phase === 'open') this.#feed(() => this.#payload!.end())
    if (!this.#isStalled) this.#connection.resume()
  }

  onDrain(): void {
    this.#isStalled = false
    this.#connection.resume()
  }

  onHead(response: StoreResponse): void {
    if (this.#phase !== 'over') this.#feed(() => this.#answer(response))
  }

  #answer(response: StoreResponse): void {
    this.status = response.status
    this.backendErrorCode = response.errorCode ?? ''
    this.answeredAt = this.#host.clock.now()
    if (this.#form && response.status === 200) {
      const { status, headers, document } = this.#form.answer(response, this.bucket, this.key, this.#origin)
      this.#store = undefined
      return this.#answerWith(status, [...headers, ...this.#ownHeaders()], document)
    }
    const { method } = this.head
    this.#hasBody = method !== 'HEAD' && response.status !== 204 && response.status !== 304
    this.#connection.answer(response.status, this.#answerHeaders(response), response.length, this.#hasBody)
    this.#phase = 'answering'
  }

  onData(bytes: Buffer, owned: boolean): boolean {
    if (this.#phase !== 'answering' || !this.#hasBody) return true
    this.bytesSent += bytes.length
    return this.#connection.writeBody(bytes, owned)
  }

  onDownstreamDrained(): void {
    this.#store?.resume()
  }

  onEnd(): void {
    if (this.#phase !== 'answering') return
    this.#finish()
    this.#connection.endAnswer()
  }

  onFailed(error: ProxyError | S3Error): void {
    if (this.#phase === 'over') return
    if (error instanceof ProxyError) this.failure = error
    if (this.#phase === 'answering') {
      this.#finish()
      this.#connection.cutAnswer()
      return
    }
    if (this.#isRead && error instanceof ProxyError && this.#candidate + 1 < this.#route!.backends.length) {
      this.#candidate++
      this.#feed(() => this.#openCandidate())
      return
    }
    this.#store = undefined
    this.#refuse(error)
  }

  // --- The answer ----------------------------------------------------------------------------------------------------

  #answerHeaders({ status, headers }: StoreResponse): string[] {
    const answer: string[] = []
    let hasDate = false
    const hasCors = !this.#host.cors.isEmpty
    for (let at = 0; at < headers.length; at += 2) {
      const name = headers[at]!
      const { length } = name
      if (length === 4 && name.toLowerCase() === 'date') hasDate = true
      // A page that is told twice believes nothing.
      if (hasCors && name.toLowerCase().startsWith('access-control-')) continue
      if (length === 16 && name.toLowerCase() === 'x-amz-request-id') this.backendRequestId = headers[at + 1]!
      else answer.push(name, headers[at + 1]!)
    }
    if (!hasDate) answer.push('Date', this.#host.date())
    this.#addOwnHeaders(answer)
    // An SDK that has sent a checksum builds on hearing it again, such as when it completes a multipart upload.
    if (status < 300) this.#payload?.echo(answer)
    return answer
  }

  #ownHeaders(): string[] {
    const own: string[] = []
    this.#addOwnHeaders(own)
    return own
  }

  #addOwnHeaders(headers: string[]): void {
    headers.push('x-amz-request-id', this.requestId)
    const { cors } = this.#host
    const origin = cors.isEmpty ? undefined : headerOf(this.head, 'origin')
    if (origin !== undefined) headers.push(...(cors.headers(this.bucket, origin, this.head.method) ?? []))
  }

  #preflight(): void {
    const { head } = this
    const origin = headerOf(head, 'origin')
    const method = headerOf(head, 'access-control-request-method')
    if (origin === undefined || method === undefined)
      throw new S3Error('BadRequest', 'Insufficient information. Origin request header needed.')
    const wanted = (headerOf(head, 'access-control-request-headers') ?? '')
      .split(',')
      .map(name => name.trim())
      .filter(name => name !== '')
    const allowed = this.#host.cors.preflight(this.bucket, origin, method, wanted)
    if (!allowed) throw new S3Error('AccessDenied', 'CORSResponse: this CORS request is not allowed.')
    this.#answerWith(200, [...allowed, 'x-amz-request-id', this.requestId], Buffer.alloc(0))
  }

  /** Sends the client to the service itself. False when the store cannot do that. */
  #redirect(): boolean {
    const { policy, presignedSeconds } = this.identity!
    // What has to be judged by its body or put into other words passes through here, as does what has a limit.
    if (!REDIRECTED.has(this.operation.name) || Number.isFinite(policy.maxObjectBytes)) return false
    // Headers that the URL has in its query would have to be sent as such.
    if (this.#headers.length > 2 * this.head.headers.names.length) return false
    const { store } = this.#route!.backends[0]!
    const headers = forStore(this.#headers, this.head, this.#plan!, !this.#host.cors.isEmpty)
    const body = { length: this.#plan!.length, sha256: undefined, trailer: undefined, bytes: undefined }
    const url = store.presign?.(this.#requestOf(this.head.method, this.#query, headers, body), presignedSeconds!)
    if (url === undefined) return false
    this.#answerWith(307, ['Location', url, ...this.#ownHeaders()], Buffer.alloc(0))
    return true
  }

  #refuse(error: unknown): void {
    if (this.#phase === 'over') return
    const told = s3ErrorOf(error)
    if (!told) this.#host.bug(error)
    this.#store?.abort()
    this.#store = undefined
    if (this.#phase === 'answering') {
      this.#finish()
      this.#connection.cutAnswer()
      return
    }
    const answer = told ?? new S3Error('InternalError')
    this.errorCode = answer.code
    const document = errorDocument(answer, { requestId: this.requestId, bucket: this.bucket, key: this.key })
    this.#answerWith(answer.status, ['Content-Type', 'application/xml', ...this.#ownHeaders()], document)
  }

  #answerWith(status: number, headers: readonly string[], document: Buffer): void {
    const isHead = this.head.method === 'HEAD'
    const hasBody = !isHead && document.length > 0 && status !== 304
    this.status = status
    this.answeredAt = this.#host.clock.now()
    this.#phase = 'answering'
    this.#connection.answer(
      status,
      ['Date', this.#host.date(), ...headers],
      isHead ? undefined : document.length,
      hasBody,
    )
    if (hasBody) {
      this.bytesSent = document.length
      this.#connection.writeBody(document, true)
    }
    this.#finish()
    this.#connection.endAnswer()
  }

  #finish(): void {
    this.#phase = 'over'
    this.#early = []
    this.#host.answered(this)
  }
}

function pairsOf({ headers: { names, values } }: RequestHead): string[] {
  const pairs: string[] = []
  for (let i = 0; i < names.length; i++) pairs.push(names[i]!, values[i]!)
  return pairs
}

function headerOf({ headers: { names, values } }: RequestHead, name: string): string | undefined {
  const i = names.indexOf(name)
  return i < 0 ? undefined : values[i]
}
