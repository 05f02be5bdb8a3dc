/** One request as the pool and its connections see it: how far it has been sent, and whom to tell. */
import type { ResponseHead } from '../../../../codecs/http1/index.ts'
import { ProxyError } from '../../../errors.ts'
import type { HttpConnection } from './connection.ts'
import type { HttpExchange, HttpRequest, HttpSink } from './exchange.ts'

/** Who has the request while no connection does. */
export interface Queue {
  leave(request: ActiveRequest): void
}

/** Requests that change nothing, however often they run. RFC 9110 section 9.2.1. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

export class ActiveRequest implements HttpExchange {
  readonly request: HttpRequest
  /** When it began to wait for a connection, in the clock's milliseconds. */
  readonly since: number
  readonly #queue: Queue
  readonly #sink: HttpSink
  /**
   * queued: no connection yet. expecting: the server is to ask for the body. streaming: the body is being written.
   * sent: the server has all of it. over: the sink hears nothing any more.
   */
  #phase: 'queued' | 'expecting' | 'streaming' | 'sent' | 'over' = 'queued'
  #connection: HttpConnection | undefined
  #bodyBytes = 0
  /** The last write was answered with false. */
  #stalled = false
  /** It was sent before, on a connection that turned out to be dead. */
  repeated = false

  constructor(request: HttpRequest, sink: HttpSink, queue: Queue, since: number) {
    this.request = request
    this.since = since
    this.#sink = sink
    this.#queue = queue
  }

  get over(): boolean {
    return this.#phase === 'over'
  }

  get sent(): boolean {
    return this.#phase === 'sent'
  }

  get expecting(): boolean {
    return this.#phase === 'expecting'
  }

  /** Sending it once more cannot make it run twice: nothing needs the body's bytes again, and they did not run or are safe. */
  get repeatable(): boolean {
    if (this.repeated) return false
    return this.#phase === 'expecting' || (this.#phase === 'sent' && SAFE.has(this.request.method))
  }

  /** Nothing of the body has been sent that it needs in order to run. */
  get provablyNotRun(): boolean {
    const { body, bytes, length } = this.request
    if (this.#phase === 'queued') return true
    return bytes === undefined && this.#bodyBytes === 0 && (body === 'chunked' ? this.#phase !== 'sent' : length > 0)
  }

  /** The connection has sent all that can be sent without the application. */
  began(connection: HttpConnection): void {
    const { body, bytes, length, expectContinue } = this.request
    this.#connection = connection
    if (body === 'none' || bytes !== undefined || (body === 'length' && length === 0)) this.#phase = 'sent'
    else if (expectContinue) this.#phase = 'expecting'
    else {
      this.#phase = 'streaming'
      // Later, as open() has not returned yet.
      process.nextTick(tellContinue, this.#sink, this)
    }
  }

  /** It goes back to where it waits for a connection. */
  requeue(): void {
    this.repeated = true
    this.#connection = undefined
    this.#phase = 'queued'
  }

  get streaming(): boolean {
    return this.#phase === 'streaming'
  }

  write(bytes: Buffer, owned: boolean): boolean {
    if (this.#phase !== 'streaming' || bytes.length === 0) return true
    const { body, length } = this.request
    this.#bodyBytes += bytes.length
    if (body === 'length' && this.#bodyBytes > length) {
      this.#connection!.fail(bodyError(`more than the announced ${length} bytes`))
      return true
    }
    const connection = this.#connection!
    const goOn = body === 'chunked' ? connection.writeChunk(bytes, owned) : connection.write(bytes, owned)
    if (!goOn) this.#stalled = true
    return goOn
  }

  end(): void {
    if (this.#phase !== 'streaming') return
    const { body, length } = this.request
    if (body === 'length' && this.#bodyBytes < length) {
      this.#connection!.fail(bodyError(`${this.#bodyBytes} bytes instead of the announced ${length}`))
      return
    }
    this.#phase = 'sent'
    if (body === 'chunked') this.#connection!.writeLastChunk()
  }

  resume(): void {
    if (this.#phase !== 'over') this.#connection?.resume()
  }

  abort(): void {
    if (this.#phase === 'over') return
    const connection = this.#connection
    this.#finish()
    if (connection) connection.abandon()
    else this.#queue.leave(this)
  }

  // --- what its connection and the pool tell -------------------------------------------------------------------------

  /** The server asks for the body, or was waited for long enough. */
  onContinue(): void {
    if (this.#phase !== 'expecting') return
    this.#phase = 'streaming'
    this.#sink.onContinue()
  }

  onDrain(): void {
    if (!this.#stalled) return
    this.#stalled = false
    this.#sink.onDrain()
  }

  onHead(head: ResponseHead, bodyFollows: boolean): void {
    this.#sink.onHead(head, bodyFollows)
  }

  onData(bytes: Buffer, owned: boolean): boolean {
    return this.#phase === 'over' || this.#sink.onData(bytes, owned)
  }

  onEnd(): void {
    this.#finish()
    this.#sink.onEnd()
  }

  onFailed(error: ProxyError): void {
    if (this.#phase === 'over') return
    this.#finish()
    this.#sink.onFailed(error)
  }

  #finish(): void {
    this.#phase = 'over'
    this.#stalled = false
    this.#connection = undefined
  }
}

function tellContinue(sink: HttpSink, request: ActiveRequest): void {
  if (request.streaming) sink.onContinue()
}

function bodyError(what: string): ProxyError {
  return new ProxyError('request-body', `the body of the request has ${what}`, { source: 'downstream' })
}
