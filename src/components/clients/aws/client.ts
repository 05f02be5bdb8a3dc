/** Calls of AWS's JSON protocol 1.1, signed by the codec of S3: the signature is the same for all services. */
import { ApiError, type ApiErrorCode } from '../../../apis/index.ts'
import { type HttpAnswer, type HttpClient, parseJson } from '../http/index.ts'
import type { CredentialChain, Credentials } from './credentials.ts'

export interface AwsClientOptions {
  readonly http: HttpClient
  readonly credentials: CredentialChain
  readonly region: string
  /** As credentials name it, such as `secretsmanager`. */
  readonly service: string
  /** What stands before the name of an operation in `X-Amz-Target`. */
  readonly target: string
  readonly timeoutMs: number
}

/** An answer that is an error: its name, such as `ResourceNotFoundException`, and what it means for the caller. */
export class AwsFailure extends ApiError {
  readonly type: string

  constructor(code: ApiErrorCode, type: string, message: string) {
    super(code, message)
    this.type = type
  }
}

type Codec = typeof import('../../../../codecs/s3/index.ts')

export class AwsClient {
  readonly #options: AwsClientOptions
  readonly #codec: Codec

  private constructor(options: AwsClientOptions, codec: Codec) {
    this.#options = options
    this.#codec = codec
  }

  /** Loads the codec, which is large and nobody else may need. */
  static async open(options: AwsClientOptions): Promise<AwsClient> {
    return new AwsClient(options, await import('../../../../codecs/s3/index.ts'))
  }

  /** Calls an operation that only reads. Rejects with an AwsFailure, or an ApiError when there was no answer. */
  async read(operation: string, input: object): Promise<unknown> {
    const { credentials } = this.#options
    const used = await credentials.read()
    let answer = await this.#send(operation, input, used)
    if (answer.status !== 200 && STALE.test(typeOf(answer))) {
      credentials.expire()
      const other = await credentials.read()
      const isOther = other.secretAccessKey !== used.secretAccessKey || other.sessionToken !== used.sessionToken
      if (isOther) answer = await this.#send(operation, input, other)
    }
    if (answer.status === 200) return parseJson('AWS', answer.body)
    throw failureOf(operation, answer)
  }

  close(): void {
    this.#options.http.close()
  }

  #send(operation: string, input: object, credentials: Credentials): Promise<HttpAnswer> {
    const { http, region, service, target, timeoutMs } = this.#options
    const { SigningSecret, sha256Hex, signRequest } = this.#codec
    const body = JSON.stringify(input)
    const headers = ['content-type', 'application/x-amz-json-1.1', 'x-amz-target', `${target}.${operation}`]
    signRequest(
      {
        method: 'POST',
        host: http.host,
        path: `${http.basePath}/`,
        query: '',
        headers,
        contentSha256: sha256Hex(body),
      },
      {
        accessKey: credentials.accessKeyId,
        secret: new SigningSecret(credentials.secretAccessKey),
        sessionToken: credentials.sessionToken,
        region,
        service,
      },
      Date.now(),
    )
    const named: Record<string, string> = {}
    for (let at = 0; at < headers.length; at += 2) named[headers[at]!] = headers[at + 1]!
    return http.send({ method: 'POST', path: '/', headers: named, body, timeoutMs, reads: true })
  }
}

/** Credentials that have ended, or were replaced. */
const STALE = /^(ExpiredToken|UnrecognizedClient|InvalidClientTokenId)/

const CODES: readonly (readonly [RegExp, ApiErrorCode])[] = [
  [/^ResourceNotFound/, 'not-found'],
  [
    /^(AccessDenied|UnrecognizedClient|ExpiredToken|InvalidSignature|InvalidClientTokenId|MissingAuth|Incomplete)/,
    'denied',
  ],
  [/^(Throttling|TooManyRequests|LimitExceeded)/, 'exhausted'],
  [/^(Validation|InvalidParameter|InvalidRequest|InvalidNextToken)/, 'invalid-argument'],
  [/^(InternalService|ServiceUnavailable|InternalFailure)/, 'unavailable'],
]

function typeOf({ body }: HttpAnswer): string {
  try {
    const { __type } = JSON.parse(body) as { __type?: unknown }
    return typeof __type === 'string' ? __type.replace(/^.*#/, '') : ''
  } catch {
    return ''
  }
}

function failureOf(operation: string, answer: HttpAnswer): AwsFailure {
  const type = typeOf(answer)
  const code = CODES.find(([pattern]) => pattern.test(type))?.[1] ?? (answer.status >= 500 ? 'unavailable' : 'internal')
  return new AwsFailure(code, type, `AWS refused ${operation} with ${type || answer.status}`)
}
