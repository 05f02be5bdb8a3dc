/** What is sent to a caller over time, with a bound on what waits for it. */
import type { ServerWritableStream } from '@grpc/grpc-js'
import { ApiError } from '../../src/apis/index.ts'
import type { Outgoing, StatusError } from './rpc.ts'

/** Messages that may wait for a caller that does not read. */
const MAX_WAITING = 10_000

export class OutgoingStream implements Outgoing {
  readonly signal: AbortSignal
  readonly #call: ServerWritableStream<unknown, object>
  readonly #dress: (error: unknown) => StatusError
  #over = false

  constructor(
    call: ServerWritableStream<unknown, object>,
    signal: AbortSignal,
    dress: (error: unknown) => StatusError,
  ) {
    this.#call = call
    this.signal = signal
    this.#dress = dress
  }

  write(message: object): void {
    if (this.#over || this.signal.aborted) return
    this.#call.write(message)
    if (this.#call.writableLength > MAX_WAITING)
      this.fail(
        new ApiError('exhausted', `more than ${MAX_WAITING} messages wait for this caller, who does not read them`),
      )
  }

  end(): void {
    if (this.#over || this.signal.aborted) return
    this.#over = true
    this.#call.end()
  }

  fail(error: unknown): void {
    if (this.#over || this.signal.aborted) return
    this.#over = true
    this.#call.emit('error', this.#dress(error))
  }
}
