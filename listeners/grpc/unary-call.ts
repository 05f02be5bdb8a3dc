/** A call of one message and one answer. */
import { CallFacts } from './call-facts.ts'
import { CallFailure, INTERNAL } from './errors.ts'
import type { Http2Stream, RequestHead, StreamSink } from './http2/index.ts'
import { MessageDecoder } from './message-decoder.ts'
import { Reply } from './reply.ts'
import type { CallContext, Route } from './route.ts'
import type { StatusError, Unary } from './rpc.ts'
import { status } from './status.ts'

const TOO_MANY: StatusError = { code: status.INTERNAL, details: 'more than one message in a call that has one' }
const TOO_FEW: StatusError = { code: status.INTERNAL, details: 'no message in a call that has one' }
const UNREADABLE: StatusError = { code: status.INTERNAL, details: 'the message is none of this method' }

export class UnaryCall implements StreamSink {
  readonly #route: Route
  readonly #context: CallContext
  readonly #stream: Http2Stream
  readonly #reply: Reply
  readonly #facts: CallFacts
  readonly #decoder: MessageDecoder
  readonly #startedAt: number
  readonly #cancelTimer: (() => void) | undefined
  #request: Buffer | undefined
  /** It is known how it has ended. */
  #over = false
  #busy = false

  constructor(route: Route, stream: Http2Stream, head: RequestHead, context: CallContext) {
    this.#route = route
    this.#context = context
    this.#stream = stream
    this.#reply = new Reply(stream)
    this.#facts = new CallFacts(head)
    this.#startedAt = context.now()
    this.#decoder = new MessageDecoder(context.encodingOf(head), context.maxMessageBytes, message =>
      this.#onMessage(message),
    )
    this.#cancelTimer = context.atDeadline(head, () => this.#onDeadline())
  }

  get isBusy(): boolean {
    return this.#busy
  }

  onData(bytes: Buffer): void {
    if (this.#over) return
    try {
      this.#decoder.write(bytes)
    } catch (error) {
      this.#fail(error)
    }
  }

  onEnd(): void {
    if (this.#over) return
    if (!this.#request || this.#decoder.isPartial) return this.#end(TOO_FEW)
    let request: object
    try {
      request = this.#route.shape.request.decode(this.#request)
    } catch {
      return this.#end(UNREADABLE)
    }
    try {
      const result = (this.#route.method as Unary<object>)(request, this.#facts)
      if (result instanceof Promise) {
        this.#busy = true
        result.then(this.#onValue, this.#onError)
      } else this.#answer(result)
    } catch (error) {
      this.#fail(error)
    }
  }

  onReset(): void {
    this.#finish(status.CANCELLED)
    this.#facts.abort()
  }

  onDrained(): void {}

  #onMessage(message: Buffer): void {
    if (this.#request) throw new CallFailure(TOO_MANY)
    this.#request = message
  }

  readonly #onValue = (value: object): void => {
    this.#settle()
    try {
      this.#answer(value)
    } catch (error) {
      this.#fail(error)
    }
  }

  readonly #onError = (error: unknown): void => {
    this.#settle()
    this.#fail(error)
  }

  #settle(): void {
    this.#busy = false
    this.#stream.settled()
  }

  #answer(value: object): void {
    if (this.#over) return
    const bytes = this.#route.shape.response.encode(value)
    this.#finish(status.OK)
    this.#reply.message(bytes)
    this.#reply.ok()
  }

  #fail(error: unknown): void {
    // Nobody is there to be told, but a bug is one.
    const failure = this.#route.dress(error)
    if (failure === INTERNAL) this.#context.bug(this.#route.shape.path, error)
    this.#end(failure)
  }

  #end(failure: StatusError): void {
    if (!this.#finish(failure.code)) return
    this.#reply.fail(failure)
  }

  #onDeadline(): void {
    this.#end({ code: status.DEADLINE_EXCEEDED, details: 'the deadline is over' })
    this.#facts.abort()
  }

  #finish(code: number): boolean {
    if (this.#over) return false
    this.#over = true
    this.#cancelTimer?.()
    this.#context.answered(this.#route.shape.path, code, this.#startedAt)
    return true
  }
}
