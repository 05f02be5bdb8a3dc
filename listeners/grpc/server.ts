/** Our services over connections of HTTP/2: who may call, what is called, and what is told of what is not there. */
import type { Socket } from 'node:net'
import { encodeFields } from '../../codecs/http2/index.ts'
import { fieldOf, timeoutOf } from './call-facts.ts'
import { statusError } from './errors.ts'
import {
  type Field,
  Http2Session,
  type Http2Stream,
  type RequestHead,
  type SessionHost,
  type StreamSink,
} from './http2/index.ts'
import { ENCODINGS, isKnownEncoding } from './message-decoder.ts'
import { Reply } from './reply.ts'
import { type CallContext, Route } from './route.ts'
import type { Service, StatusError } from './rpc.ts'
import { methodShape } from './schema.ts'
import { status } from './status.ts'
import { StreamingCall } from './streaming-call.ts'
import { UnaryCall } from './unary-call.ts'
import { UNSERVED } from './unserved.ts'

export interface ServerHost {
  /** Undefined when who shows this token may go on; else why not. */
  refusal(token: string | undefined): string | undefined
  /** Counts a call that is over. */
  answered(path: string, code: number, startedAt: number): void
  bug(path: string, error: unknown): void
  now(): number
  /** Calls back after so many milliseconds, unless it is cancelled by what it returns. */
  after(ms: number, callback: () => void): () => void
}

export interface ServerLimits {
  readonly maxMessageBytes: number
  readonly maxConcurrentStreams: number
}

/** Serves what is not known here. */
export interface UnknownMethods {
  /** What they count as. */
  readonly metric: string
  open(stream: Http2Stream, head: RequestHead, context: CallContext): void
}

export class GrpcServer implements SessionHost, CallContext {
  readonly maxConcurrentStreams: number
  readonly maxMessageBytes: number
  readonly #host: ServerHost
  readonly #routes = new Map<string, Route>()
  readonly #unserved = new Map<string, StatusError>()
  readonly #unknown: UnknownMethods

  constructor(services: readonly Service[], unknown: UnknownMethods, host: ServerHost, limits: ServerLimits) {
    this.#host = host
    this.#unknown = unknown
    this.maxConcurrentStreams = limits.maxConcurrentStreams
    this.maxMessageBytes = limits.maxMessageBytes
    for (const service of services) {
      for (const [name, method] of Object.entries(service.methods)) {
        const shape = service.shapes?.[name] ?? methodShape(service.name, name)
        this.#routes.set(shape.path, new Route(service, name, method, shape))
      }
    }
    // Methods of others that are not served: whatever comes in, the answer is where to go instead.
    for (const [service, methods] of Object.entries(UNSERVED))
      for (const [name, reason] of Object.entries(methods)) {
        const pointer = statusError(status.UNIMPLEMENTED, `${name} is not served here: ${reason}`, 'UNSERVED')
        this.#unserved.set(`/${service}/${name}`, pointer)
      }
  }

  session(socket: Socket): Http2Session {
    return new Http2Session(this, socket)
  }

  // --- For sessions ---------------------------------------------------------------------------------------------------

  open(stream: Http2Stream, head: RequestHead): void {
    const { method, path, contentType } = head
    if (method !== 'POST')
      return answerOnly(stream, [
        [':status', '405'],
        ['allow', 'POST'],
      ])
    if (!contentType.startsWith('application/grpc')) return answerOnly(stream, [[':status', '415']])
    const route = this.#routes.get(path)
    const failure = this.#unserved.get(path) ?? this.#refusal(head)
    if (failure) {
      const known = route !== undefined || this.#unserved.has(path)
      this.answered(known ? path : this.#unknown.metric, failure.code, this.now())
      stream.sink = NOBODY
      return new Reply(stream).fail(failure)
    }
    if (!route) return this.#unknown.open(stream, head, this)
    const { requestStream, responseStream } = route.shape
    if (!requestStream && !responseStream) {
      stream.sink = new UnaryCall(route, stream, head, this)
      return
    }
    const call = new StreamingCall(route, stream, head, this)
    stream.sink = call
    call.begin()
  }

  refuse(stream: Http2Stream): void {
    answerOnly(stream, [[':status', '431']])
  }

  #refusal(head: RequestHead): StatusError | undefined {
    const reason = this.#host.refusal(fieldOf(head.fields, 'dapr-api-token'))
    if (reason !== undefined) return statusError(status.UNAUTHENTICATED, reason, 'UNAUTHENTICATED')
    const encoding = this.encodingOf(head)
    if (isKnownEncoding(encoding)) return undefined
    const text = `the encoding ${JSON.stringify(encoding)} is not known here; known are ${ENCODINGS}`
    return statusError(status.UNIMPLEMENTED, text, 'UNKNOWN_ENCODING')
  }

  // --- For calls ------------------------------------------------------------------------------------------------------

  now(): number {
    return this.#host.now()
  }

  encodingOf({ fields }: RequestHead): string {
    return fieldOf(fields, 'grpc-encoding') ?? 'identity'
  }

  atDeadline(head: RequestHead, callback: () => void): (() => void) | undefined {
    const timeoutMs = timeoutOf(head)
    return timeoutMs === undefined ? undefined : this.#host.after(timeoutMs, callback)
  }

  answered(path: string, code: number, startedAt: number): void {
    this.#host.answered(path, code, startedAt)
  }

  bug(path: string, error: unknown): void {
    this.#host.bug(path, error)
  }
}

const NOTHING = Buffer.alloc(0)
const NOT_GRPC = Buffer.from('here calls of gRPC are served\n')
/** For streams that have been answered. */
const NOBODY: StreamSink = { isBusy: false, onData() {}, onEnd() {}, onReset() {}, onDrained() {} }

/** Answers what is no call when the request is complete, as HTTP's clients expect. */
function answerOnly(stream: Http2Stream, fields: readonly Field[]): void {
  const answer = () => {
    stream.respond(encodeFields([...fields, ['content-type', 'text/plain']]))
    stream.send(NOTHING, NOT_GRPC)
    stream.end(encodeFields([['grpc-status', String(status.UNIMPLEMENTED)]]))
  }
  stream.sink = { ...NOBODY, onEnd: answer }
}
