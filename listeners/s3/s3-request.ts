/** One request as its head tells it: who asks, for what, where that is kept, and the words in which a store hears of it. */
import type { RequestHead } from '../../codecs/http1/index.ts'
import {
  CHECKSUMS,
  classify,
  OPERATIONS,
  type Operation,
  parseAddress,
  parseQuery,
  S3Error,
} from '../../codecs/s3/index.ts'
import type { StoreBody, StoreRequest } from '../../src/backends/s3/index.ts'
import { type BodyPlan, planBody, storeBodyOf } from './body-plan.ts'
import { sourceOf } from './copy-source.ts'
import { type Identity, stranger, type Visitor } from './door.ts'
import type { ExchangeHost } from './exchange-host.ts'
import { forStore } from './forwarded.ts'
import { liftHeaders } from './lifted-headers.ts'
import type { Upload } from './post-form.ts'
import { redirectUrl } from './redirect.ts'
import type { Route } from './routes.ts'

const MISSIGNED: ReadonlySet<string> = new Set(['SignatureDoesNotMatch', 'RequestTimeTooSkewed'])
const NO_OPERATION: Operation = { name: 'Unknown', access: 'admin', body: 'none', requiresChecksum: false }

/** Read step by step, each of which may throw S3Error; what was known by then stays, for the document of the error. */
export class S3Request {
  readonly head: RequestHead
  readonly id: string
  readonly remoteIp: string
  /** A browser asks what a page may do. */
  readonly isPreflight: boolean
  operation: Operation = NO_OPERATION
  bucket = ''
  key = ''
  identity: Identity | undefined
  /** What is known of its body; undefined for a form. */
  plan: BodyPlan | undefined
  route: Route | undefined
  readonly #host: ExchangeHost
  #path = ''
  /** As they were sent; and with the headers that a presigned URL had in its query, without what authenticates there. */
  #sentQuery: readonly string[] = []
  #sentHeaders: readonly string[] = []
  #query: readonly string[] = []
  #headers: readonly string[] = []

  constructor(host: ExchangeHost, head: RequestHead, remoteIp: string) {
    this.#host = host
    this.head = head
    this.remoteIp = remoteIp
    this.id = host.nextRequestId()
    this.isPreflight = head.method === 'OPTIONS'
  }

  /** First, what it is about. */
  readAddress(): void {
    const { target, host } = this.head
    const mark = target.indexOf('?')
    this.#path = mark < 0 ? target : target.slice(0, mark)
    this.#sentQuery = parseQuery(mark < 0 ? '' : target.slice(mark + 1))
    const { bucket, key } = parseAddress(host ?? '', this.#path, this.#host.domains)
    this.bucket = bucket
    this.key = key
  }

  /** Second, what is to be done with it. */
  readOperation(): void {
    const { head, bucket, key } = this
    const headers = pairsOf(head)
    this.#sentHeaders = headers
    const lifted = this.isPreflight ? { query: [], headers } : liftHeaders(this.#sentQuery, headers)
    this.#query = lifted.query
    this.#headers = lifted.headers
    this.operation = classify({ method: head.method, bucket, key, query: lifted.query, headers: lifted.headers })
  }

  /** Third, who asks, unless a form says so within its body. */
  admit(): void {
    const host = this.#host
    const source = sourceOf(this.#headers, this.bucket)
    const now = host.wallTime()
    // Browsers never sign a preflight, and the rules of a bucket are no secret: the store answers by them.
    const identity = this.isPreflight
      ? stranger(this.#sentHeaders)
      : this.#admit({
          method: this.head.method,
          path: this.#path,
          query: this.#sentQuery,
          headers: this.#sentHeaders,
          source,
          bucket: this.bucket,
          key: this.key,
          operation: this.operation,
          now,
        })
    this.identity = identity
    this.plan = planBody(this.operation, this.head, this.#sentHeaders, identity, host)
    this.findRoute()
  }

  /** Which backends the request goes to, as the configuration says by now. */
  findRoute(): void {
    this.route = this.#host.routeOf(this.bucket, this.identity!.accessKey)
  }

  #admit(visitor: Visitor): Identity {
    const { bucket, source } = visitor
    const host = this.#host
    try {
      const identity = host.door.admit(visitor)
      const { accessKey } = identity
      // Each service has its own buckets: the one in charge would look for the source among those.
      if (source && host.inChargeOf(source.bucket, accessKey) !== host.inChargeOf(bucket, accessKey))
        throw new S3Error('NotImplemented', 'The source of the copy is at another backend.')
      return identity
    } catch (error) {
      if (error instanceof S3Error && MISSIGNED.has(error.code)) host.missigned(this, visitor, error)
      throw error
    }
  }

  /** In place of all but the address: what a form asks for, and who sent it. Throws S3Error. */
  readForm({ fields, key, length }: Upload): void {
    const host = this.#host
    const { bucket } = this
    this.key = key
    this.operation = OPERATIONS.get('PutObject')!
    this.identity = host.door.admitForm(fields, {
      bucket,
      key,
      operation: this.operation,
      now: host.wallTime(),
      length,
    })
    this.findRoute()
  }

  /** It changes nothing, so another store may answer it. */
  get isRead(): boolean {
    return this.operation.access === 'read' || this.operation.access === 'list'
  }

  /** Of the listener, as the application has dialled it. */
  get origin(): string {
    return `http${this.#host.isSecure ? 's' : ''}://${this.head.host ?? ''}`
  }

  /** `bytes`: the whole body, and `trailer` the checksum that stood behind it, where they are there already. */
  forStore(bytes: Buffer | undefined, trailer: string | undefined): StoreRequest {
    const plan = this.plan!
    const headers = forStore(this.#headers, this.head, plan, !this.#host.cors.isEmpty)
    // Behind a body that is there already, the trailer is there too: it may as well be a header.
    if (trailer !== undefined) headers.push(CHECKSUMS[plan.checksum!.algorithm].header, trailer)
    return this.#storeRequest(this.head.method, this.#query, headers, storeBodyOf(plan, bytes))
  }

  /** The upload that a form asks for. */
  uploadForStore({ headers, length, bytes, isVouched }: Upload): StoreRequest {
    const body = { length, sha256: undefined, trailer: undefined, vouched: isVouched, bytes }
    return this.#storeRequest('PUT', [], headers, body)
  }

  /** Where the service itself serves the request; undefined when it has to pass through here. */
  redirectUrl(): string | undefined {
    const { head, route } = this
    const plan = this.plan!
    const sent = 2 * head.headers.names.length
    const headers = forStore(this.#headers.slice(0, sent), head, plan, !this.#host.cors.isEmpty)
    const body = { length: plan.length, sha256: undefined, trailer: undefined, bytes: undefined }
    const request = this.#storeRequest(head.method, this.#query, headers, body)
    return redirectUrl(this.identity!, request, this.#headers.slice(sent), route!.backends[0]!.store)
  }

  #storeRequest(method: string, query: readonly string[], headers: readonly string[], body: StoreBody): StoreRequest {
    const { operation, bucket, key, id: requestId, origin } = this
    const { region } = this.#host
    const { isUnsigned } = this.identity!
    return { method, operation, bucket, key, query, headers, body, requestId, region, origin, isUnsigned }
  }
}

function pairsOf({ headers: { names, values } }: RequestHead): string[] {
  const pairs: string[] = []
  for (let i = 0; i < names.length; i++) pairs.push(names[i]!, values[i]!)
  return pairs
}
