/** A method that is served, and what calls share of the server they are on. */
import { INTERNAL, statusOf } from './errors.ts'
import type { RequestHead } from './http2/index.ts'
import type { Method, Service, StatusError } from './rpc.ts'
import type { MethodShape } from './schema.ts'

export interface CallContext {
  readonly maxMessageBytes: number
  now(): number
  /** What messages are compressed by. */
  encodingOf(head: RequestHead): string
  /** Calls back when the caller does not wait any longer, if it says so; gives what cancels that. */
  atDeadline(head: RequestHead, callback: () => void): (() => void) | undefined
  /** Counts a call that is over. */
  answered(path: string, code: number, startedAt: number): void
  bug(path: string, error: unknown): void
}

export class Route {
  readonly shape: MethodShape
  readonly method: Method
  readonly #service: Service
  readonly #name: string

  constructor(service: Service, name: string, method: Method, shape: MethodShape) {
    this.#service = service
    this.#name = name
    this.method = method
    this.shape = shape
  }

  /** What a caller is told of an error; INTERNAL for a bug. */
  dress(error: unknown): StatusError {
    return this.#service.dress?.(error, this.#name) ?? statusOf(error) ?? INTERNAL
  }
}
