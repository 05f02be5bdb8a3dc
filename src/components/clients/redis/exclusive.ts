/**
 * A connection of a Redis backend that one component has for itself, for commands that block: one of the backend's
 * exclusive ones, as a client of a listener has it.
 */
import { encodeCommand } from '../../../../codecs/redis/index.ts'
import { ApiError } from '../../../apis/index.ts'
import type { Pipeline, RedisBackend } from '../../../backends/redis/index.ts'
import type { Clock } from '../../../protocol.ts'
import { type Bulks, Question, type RedisReply } from './question.ts'

export class ExclusiveConnection {
  readonly backend: RedisBackend
  readonly #pipeline: Pipeline
  readonly #clock: Clock
  #onLost: (error: Error) => void = () => {}

  private constructor(backend: RedisBackend, pipeline: Pipeline, clock: Clock) {
    this.backend = backend
    this.#pipeline = pipeline
    this.#clock = clock
    // Blocking commands are given a deadline here.
    pipeline.patient = true
    backend.pool.onLost(pipeline, error => this.#onLost(error))
  }

  /** Rejects with `unavailable` when there is none to be had within the backend's `exclusive.waitTimeout`. */
  static acquire(backend: RedisBackend, clock: Clock): Promise<ExclusiveConnection> {
    return new Promise((resolve, reject) => {
      backend.pool.acquire(2, 0, {
        onPrivate: pipeline => resolve(new ExclusiveConnection(backend, pipeline, clock)),
        onNoPrivate: error => reject(new ApiError('unavailable', error.message, { cause: error })),
      })
    })
  }

  get open(): boolean {
    return this.#pipeline.open
  }

  /** Called once the connection is lost; not when it is given back. */
  set onLost(callback: (error: Error) => void) {
    this.#onLost = callback
  }

  /** The answer, be it an error of the server's. A connection that does not answer in time is ended. */
  async tell(command: readonly (string | Buffer)[], timeoutMs: number, bulks?: Bulks): Promise<RedisReply> {
    if (!this.open) throw new ApiError('unavailable', 'the connection to redis is lost')
    try {
      return await Question.ask(this.#pipeline, encodeCommand(command), { timeoutMs, clock: this.#clock, bulks })
    } catch (error) {
      this.discard()
      throw error
    }
  }

  /** Gives it back, with all questions answered and no state left. */
  release(): void {
    this.#onLost = () => {}
    this.backend.pool.release(this.#pipeline)
  }

  /** Ends it, whatever it waits for. */
  discard(): void {
    this.#onLost = () => {}
    this.backend.pool.discard(this.#pipeline)
  }
}
