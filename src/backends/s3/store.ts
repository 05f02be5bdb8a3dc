/**
 * What a listener asks of an S3 backend, in S3's own terms: who asks has been authenticated and the body decoded, so a
 * store knows nothing of the application's signatures or framing. Two implement it: a service reached by HTTP, and files
 * of this machine.
 */
import type { ChecksumAlgorithm, Operation, S3Error } from '../../../codecs/s3/index.ts'
import type { ProxyError } from '../../errors.ts'

export interface StoreRequest {
  readonly method: string
  readonly operation: Operation
  /** As the application names it; empty for requests about no bucket. */
  readonly bucket: string
  /** Decoded; empty for requests about a bucket. */
  readonly key: string
  /** Name, value, name, value ..., decoded and in order, without what authenticates. */
  readonly query: readonly string[]
  /**
   * Name, value, name, value ..., the names in lower case: without what authenticates (authorization, x-amz-date,
   * x-amz-content-sha256, x-amz-security-token), belongs to one connection, or frames the body.
   */
  readonly headers: readonly string[]
  readonly body: StoreBody
  /** Nobody has said who asks, and the store's own rights of the public decide: it is not signed. */
  readonly isUnsigned?: boolean
  /** Ties the log lines and the answer to each other. */
  readonly requestId: string
  /** Where the application believes to be. */
  readonly region: string
  /** Of the listener as the application knows it, such as `http://localhost:9000`. */
  readonly origin: string
}

/** What is known of a body before its first byte. */
export interface StoreBody {
  /** Bytes; 0 for none, undefined when only its end will tell. */
  readonly length: number | undefined
  /** Its SHA-256 in hex, which the application has signed. */
  readonly sha256: string | undefined
  /** The checksum whose value comes with the end of the body, verified by then. */
  readonly trailer: ChecksumAlgorithm | undefined
  /** A checksum or signed chunks vouch for it, verified by the time its last byte comes: something should on the way that is left. */
  readonly vouched?: boolean
  /** All of it, when it was small enough to wait for: such a request may be repeated. Then nothing is written. */
  readonly bytes: Buffer | undefined
}

/** The head of an answer. Bodies without a length end with onEnd. */
export interface StoreResponse {
  readonly status: number
  /** Name, value, name, value ... as they are to reach the application, without what frames the body. */
  readonly headers: readonly string[]
  /** Bytes of the body; undefined when unknown. For HEAD, what GET would have sent. */
  readonly length: number | undefined
  /** The first bytes of the body come within the same call, so that the head may wait for them. */
  readonly bodyFollows?: boolean
  /** S3's code of the error that the answer tells, where it was read: it may stand behind a status of 200. */
  readonly errorCode?: string | undefined
}

/** Hears what becomes of a request: onContinue at most once, then onHead, onData ..., and onEnd or onFailed as the last. */
export interface StoreSink {
  /** The body is wanted now. A store that answers without it never calls this. */
  onContinue(): void
  /** More of the body may be written, after write() said false. */
  onDrain(): void
  onHead(response: StoreResponse): void
  /**
   * Bytes that are not owned may be reused after true, and only after resume() when the answer is false: so they can be
   * written out of the memory they were read into. False also means: no more until resume() is called.
   */
  onData(bytes: Buffer, owned: boolean): boolean
  /** With S3's code of the error that a body has told whose head could not know of it. */
  onEnd(errorCode?: string): void
  /** Also after onHead: then the answer must not end as if it were whole. */
  onFailed(error: ProxyError | S3Error): void
}

/** A request under way. */
export interface StoreExchange {
  /**
   * Takes bytes of the body. Those not owned may be reused after true, and only after onDrain when the answer is false;
   * false also means: no more until onDrain.
   */
  write(bytes: Buffer, owned: boolean): boolean
  /** All bytes were written and verified; with the base64 value of the trailer's checksum, if one was announced. */
  end(trailer: string | undefined): void
  /** Takes the answer's body again. */
  resume(): void
  /** The application has left, or its body is wrong: nothing of it may be stored. No method of the sink is called any more. */
  abort(): void
}

export interface Store {
  /** Checksums that it compares with the body and keeps; the listener compares the others. */
  readonly checksums: ReadonlySet<ChecksumAlgorithm>
  /** It compares the SHA-256 of a body itself; else the listener does. */
  readonly comparesSha256: boolean
  /** Throws S3Error for what it cannot do; then nothing of the sink is called. */
  open(request: StoreRequest, sink: StoreSink): StoreExchange
  /** A URL by which the service itself serves the request for so many seconds; without the method there is none. */
  presign?(request: StoreRequest, seconds: number): string | undefined
}
