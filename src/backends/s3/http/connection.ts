/**
 * One connection to a server, which serves one request at a time: its bytes are written past the stream where that can
 * be had, and the response's are passed on out of the memory that they were read into.
 */
import type { Socket } from 'node:net'
import { ProtocolError } from '../../../../codecs/codec.ts'
import {
  BodyDecoder,
  CRLF,
  encodeChunkSize,
  encodeLastChunk,
  PartialHead,
  type ResponseHead,
  readResponseHead,
} from '../../../../codecs/http1/index.ts'
import { ProxyError } from '../../../errors.ts'
import {
  type Endpoint,
  formatAddress,
  type Intake,
  type IntakeSink,
  Pump,
  sharedScratch,
  unsentBytes,
  wasReset,
} from '../../../net/index.ts'
import type { ActiveRequest } from './active-request.ts'

/** Above it a body is not copied behind its head, which would save one system call. */
const MAX_JOINED_BYTES = 32 * 1024
/** Of answers that are none yet, such as 100 and 103. */
const MAX_INTERIM = 16

export interface ConnectionTimeouts {
  /** From the request's last byte to the response's first. */
  readonly responseTimeoutMs: number
  /** Without a byte while the request is taken or the response comes. */
  readonly progressTimeoutMs: number
  /** How long the server is waited for to ask for a body. */
  readonly continueTimeoutMs: number
}

/** Whom the connection belongs to. */
export interface ConnectionOwner {
  /** It can serve the next request. */
  onIdle(connection: HttpConnection): void
  /** A request that was sent on a connection that had died before, and may be sent again. */
  onRepeat(request: ActiveRequest): void
  /** It has closed, and served nobody any more. */
  onClosed(connection: HttpConnection): void
}

export class HttpConnection implements IntakeSink {
  readonly endpoint: Endpoint
  readonly #socket: Socket
  readonly #intake: Intake | undefined
  readonly #owner: ConnectionOwner
  readonly #pump: Pump
  readonly #partial = new PartialHead()
  readonly #body: BodyDecoder
  #phase: 'idle' | 'head' | 'body' | 'closed' = 'idle'
  #request: ActiveRequest | undefined
  #head: ResponseHead | undefined
  /** Requests that it served before this one. */
  #served = 0
  #interim = 0
  /** The response's receiver keeps it waiting. */
  #paused = false
  /** Whether what is being read now belongs to the receiver. */
  #owned = false
  #chunks = 0
  /** What it broke off with; once a write has failed nothing more is written. */
  #cause: Error | undefined
  #reads = 0
  #readsBefore = 0
  #progress = -1
  #activeAt = 0
  /** Since when it is idle, in the clock's milliseconds. */
  idleSince = 0

  /** Takes over an open socket, which has no listeners; the intake is what a plain one was created with. */
  constructor(socket: Socket, intake: Intake | undefined, endpoint: Endpoint, owner: ConnectionOwner) {
    this.#socket = socket
    this.#intake = intake
    this.endpoint = endpoint
    this.#owner = owner
    this.#pump = new Pump({
      target: socket,
      onDrained: () => this.#request?.onDrain(),
      onFailed: error => this.#onWriteFailed(error),
    })
    this.#body = new BodyDecoder({
      onData: view => {
        if (!this.#request?.onData(view, this.#owned)) this.#paused = this.#request !== undefined
      },
      // Checksums of S3 bodies come in headers.
      onTrailer() {},
      // What lies behind the body is known only when the decoder returns.
      onEnd() {},
    })
    if (intake) intake.attach(this)
    else {
      socket.on('data', chunk => {
        if (!this.push(chunk, true)) socket.pause()
      })
    }
    socket.on('error', error => {
      this.#cause ??= error
    })
    socket.on('end', () => this.#onEnd())
    socket.on('close', () => this.#onClose(this.#cause))
    socket.resume()
  }

  /** It can take a request now. */
  get usable(): boolean {
    return this.#phase === 'idle' && !this.#socket.destroyed && !this.#socket.readableEnded
  }

  /** Sends a request, all of it that is there. */
  start(request: ActiveRequest): void {
    const { lines, body, length, bytes, expectContinue } = request.request
    this.#request = request
    this.#phase = 'head'
    this.#interim = 0
    this.#chunks = 0
    this.#readsBefore = this.#reads
    this.#progress = -1
    let text = lines
    if (body === 'length') text += `content-length: ${length}\r\n`
    else if (body === 'chunked') text += 'transfer-encoding: chunked\r\n'
    request.began(this)
    if (expectContinue && request.expecting) text += 'expect: 100-continue\r\n'
    text += CRLF
    if (bytes === undefined || bytes.length === 0) sharedScratch.push(this.#pump, text)
    else if (bytes.length <= MAX_JOINED_BYTES) sharedScratch.push(this.#pump, text, bytes)
    else {
      sharedScratch.push(this.#pump, text)
      this.#pump.push(bytes, true)
    }
  }

  write(bytes: Buffer, owned: boolean): boolean {
    return this.#cause !== undefined || this.#pump.push(bytes, owned)
  }

  /** The line break behind a chunk goes with the size of the next one. */
  writeChunk(bytes: Buffer, owned: boolean): boolean {
    const before = this.#chunks++ === 0 ? '' : CRLF
    this.write(Buffer.from(before + encodeChunkSize(bytes.length), 'latin1'), true)
    return this.write(bytes, owned)
  }

  writeLastChunk(): void {
    this.write(Buffer.from((this.#chunks === 0 ? '' : CRLF) + encodeLastChunk(), 'latin1'), true)
  }

  /** Takes the response's body again. */
  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#intake?.drained()
    this.#socket.resume()
  }

  /** Nobody waits for the response any more. */
  abandon(): void {
    this.#request = undefined
    this.destroy()
  }

  /** Ends the request with that error, and the connection. */
  fail(error: ProxyError): void {
    const request = this.#request
    this.#request = undefined
    this.destroy()
    request?.onFailed(error)
  }

  destroy(): void {
    this.#phase = 'closed'
    this.#socket.destroy()
  }

  /** Enforces the deadlines; to be called now and then. */
  check(now: number, timeouts: ConnectionTimeouts): void {
    const request = this.#request
    if (!request) return
    const unsent = unsentBytes(this.#socket)
    const progress = this.#reads + this.#pump.bytes - unsent
    const forServer = unsent > 0 || (this.#phase === 'body' ? !this.#paused : request.sent || request.expecting)
    if (progress !== this.#progress || !forServer) {
      this.#progress = progress
      this.#activeAt = now
      return
    }
    const silentMs = now - this.#activeAt
    if (request.expecting && silentMs >= timeouts.continueTimeoutMs) {
      request.onContinue()
      return
    }
    const first = this.#phase === 'head' && request.sent && unsent === 0
    const limitMs = first ? timeouts.responseTimeoutMs : timeouts.progressTimeoutMs
    if (silentMs < limitMs) return
    const what = first ? 'did not answer' : unsent > 0 ? 'took no byte of the request' : 'sent no byte of the response'
    this.fail(this.#error('upstream-timeout', `${what} for ${limitMs} ms`, undefined))
  }

  push(bytes: Buffer, owned: boolean): boolean {
    this.#reads++
    this.#owned = owned
    try {
      this.#take(bytes)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.fail(this.#error('upstream-protocol', `sent what is no HTTP/1.1: ${error.message}`, error))
    }
    return !this.#paused
  }

  #take(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#phase === 'head') at = this.#takeHead(bytes, at)
      else if (this.#phase === 'body') at = this.#body.write(bytes, at, bytes.length)
      else {
        // Nobody has asked for it: who is served next must not take it for an answer.
        this.destroy()
        return
      }
      if (this.#phase === 'body' && this.#body.ended) this.#finish(at < bytes.length)
    }
  }

  #takeHead(bytes: Buffer, at: number): number {
    const partial = this.#partial
    const { method } = this.#request!.request
    if (partial.length === 0) {
      const head = readResponseHead(bytes, at, bytes.length, method)
      if (head) this.#onHead(head, head.end < bytes.length)
      else partial.append(bytes.subarray(at))
      return head ? head.end : bytes.length
    }
    const before = partial.length
    partial.append(bytes.subarray(at))
    const head = readResponseHead(partial.bytes, 0, partial.length, method, partial.seen)
    if (!head) return bytes.length
    partial.clear()
    const end = at + head.end - before
    this.#onHead(head, end < bytes.length)
    return end
  }

  /** `hasMore`: what was read goes on behind it. */
  #onHead(head: ResponseHead, hasMore: boolean): void {
    const request = this.#request!
    if (head.status < 200) {
      if (head.status === 101 || ++this.#interim > MAX_INTERIM) {
        throw new ProtocolError('interim', `status ${head.status} is not expected`)
      }
      if (head.status === 100) request.onContinue()
      return
    }
    this.#phase = 'body'
    this.#head = head
    this.#body.begin(head.body, head.length)
    request.onHead(head, hasMore && head.body === 'length' && head.length > 0)
  }

  /** The response is whole. */
  #finish(more: boolean): void {
    const request = this.#request
    // Given up within the last call: the connection is closed already.
    if (!request) return
    const keeps = this.#head!.keepAlive && this.#cause === undefined && request.sent && !this.#pump.full && !more
    if (this.#paused) {
      // What is not taken yet stays with who writes it; the next response is read into other memory.
      if (!this.#owned) this.#intake?.leave()
      this.#paused = false
    }
    this.#request = undefined
    this.#head = undefined
    if (keeps) {
      this.#phase = 'idle'
      this.#served++
      this.#owner.onIdle(this)
    } else this.destroy()
    request.onEnd()
  }

  /**
   * A server that refuses an upload may answer and close while more of it comes. Its answer lies in the kernel then, and
   * reading goes on until it ends as well.
   */
  #onWriteFailed(error: Error): void {
    this.#cause ??= error
    if (this.#phase === 'idle') this.destroy()
  }

  /** The server has closed its direction. */
  #onEnd(): void {
    if (this.#phase === 'body' && !wasReset(this.#socket) && this.#body.close()) this.#finish(false)
    else this.destroy()
  }

  #onClose(cause: Error | undefined): void {
    this.#phase = 'closed'
    this.#intake?.close()
    const request = this.#request
    this.#request = undefined
    this.#owner.onClosed(this)
    if (!request) return
    const silent = this.#reads === this.#readsBefore
    if (silent && this.#served > 0 && request.repeatable) {
      request.requeue()
      this.#owner.onRepeat(request)
      return
    }
    const when = this.#head
      ? 'in the middle of the response'
      : silent
        ? 'without an answer'
        : 'in the head of the answer'
    request.onFailed(this.#error('upstream-lost', `closed the connection ${when}`, cause, request.provablyNotRun))
  }

  #error(code: string, what: string, cause: Error | undefined, retryable = false): ProxyError {
    const reason = cause && !(cause instanceof ProtocolError) ? `: ${cause.message}` : ''
    const message = `${formatAddress(this.endpoint.address)} ${what}${reason}`
    return new ProxyError(code, message, { source: 'upstream', retryable, cause })
  }
}
