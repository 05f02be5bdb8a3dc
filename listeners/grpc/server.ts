/** A grpc-js server for our services: each method wrapped with the token check, the errors' dress and the counting. */
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  status,
  type UntypedHandleCall,
} from '@grpc/grpc-js'
import { INTERNAL, statusError, statusOf } from './errors.ts'
import { OutgoingStream } from './outgoing.ts'
import type { Bidirectional, Call, Incoming, Method, ServerStream, Service, StatusError, Unary } from './rpc.ts'
import { type MethodShape, methodShape } from './schema.ts'
import { UNSERVED } from './unserved.ts'

export interface ServerHost {
  /** Undefined when the caller may go on; else why not. */
  refusal(metadata: Metadata): string | undefined
  /** Counts a call that is over. */
  answered(path: string, code: number, startedAt: number): void
  bug(path: string, error: unknown): void
}

export interface ServerLimits {
  readonly maxMessageBytes: number
  readonly maxConcurrentStreams: number
}

/** A server without an address: connections are given to it. */
export function createServer(services: readonly Service[], host: ServerHost, limits: ServerLimits): Server {
  const server = new Server({
    'grpc.max_receive_message_length': limits.maxMessageBytes,
    'grpc.max_send_message_length': -1,
    // Its statistics are nobody's.
    'grpc.enable_channelz': 0,
    'grpc.max_concurrent_streams': limits.maxConcurrentStreams,
    // Clients ping as they like: they are beside us.
    'grpc.keepalive_permit_without_calls': 1,
  })
  for (const service of services) addService(server, service, host)
  for (const [service, methods] of Object.entries(UNSERVED)) addPointers(server, service, methods, host)
  return server
}

/** Methods of others that are not served: whatever comes in, the answer is where to go instead. */
function addPointers(
  server: Server,
  service: string,
  methods: Readonly<Record<string, string>>,
  host: ServerHost,
): void {
  const bytes = (message: Buffer) => message
  for (const [name, reason] of Object.entries(methods)) {
    const path = `/${service}/${name}`
    const handler: handleBidiStreamingCall<Buffer, Buffer> = call => {
      const pointer = statusError(status.UNIMPLEMENTED, `${name} is not served here: ${reason}`, 'UNSERVED')
      host.answered(path, pointer.code, performance.now())
      call.emit('error', pointer)
    }
    // Callers of each form understand it, also those that send several messages.
    server.register(path, handler, bytes, bytes, 'bidi')
  }
}

function addService(server: Server, service: Service, host: ServerHost): void {
  const definition: Record<string, ServiceDefinition[string]> = {}
  const handlers: Record<string, UntypedHandleCall> = {}
  for (const [name, method] of Object.entries(service.methods)) {
    const shape = service.shapes?.[name] ?? methodShape(service.name, name)
    definition[name] = {
      path: shape.path,
      requestStream: shape.requestStream,
      responseStream: shape.responseStream,
      requestDeserialize: shape.request.decode,
      requestSerialize: shape.request.encode,
      responseDeserialize: shape.response.decode,
      responseSerialize: shape.response.encode,
    }
    handlers[name] = new Wrapped(service, name, method, shape, host).handler
  }
  server.addService(definition, handlers)
}

class Wrapped {
  readonly #service: Service
  readonly #name: string
  readonly #method: Method
  readonly #shape: MethodShape
  readonly #host: ServerHost

  constructor(service: Service, name: string, method: Method, shape: MethodShape, host: ServerHost) {
    this.#service = service
    this.#name = name
    this.#method = method
    this.#shape = shape
    this.#host = host
  }

  get handler(): UntypedHandleCall {
    const { requestStream, responseStream } = this.#shape
    const both: handleBidiStreamingCall<object, object> = call => this.#both(call)
    const stream: handleServerStreamingCall<object, object> = call => this.#stream(call)
    const unary: handleUnaryCall<object, object> = (call, done) => this.#unary(call, done)
    // grpc-js tells the form by the definition, not by the function.
    return (requestStream ? both : responseStream ? stream : unary) as UntypedHandleCall
  }

  #unary(call: ServerUnaryCall<object, object>, done: sendUnaryData<object>): void {
    const startedAt = performance.now()
    const answer = (value: object): void => {
      this.#host.answered(this.#shape.path, status.OK, startedAt)
      done(null, value)
    }
    const fail = (error: unknown): void => {
      const dressed = this.#dress(error)
      this.#host.answered(this.#shape.path, dressed.code, startedAt)
      done(dressed)
    }
    const refused = this.#refusal(call.metadata)
    if (refused) return fail(refused)
    try {
      const result = (this.#method as Unary<object>)(call.request, new CallFacts(call))
      if (result instanceof Promise) result.then(answer, fail)
      else answer(result)
    } catch (error) {
      fail(error)
    }
  }

  #stream(call: ServerWritableStream<object, object>): void {
    const facts = new CallFacts(call)
    const out = this.#outgoing(call, facts)
    const refused = this.#refusal(call.metadata)
    if (refused) return out.fail(refused)
    try {
      const result = (this.#method as ServerStream<object>)(call.request, out, facts)
      if (result instanceof Promise) result.catch(error => out.fail(error))
    } catch (error) {
      out.fail(error)
    }
  }

  #both(call: ServerDuplexStream<object, object>): void {
    const facts = new CallFacts(call)
    const out = this.#outgoing(call as unknown as ServerWritableStream<object, object>, facts)
    const refused = this.#refusal(call.metadata)
    if (refused) {
      call.resume()
      return out.fail(refused)
    }
    const incoming: Incoming<object> = {
      onMessage: take =>
        call.on('data', request => {
          try {
            take(request)
          } catch (error) {
            out.fail(error)
          }
        }),
      onEnd: callback => call.on('end', callback),
      pause: () => call.pause(),
      resume: () => call.resume(),
    }
    try {
      ;(this.#method as Bidirectional<object>)(incoming, out, facts)
    } catch (error) {
      out.fail(error)
    }
  }

  #outgoing(call: ServerWritableStream<object, object>, facts: CallFacts): OutgoingStream {
    const startedAt = performance.now()
    let code: number = status.OK
    call.once('close', () =>
      this.#host.answered(this.#shape.path, facts.signal.aborted ? status.CANCELLED : code, startedAt),
    )
    call.on('error', () => {})
    return new OutgoingStream(call, facts.signal, error => {
      const dressed = this.#dress(error)
      code = dressed.code
      return dressed
    })
  }

  #refusal(metadata: Metadata): Refused | undefined {
    const reason = this.#host.refusal(metadata)
    return reason === undefined ? undefined : new Refused(reason)
  }

  #dress(error: unknown): StatusError {
    if (error instanceof Refused) return statusError(status.UNAUTHENTICATED, error.message, 'UNAUTHENTICATED')
    const dressed = this.#service.dress?.(error, this.#name) ?? statusOf(error)
    if (dressed) return dressed
    this.#host.bug(this.#shape.path, error)
    return INTERNAL
  }
}

class Refused extends Error {}

/** What of a call of any form is looked at here. */
interface AnyCall {
  readonly metadata: Metadata
  readonly cancelled: boolean
  once(event: 'cancelled', callback: () => void): unknown
}

/** The signal is made when somebody asks for it: most calls are answered at once. */
class CallFacts implements Call {
  readonly #call: AnyCall
  #controller: AbortController | undefined

  constructor(call: AnyCall) {
    this.#call = call
  }

  get metadata(): Metadata {
    return this.#call.metadata
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      const controller = new AbortController()
      this.#controller = controller
      if (this.#call.cancelled) controller.abort()
      else this.#call.once('cancelled', () => controller.abort())
    }
    return this.#controller.signal
  }
}
