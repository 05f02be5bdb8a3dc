/** One command on a pipeline of a Redis backend, and the one reply to it as a value. */
import { decodeReply } from '../../../../codecs/redis/index.ts'
import { ApiError } from '../../../apis/index.ts'
import type { Pipeline, ReplySink } from '../../../backends/redis/index.ts'
import type { ProxyError } from '../../../errors.ts'
import type { Clock } from '../../../protocol.ts'

export type RedisReply = ReturnType<typeof decodeReply>
/** What bulk strings become. */
export type Bulks = Parameters<typeof decodeReply>[1]

const NO_OPERATION = new Uint16Array(1)

interface Asking {
  readonly timeoutMs: number
  readonly clock: Clock
  readonly bulks: Bulks
}

export class Question implements ReplySink {
  readonly stats = null
  readonly framewise = false
  readonly #pipeline: Pipeline
  readonly #bulks: Bulks
  /** Sent on a connection that stood: what is lost then may have run. */
  readonly #sent: boolean
  readonly #resolve: (reply: RedisReply) => void
  readonly #reject: (error: ApiError) => void
  #cancelDeadline = (): void => {}
  #pieces: Buffer[] = []

  private constructor(
    pipeline: Pipeline,
    bulks: Bulks,
    resolve: (reply: RedisReply) => void,
    reject: (error: ApiError) => void,
  ) {
    this.#pipeline = pipeline
    this.#bulks = bulks
    this.#sent = pipeline.ready
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Rejects with `unavailable` when the command never left, with `unknown` when it may have run. */
  static ask(pipeline: Pipeline, request: Buffer, { timeoutMs, clock, bulks }: Asking): Promise<RedisReply> {
    return new Promise((resolve, reject) => {
      const question = new Question(pipeline, bulks, resolve, reject)
      question.#cancelDeadline = clock.after(timeoutMs, () => question.#expire(timeoutMs))
      pipeline.send(question, request, 0, request.length, 1, NO_OPERATION)
    })
  }

  deliver(bytes: Buffer, start: number, end: number, replies: number): boolean {
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)))
    if (replies === 0) return false
    this.#cancelDeadline()
    const whole = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces)
    this.#resolve(decodeReply(whole, this.#bulks))
    return false
  }

  deliverLocal(): void {}

  fail(_replies: number, error: ProxyError): void {
    this.#cancelDeadline()
    // A backend that is being closed says so of what it has sent, too.
    const mayHaveRun = this.#sent || !error.retryable || error.code === 'backend-closed'
    this.#reject(new ApiError(mayHaveRun ? 'unknown' : 'unavailable', error.message, { cause: error }))
  }

  resume(): void {}
  slow(): void {}

  #expire(timeoutMs: number): void {
    const mayHaveRun = this.#sent || this.#pipeline.ready
    this.#reject(new ApiError(mayHaveRun ? 'unknown' : 'unavailable', `redis did not answer within ${timeoutMs} ms`))
  }
}
