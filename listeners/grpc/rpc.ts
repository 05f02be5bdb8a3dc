/** What an RPC is to those who implement one: a function of a request, or of a stream. */
import type { AppMetadata } from '../../src/apis/index.ts'
import type { MethodShape } from './schema.ts'

/** What is known of a call beside its request. */
export interface Call {
  readonly metadata: AppMetadata
  /** Aborted when the caller has gone, or its deadline is over. */
  readonly signal: AbortSignal
}

/** What is sent to a caller over time. */
export interface Outgoing {
  readonly signal: AbortSignal
  /** Never blocks; a caller who takes nothing of what waits for it is cut off at a limit. */
  write(message: object): void
  end(): void
  /** Ends the call with this error. */
  fail(error: unknown): void
}

/** What comes from a caller over time. */
export interface Incoming<Request> {
  onMessage(take: (request: Request) => void): void
  /** The caller has nothing more to say. */
  onEnd(callback: () => void): void
  /** Stops reading until resume(). */
  pause(): void
  resume(): void
}

export type Unary<Request = never> = (request: Request, call: Call) => object | Promise<object>
/** The call is over when the promise is settled and the stream ended. */
export type ServerStream<Request = never> = (request: Request, out: Outgoing, call: Call) => void | Promise<void>
export type Bidirectional<Request = never> = (incoming: Incoming<Request>, out: Outgoing, call: Call) => void

/** Which form a method has is told by its .proto. */
export type Method = Unary | ServerStream | Bidirectional

export interface Service {
  /** The full name, such as `portolan.v1.Lock`. */
  readonly name: string
  readonly methods: Readonly<Record<string, Method>>
  /** The forms of its methods, where protos/ does not tell them. */
  readonly shapes?: Readonly<Record<string, MethodShape>>
  /** How an error is dressed here; as everywhere where it returns undefined. */
  readonly dress?: (error: unknown, method: string) => StatusError | undefined
}

/** An error in gRPC's form. */
export interface StatusError {
  readonly code: number
  readonly details: string
  /** What goes with it. */
  readonly metadata?: AppMetadata
}
