/** Calls of methods that nobody here knows: they go to the application that `dapr-app-id` names, their messages unseen. */
import type { AppCall, AppMetadata } from '../../src/apis/index.ts'
import type { InvokeService } from '../../src/services/index.ts'
import { CallFacts, fieldOf, timeoutOf } from './call-facts.ts'
import { INTERNAL, statusError, statusOf } from './errors.ts'
import type { Http2Stream, RequestHead, StreamSink } from './http2/index.ts'
import { Inbox } from './inbox.ts'
import { Reply } from './reply.ts'
import type { CallContext } from './route.ts'
import type { StatusError } from './rpc.ts'
import type { UnknownMethods } from './server.ts'
import { status } from './status.ts'

/** All unknown paths count as one: an application may name any number of them. */
const METRIC = '/proxied'
/** What concerns this connection alone. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'dapr-api-token',
  'dapr-app-id',
  'user-agent',
  'content-type',
  'te',
  'grpc-timeout',
  'grpc-encoding',
  'grpc-accept-encoding',
])

export function proxyUnknown(invoke: InvokeService): UnknownMethods {
  return {
    metric: METRIC,
    open(stream, head, context) {
      const call = new ProxiedCall(stream, head, context)
      stream.sink = call
      call.begin(invoke)
    },
  }
}

class ProxiedCall implements StreamSink {
  readonly #head: RequestHead
  readonly #context: CallContext
  readonly #reply: Reply
  readonly #inbox: Inbox
  readonly #startedAt: number
  #under: AppCall | undefined
  #over = false

  constructor(stream: Http2Stream, head: RequestHead, context: CallContext) {
    this.#head = head
    this.#context = context
    this.#reply = new Reply(stream)
    this.#startedAt = context.now()
    this.#inbox = new Inbox(stream, context.encodingOf(head), context.maxMessageBytes, {
      onMessage: message => {
        if (this.#under?.write(message) === false) this.#inbox.pause()
      },
      onEnd: () => this.#under?.end(),
    })
  }

  begin(invoke: InvokeService): void {
    const { path, fields } = this.#head
    const app = fieldOf(fields, 'dapr-app-id')
    if (app === undefined) {
      const hint = 'with the metadata dapr-app-id it would go to that application'
      return this.#fail(statusError(status.UNIMPLEMENTED, `there is no method ${path} here; ${hint}`, 'UNKNOWN_METHOD'))
    }
    const timeoutMs = timeoutOf(this.#head)
    const deadline = timeoutMs === undefined ? undefined : Date.now() + timeoutMs
    try {
      this.#under = invoke.grpc(app, path, foreign(new CallFacts(this.#head).metadata), deadline, {
        onMetadata: metadata => this.#reply.head(foreign(metadata)),
        onMessage: message => {
          if (!this.#over && !this.#reply.message(message)) this.#under?.pause()
        },
        onStatus: ({ code, details, trailers }) => {
          const metadata = foreign(trailers)
          if (code !== status.OK) this.#fail({ code, details, metadata })
          else if (this.#finish(code)) this.#reply.ok(metadata)
        },
      })
      this.#under.onDrain(() => this.#guarded(() => this.#inbox.resume()))
    } catch (error) {
      this.#failWith(error)
    }
  }

  readonly isBusy = false

  onData(bytes: Buffer): void {
    if (!this.#over) this.#guarded(() => this.#inbox.write(bytes))
  }

  onEnd(): void {
    if (!this.#over) this.#guarded(() => this.#inbox.end())
  }

  onDrained(): void {
    this.#under?.resume()
  }

  onReset(): void {
    if (this.#finish(status.CANCELLED)) this.#under?.cancel()
  }

  #guarded(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#failWith(error)
      this.#under?.cancel()
    }
  }

  #failWith(error: unknown): void {
    const dressed = statusOf(error)
    if (!dressed) this.#context.bug(this.#head.path, error)
    this.#fail(dressed ?? INTERNAL)
  }

  #fail(error: StatusError): void {
    if (this.#finish(error.code)) this.#reply.fail(error)
  }

  #finish(code: number): boolean {
    if (this.#over) return false
    this.#over = true
    this.#context.answered(METRIC, code, this.#startedAt)
    return true
  }
}

function foreign(metadata: AppMetadata): AppMetadata {
  return metadata.filter(([name]) => !OWN_FIELDS.has(name) && !name.startsWith(':'))
}
