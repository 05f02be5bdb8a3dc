/**
 * One connection of an application: requests come one after the other, each is answered before the next one begins. What
 * a request means is its exchange's business; here is its order, its framing and its end.
 */
import { ProtocolError } from '../../codecs/codec.ts'
import {
  BodyDecoder,
  CONTINUE,
  encodeResponseLines,
  type HeadLimits,
  PartialHead,
  type RequestHead,
  readRequestHead,
} from '../../codecs/http1/index.ts'
import { type ByteStream, type Intake, type IntakeSink, unsentBytes } from '../../src/net/index.ts'
import { AnswerWriter } from './answer-writer.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeConnection, ExchangeHost, TlsFacts } from './exchange-host.ts'

/** Bytes of requests that come while another is answered. */
const MAX_AHEAD_BYTES = 64 * 1024
/** A body that is not wanted is read to its end when so little is left, else the connection is closed. */
const MAX_SKIPPED_BYTES = 256 * 1024
/** How long an application may take to read the last answer before its connection is torn. */
const LINGER_MS = 2000

export interface SessionHost extends ExchangeHost {
  readonly headLimits: HeadLimits
  readonly headTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly bodyTimeoutMs: number
  readonly isDraining: boolean
  /** Count bytes. */
  readonly received: { value: number }
  readonly sent: { value: number }
  protocolError(kind: string): void
  onClosed(session: Session): void
}

/** Where the connection stands: waiting for a request, within a head, within a request, or about to end. */
type Phase = 'idle' | 'head' | 'request' | 'lingering' | 'closed'

export class Session implements IntakeSink, ExchangeConnection {
  readonly stream: ByteStream
  readonly remoteIp: string
  readonly tls: TlsFacts | undefined
  readonly #host: SessionHost
  readonly #intake: Intake | undefined
  readonly #writer: AnswerWriter
  readonly #partial = new PartialHead()
  readonly #body: BodyDecoder
  #phase: Phase = 'idle'
  #exchange: Exchange | undefined
  /** What came behind a request that is not answered yet. */
  #ahead: Buffer | undefined
  #isPaused = false
  /** Of the request under way: its body is being read, and its answer is whole. */
  #isBegun = false
  #isAnswered = false
  /** The application has said that it sends no more. */
  #hasEnded = false
  #keepAlive = true
  #since: number
  #unsent = 0

  constructor(host: SessionHost, stream: ByteStream, intake: Intake | undefined, remoteIp: string, tls?: TlsFacts) {
    this.#host = host
    this.stream = stream
    this.#intake = intake
    this.remoteIp = remoteIp
    this.tls = tls
    this.#since = host.clock.now()
    this.#writer = new AnswerWriter(stream, host.sent, () => this.#exchange?.onDownstreamDrained())
    this.#body = new BodyDecoder({
      onData: view => this.#exchange?.onBody(view),
      onTrailer: (name, value) => this.#exchange?.onTrailer(name, value),
      onEnd: () => this.#exchange?.onBodyEnd(),
    })
  }

  /** Begins to read. */
  open(): void {
    const { stream } = this
    if (this.#intake) this.#intake.attach(this)
    else {
      stream.on('data', (chunk: Buffer) => {
        if (!this.push(chunk)) stream.pause()
      })
    }
    stream.on('end', () => this.#onEnd())
    stream.resume()
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Takes what was read. False: no more until resume(). */
  push(bytes: Buffer): boolean {
    this.#host.received.value += bytes.length
    this.#read(bytes)
    return !this.#isPaused
  }

  /** Enforces the deadlines; to be called now and then. */
  check(now: number): void {
    const { headTimeoutMs, idleTimeoutMs, bodyTimeoutMs } = this.#host
    const unsent = unsentBytes(this.stream)
    if (unsent !== this.#unsent) this.#since = now
    this.#unsent = unsent
    const quiet = now - this.#since
    if (this.#phase === 'idle' && idleTimeoutMs > 0 && quiet > idleTimeoutMs) this.destroy()
    else if (this.#phase === 'head' && quiet > headTimeoutMs) this.destroy()
    else if (this.#phase === 'lingering' && quiet > LINGER_MS) this.destroy()
    else if (this.#phase === 'request' && quiet > bodyTimeoutMs) {
      // Also while it owes the rest of a body that nobody waits for any more.
      if (unsent > 0 || this.#isAnswered) this.destroy()
      // While the backend has the body, what is waited for is the backend, which has deadlines of its own.
      else if (!this.#body.ended && !this.#isPaused) this.#exchange!.onStalled()
      else this.#since = now
    }
  }

  /** Ends when the request under way is answered, or at once. */
  drain(): void {
    // The last answer may still be on its way.
    if (this.#phase === 'idle') this.#linger()
  }

  destroy(): void {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#writer.close()
    this.#exchange?.onGone()
    this.#exchange = undefined
    this.#intake?.close()
    this.stream.destroy()
    this.#host.onClosed(this)
  }

  // --- What its exchange asks for ------------------------------------------------------------------------------------

  /** Lets the application send the body that it holds back. */
  sendContinue(): void {
    this.#writer.writeOut(CONTINUE)
  }

  /** Reads no more of the body until resume(). */
  pause(): void {
    this.#isPaused = true
    this.stream.pause()
  }

  resume(): void {
    if (!this.#isPaused || this.#phase === 'closed') return
    this.#isPaused = false
    this.#since = this.#host.clock.now()
    this.#intake?.drained()
    this.stream.resume()
  }

  /** Begins the answer. Without a length the body is framed here; `hasBody` is false where none follows, whatever its length. */
  answer(
    status: number,
    headers: readonly string[],
    length: number | undefined,
    hasBody: boolean,
    follows: boolean,
  ): void {
    const { minor } = this.#exchange!.request.head
    let framing = ''
    let isChunked = false
    const isUnframed = status < 200 || status === 204 || status === 304
    if (length !== undefined && !isUnframed) framing = `Content-Length: ${length}\r\n`
    else if (hasBody && length === undefined) {
      isChunked = minor === 1
      if (isChunked) framing = 'Transfer-Encoding: chunked\r\n'
      else this.#keepAlive = false
    }
    if (!this.#isRead && !this.#skipsRest()) this.#keepAlive = false
    if (this.#host.isDraining || (this.#hasEnded && !this.#ahead)) this.#keepAlive = false
    if (!this.#keepAlive) framing += 'Connection: close\r\n'
    else if (minor === 0) framing += 'Connection: keep-alive\r\n'
    this.#writer.begin(`${encodeResponseLines(status, headers)}${framing}\r\n`, isChunked, hasBody, follows)
  }

  /** Passes on bytes of the answer's body. False: no more until onDownstreamDrained. */
  writeBody(bytes: Buffer, owned: boolean): boolean {
    return this.#writer.write(bytes, owned)
  }

  /** The answer is whole. */
  endAnswer(): void {
    if (this.#phase === 'closed') return
    this.#writer.end()
    this.#isAnswered = true
    if (!this.#keepAlive) this.#linger()
    else if (this.#isBegun && this.#isRead) this.#next()
    else this.resume()
  }

  /** The answer cannot be made whole: the application must not take it for such. */
  cutAnswer(): void {
    this.destroy()
  }

  // --- Reading -------------------------------------------------------------------------------------------------------

  #read(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#phase === 'closed' || this.#phase === 'lingering') return
      if (this.#phase === 'idle' && this.#ahead) return this.#keepAhead(bytes.subarray(at))
      if (this.#phase === 'request') {
        if (this.#body.ended) return this.#keepAhead(bytes.subarray(at))
        at = this.#readBody(bytes, at)
      } else {
        at = this.#readHead(bytes, at)
      }
    }
  }

  /** Returns where the head ended, or the end of the bytes while it is not whole. */
  #readHead(bytes: Buffer, at: number): number {
    const partial = this.#partial
    const { headLimits } = this.#host
    try {
      if (partial.length === 0) {
        const head = readRequestHead(bytes, at, bytes.length, at, headLimits)
        if (head) {
          this.#begin(head)
          return head.end
        }
        partial.append(bytes.subarray(at), headLimits)
        this.#phase = 'head'
        this.#since = this.#host.clock.now()
        return bytes.length
      }
      partial.append(bytes.subarray(at), headLimits)
      const head = readRequestHead(partial.bytes, 0, partial.length, partial.seen, headLimits)
      if (!head) return bytes.length
      const consumed = head.end - partial.seen
      partial.clear()
      this.#begin(head)
      return at + consumed
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#refuse(error)
      return bytes.length
    }
  }

  #begin(head: RequestHead): void {
    this.#phase = 'request'
    this.#isBegun = false
    this.#isAnswered = false
    this.#keepAlive = head.keepAlive
    this.#since = this.#host.clock.now()
    const exchange = new Exchange(this.#host, this, head, this.#since)
    this.#exchange = exchange
    exchange.begin()
    if (this.#phase !== 'request') return
    // What was answered already, such as with an error, has its body read all the same.
    this.#isBegun = true
    this.#body.begin(head.body, head.length)
    if (this.#isAnswered && this.#isRead) this.#next()
  }

  /** Nothing of the request is still to come. */
  get #isRead(): boolean {
    if (this.#isBegun) return this.#body.ended
    const { body, length } = this.#exchange!.request.head
    return body === 'none' || (body === 'length' && length === 0)
  }

  /** Returns the position behind what belonged to the body. */
  #readBody(bytes: Buffer, at: number): number {
    this.#since = this.#host.clock.now()
    try {
      const end = this.#body.write(bytes, at, bytes.length)
      if (this.#isRead && this.#isAnswered && this.#phase === 'request') this.#next()
      return end
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#host.protocolError(error.kind)
      this.#breakBody(error)
      return bytes.length
    }
  }

  #breakBody(error: ProtocolError): void {
    this.#keepAlive = false
    if (this.#isAnswered) this.#linger()
    else this.#exchange!.onBrokenBody(error)
  }

  #keepAhead(bytes: Buffer): void {
    this.#ahead = this.#ahead ? Buffer.concat([this.#ahead, bytes]) : Buffer.from(bytes)
    if (this.#ahead.length > MAX_AHEAD_BYTES) this.pause()
  }

  /** The request is answered and read. */
  #next(): void {
    this.#exchange = undefined
    this.#phase = 'idle'
    this.#since = this.#host.clock.now()
    if (this.#host.isDraining || (this.#hasEnded && !this.#ahead)) return this.#linger()
    this.resume()
    // Not within the call of whoever ended the answer: a long row of requests would nest as deeply.
    if (this.#ahead) process.nextTick(this.#readAhead)
  }

  /** What comes in the meantime is kept behind it. */
  readonly #readAhead = (): void => {
    const ahead = this.#ahead
    if (!ahead || this.#phase !== 'idle') return
    this.#ahead = undefined
    this.#read(ahead)
    if (this.#hasEnded) this.#onEnd()
  }

  /** Half-closed: it still waits for its answers. */
  #onEnd(): void {
    this.#hasEnded = true
    if (this.#phase === 'request') {
      if (!this.#body.ended && this.#isBegun) this.#breakBody(new ProtocolError('body', 'The body ended early.'))
    } else if (this.#phase === 'head' || (this.#phase === 'idle' && !this.#ahead)) this.#linger()
  }

  /** A head that is none of HTTP/1.1. */
  #refuse(error: ProtocolError): void {
    this.#host.protocolError(error.kind)
    this.#phase = 'request'
    this.#keepAlive = false
    this.#writer.writeOut(this.#host.malformed(error))
    this.#linger()
  }

  // --- The end ------------------------------------------------------------------------------------------------------

  /** Whether what is left of the body can be read and forgotten. */
  #skipsRest(): boolean {
    const { head } = this.#exchange!.request
    return head.body === 'length' && head.length <= MAX_SKIPPED_BYTES && !head.expectContinue
  }

  /** What was written still reaches the application: a reset would take it away, so what comes is read and forgotten. */
  #linger(): void {
    if (this.#phase === 'closed') return
    this.#phase = 'lingering'
    this.#exchange = undefined
    this.#since = this.#host.clock.now()
    this.#isPaused = true
    this.resume()
    this.stream.end()
  }
}
