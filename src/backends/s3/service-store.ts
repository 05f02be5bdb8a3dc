/** A store that is reached by HTTP: what is asked is put into the service's words, signed, and sent. */
import { isDeepStrictEqual } from 'node:util'
import {
  type ChecksumAlgorithm,
  canonicalQuery,
  presign,
  S3Error,
  type Signer,
  SigningSecret,
  type UpstreamAddressing,
  upstreamAddress,
} from '../../../codecs/s3/index.ts'
import { adaptHeaders } from './adapt-headers.ts'
import type { CredentialSource, Credentials } from './credentials.ts'
import type { HttpPool } from './http/index.ts'
import type { Profile } from './profiles/profile.ts'
import { checkRefusals } from './refusals.ts'
import { ServiceExchange } from './service-exchange.ts'
import type { Store, StoreExchange, StoreRequest, StoreSink } from './store.ts'
import { type BucketNames, keyAt, type Place } from './translate/bucket-names.ts'
import { prefixQuery, translateCopySource } from './translate/requests.ts'

export interface ServiceStoreOptions {
  readonly pool: HttpPool
  readonly addressing: UpstreamAddressing
  readonly region: string
  readonly profile: Profile
  readonly names: BucketNames
  /** Without it requests are not signed. */
  readonly credentials: CredentialSource | undefined
  /** Milliseconds of the calendar, which requests are signed with. */
  wallTime(): number
}

/** A request in the service's words, not yet signed. */
export interface ServiceRequest {
  readonly host: string
  readonly path: string
  readonly query: string
  /** Name in lower case, value .... */
  readonly headers: string[]
}

export class ServiceStore implements Store {
  readonly checksums: ReadonlySet<ChecksumAlgorithm>
  /** A request that is not signed says nothing of its body's hash. */
  readonly comparesSha256: boolean
  readonly options: ServiceStoreOptions
  #secret: SigningSecret | undefined
  #secretText = ''

  constructor(options: ServiceStoreOptions) {
    this.options = options
    this.checksums = new Set(options.profile.checksums)
    this.comparesSha256 = options.credentials !== undefined
  }

  open(request: StoreRequest, sink: StoreSink): StoreExchange {
    const exchange = new ServiceExchange(this, request, sink)
    exchange.begin()
    return exchange
  }

  presign(request: StoreRequest, seconds: number): string | undefined {
    const { addressing, credentials } = this.options
    const current = credentials?.current
    if (!current) return undefined
    const place = this.placeOf(request)
    const { host, path } = upstreamAddress(addressing, place.bucket, keyAt(place, request.key))
    // Who is sent there sends what it would have sent here, so nothing may have to be put into other words.
    const isWrite = request.method === 'PUT' || request.method === 'POST'
    if (!isDeepStrictEqual(adaptHeaders(request.headers, isWrite, this.options.profile), request.headers))
      return undefined
    // What the application did not sign it may leave out as well.
    const headers = request.headers.filter((_, at, all) => all[at - (at % 2)]!.startsWith('x-amz-'))
    const query = presign(
      { method: request.method, host, path, query: this.#query(request, place), headers, expires: seconds },
      this.signer(current),
      this.options.wallTime(),
    )
    return `http${addressing.tls ? 's' : ''}://${host}${path}?${query}`
  }

  placeOf({ bucket }: StoreRequest): Place {
    return this.options.names.placeOf(bucket)
  }

  /** Throws S3Error for what the service cannot do. */
  translate(request: StoreRequest, place: Place): ServiceRequest {
    const { addressing, profile, names } = this.options
    checkRefusals(request, place, profile)
    const isWrite = request.method === 'PUT' || request.method === 'POST'
    const headers = adaptHeaders(request.headers, isWrite, profile)
    for (let at = 0; at < headers.length; at += 2) {
      if (headers[at] === 'x-amz-copy-source') headers[at + 1] = translateCopySource(headers[at + 1]!, names)
      else if (headers[at] === 'x-amz-rename-source' && place.prefix !== '')
        throw new S3Error('NotImplemented', 'Objects below a prefix of the backend are not renamed.')
    }
    const key = request.key === '' ? '' : keyAt(place, request.key)
    const { host, path } = upstreamAddress(addressing, place.bucket, key)
    return { host, path, query: canonicalQuery(this.#query(request, place)), headers }
  }

  #query({ query, operation }: StoreRequest, place: Place): readonly string[] {
    if (query.length === 0 && place.prefix === '') return query
    const { dropQuery } = this.options.profile
    const kept = dropQuery.length === 0 ? query : query.filter((_, at, all) => !dropQuery.includes(all[at - (at % 2)]!))
    return place.prefix === '' ? kept : prefixQuery(kept, place.prefix, LISTS.has(operation.name))
  }

  signer({ accessKeyId, secretAccessKey, sessionToken }: Credentials): Signer {
    // Signing keys are kept with the secret that they are made of.
    if (!this.#secret || this.#secretText !== secretAccessKey) {
      this.#secret = new SigningSecret(secretAccessKey)
      this.#secretText = secretAccessKey
    }
    return { accessKey: accessKeyId, secret: this.#secret, sessionToken, region: this.options.region }
  }
}

const LISTS: ReadonlySet<string> = new Set([
  'ListObjects',
  'ListObjectsV2',
  'ListObjectVersions',
  'ListMultipartUploads',
])
