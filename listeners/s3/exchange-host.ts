/** What one request and its answer need of who has them: their listener, and their connection. */
import type { ProtocolError } from '../../codecs/codec.ts'
import type { BaseDomains, S3Error, SignedRequest } from '../../codecs/s3/index.ts'
import type { S3Backend } from '../../src/backends/s3/index.ts'
import type { Clock } from '../../src/protocol.ts'
import type { Cors } from './cors.ts'
import type { Door } from './door.ts'
import type { Exchange } from './exchange.ts'
import type { BodySource } from './request-body.ts'
import type { Route } from './routes.ts'
import type { S3Request } from './s3-request.ts'

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
  routeOf(bucket: string, accessKey: string): Route
  /** The first backend of that route, which writes go to. */
  inChargeOf(bucket: string, accessKey: string): S3Backend
  /** One for each backend that has buckets of that key's. */
  inCharge(accessKey: string): readonly Route[]
  answered(exchange: Exchange): void
  /** The answer to what is no HTTP. */
  malformed(error: ProtocolError): Buffer
  /** The request is not signed as it came, or when it should have been. */
  missigned(request: S3Request, signed: SignedRequest, error: S3Error): void
  bug(error: unknown): void
}

/** What was agreed on for a connection. */
export interface TlsFacts {
  readonly version: string
  readonly cipherSuite: string
}

/** What an exchange needs of its connection. */
export interface ExchangeConnection extends BodySource {
  readonly remoteIp: string
  /** Undefined without TLS. */
  readonly tls: TlsFacts | undefined
  /** `follows`: the first bytes of its body come within the same call. */
  answer(
    status: number,
    headers: readonly string[],
    length: number | undefined,
    hasBody: boolean,
    follows: boolean,
  ): void
  writeBody(bytes: Buffer, owned: boolean): boolean
  endAnswer(): void
  cutAnswer(): void
}
