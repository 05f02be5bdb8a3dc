/** What a caller of the HTTP client gives and hears: one request and its response. */
import type { ResponseHead } from '../../../../codecs/http1/index.ts'
import type { ProxyError } from '../../../errors.ts'

export interface HttpRequest {
  /** Decides whether the response has a body, and whether the request may be sent again. */
  readonly method: string
  /**
   * The first line and the headers, as encodeRequestLines() makes them, Host included. What frames the body, and Expect,
   * is added by the client.
   */
  readonly lines: string
  readonly body: 'none' | 'length' | 'chunked'
  /** Of the body, in bytes; 0 unless it is of the kind `length`. */
  readonly length: number
  /** All of a body of the kind `length`, when it is there already: then nothing is written. */
  readonly bytes: Buffer | undefined
  /** Sends the body only when the server has asked for it, or said nothing for a while. */
  readonly expectContinue: boolean
}

/**
 * Hears what becomes of a request: onContinue at most once, then onHead, onData ..., and onEnd or onFailed as the last.
 * Nothing is called before open() has returned.
 */
export interface HttpSink {
  /** The body is wanted now. Never called for a body that is not written, or when the server answers without it. */
  onContinue(): void
  /** More of the body may be written, after write() said false; what was not owned is free. */
  onDrain(): void
  /** Never with a status below 200. `bodyFollows`: the body's first bytes came with it, and follow within the same call. */
  onHead(head: ResponseHead, bodyFollows: boolean): void
  /**
   * Bytes of the body, chunks decoded. Those not owned are free for reuse after true, and only after resume() when the
   * answer is false; never, if the response ends before resume(). False also means: no more until resume() is called.
   */
  onData(bytes: Buffer, owned: boolean): boolean
  /** The response is whole. If the request is not, its rest is not wanted. What was written is free. */
  onEnd(): void
  /** Also after onHead: then the response is cut off. `retryable` when the request provably did not run. As onEnd. */
  onFailed(error: ProxyError): void
}

/** A request under way. After the sink's last call, and before onContinue, none but abort() does anything. */
export interface HttpExchange {
  /**
   * Takes bytes of the body, after onContinue. Those not owned are free for reuse after true, and only after onDrain
   * when the answer is false. False also means: no more until onDrain.
   */
  write(bytes: Buffer, owned: boolean): boolean
  /** The body is whole. Fewer bytes than announced fail the exchange. */
  end(): void
  /** Takes the response's body again, after onData said false. */
  resume(): void
  /** Gives up: no method of the sink is called any more, and a request whose body has not ended never becomes whole. */
  abort(): void
}
