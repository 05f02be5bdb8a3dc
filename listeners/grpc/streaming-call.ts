/** A call with more than one answer, and of one message or more. */
import { ApiError } from '../../src/apis/index.ts'
import { CallFacts } from './call-facts.ts'
import { INTERNAL } from './errors.ts'
import type { Http2Stream, RequestHead, StreamSink } from './http2/index.ts'
import { Inbox } from './inbox.ts'
import { Reply } from './reply.ts'
import type { CallContext, Route } from './route.ts'
import type { Bidirectional, Incoming, Outgoing, ServerStream, StatusError } from './rpc.ts'
import { status } from './status.ts'

/** Messages that may wait for a caller that does not read. */
const MAX_WAITING = 10_000

export class StreamingCall implements StreamSink, Outgoing, Incoming<object> {
  readonly #route: Route
  readonly #context: CallContext
  readonly #reply: Reply
  readonly #facts: CallFacts
  readonly #inbox: Inbox
  readonly #startedAt: number
  readonly #cancelTimer: (() => void) | undefined
  #take: ((request: object) => void) | undefined
  #onEnd: (() => void) | undefined
  #request: object | undefined
  #over = false

  constructor(route: Route, stream: Http2Stream, head: RequestHead, context: CallContext) {
    this.#route = route
    this.#context = context
    this.#reply = new Reply(stream)
    this.#facts = new CallFacts(head)
    this.#startedAt = context.now()
    this.#inbox = new Inbox(stream, context.encodingOf(head), context.maxMessageBytes, {
      onMessage: bytes => this.#onMessage(bytes),
      onEnd: () => this.#onRequestEnd(),
    })
    this.#cancelTimer = context.atDeadline(head, () => this.#onDeadline())
  }

  /** Runs the method, if it is one that takes messages as they come. */
  begin(): void {
    if (!this.#route.shape.requestStream) return
    this.#guarded(() => (this.#route.method as Bidirectional<object>)(this, this, this.#facts))
  }

  // --- For the method: what comes -------------------------------------------------------------------------------------

  onMessage(take: (request: object) => void): void {
    this.#take = take
  }

  pause(): void {
    this.#inbox.pause()
  }

  resume(): void {
    this.#guarded(() => this.#inbox.resume())
  }

  // --- For the method: what is sent -----------------------------------------------------------------------------------

  get signal(): AbortSignal {
    return this.#facts.signal
  }

  write(message: object): void {
    if (this.#over) return
    this.#guarded(() => {
      this.#reply.message(this.#route.shape.response.encode(message))
      if (this.#reply.queued > MAX_WAITING)
        throw new ApiError(
          'exhausted',
          `more than ${MAX_WAITING} messages wait for this caller, who does not read them`,
        )
    })
  }

  end(): void {
    if (this.#finish(status.OK)) this.#reply.ok()
  }

  fail(error: unknown): void {
    if (this.#over) return
    const failure = this.#route.dress(error)
    if (failure === INTERNAL) this.#context.bug(this.#route.shape.path, error)
    this.#end(failure)
  }

  // --- For the stream -------------------------------------------------------------------------------------------------

  /** Its work ends with the signal. */
  readonly isBusy = false

  onData(bytes: Buffer): void {
    if (!this.#over) this.#guarded(() => this.#inbox.write(bytes))
  }

  /** Both the stream's word that the request is complete, and where a method says what to do then. */
  onEnd(callback?: () => void): void {
    if (callback) this.#onEnd = callback
    else if (!this.#over) this.#guarded(() => this.#inbox.end())
  }

  onReset(): void {
    this.#finish(status.CANCELLED)
    this.#facts.abort()
  }

  onDrained(): void {}

  #onMessage(bytes: Buffer): void {
    if (this.#over) return
    const request = this.#decoded(bytes)
    if (request === undefined) return
    if (this.#route.shape.requestStream) this.#take?.(request)
    else if (this.#request)
      this.#end({ code: status.INTERNAL, details: 'more than one message in a call that has one' })
    else this.#request = request
  }

  #decoded(bytes: Buffer): object | undefined {
    try {
      return this.#route.shape.request.decode(bytes)
    } catch {
      this.#end({ code: status.INTERNAL, details: 'the message is none of this method' })
      return undefined
    }
  }

  #onRequestEnd(): void {
    if (this.#over) return
    if (this.#route.shape.requestStream) return this.#onEnd?.()
    const request = this.#request
    if (!request) return this.#end({ code: status.INTERNAL, details: 'no message in a call that has one' })
    const result = (this.#route.method as ServerStream<object>)(request, this, this.#facts)
    if (result instanceof Promise) result.catch(error => this.fail(error))
  }

  #guarded(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.fail(error)
    }
  }

  #end(failure: StatusError): void {
    if (this.#finish(failure.code)) this.#reply.fail(failure)
  }

  #onDeadline(): void {
    this.#end({ code: status.DEADLINE_EXCEEDED, details: 'the deadline is over' })
  }

  #finish(code: number): boolean {
    if (this.#over) return false
    this.#over = true
    this.#cancelTimer?.()
    this.#context.answered(this.#route.shape.path, code, this.#startedAt)
    // What the method still does for it may end, unless it was ended by the method itself.
    if (code !== status.OK) this.#facts.abort()
    return true
  }
}
