/**
 * Asks a Redis backend of Portolan's, over the pipelines that its listeners' clients share, and gives the answers as
 * values. Every answer has a deadline of its own; one that comes later is dropped.
 */
import { encodeCommand, ReplyError } from '../../../../codecs/redis/index.ts'
import { ApiError, type StoreFacts } from '../../../apis/index.ts'
import { RedisBackend } from '../../../backends/redis/index.ts'
import type { ComponentContext } from '../../../component.ts'
import type { Clock } from '../../../protocol.ts'
import { type Bulks, Question, type RedisReply } from './question.ts'

const ANSWER_MS = 5_000

export class RedisClient {
  readonly clock: Clock
  readonly #context: ComponentContext
  #closed = false

  constructor(context: ComponentContext) {
    this.#context = context
    this.clock = context.clock
  }

  /** As it is now: a reload may replace it. */
  get backend(): RedisBackend {
    const backend = this.#context.backend()
    if (backend instanceof RedisBackend) return backend
    throw new ApiError('internal', `backend ${backend.name} is no redis backend`)
  }

  /**
   * The answer. Rejects with `unavailable` when the command never left, with `unknown` when it may have run, with
   * `denied` or `internal` for an error of the server's.
   */
  async ask(command: readonly (string | Buffer)[], timeoutMs = ANSWER_MS): Promise<RedisReply> {
    const reply = await this.#send(encodeCommand(command), timeoutMs)
    if (reply instanceof ReplyError) throw refusal(reply)
    return reply
  }

  /** As ask() for what changes nothing: what may have run may be sent again, so it rejects with `unavailable`. */
  read(command: readonly (string | Buffer)[], timeoutMs?: number): Promise<RedisReply> {
    return this.ask(command, timeoutMs).catch(repeatable)
  }

  /** As ask(), but an error of the server's is an answer too. */
  tell(command: readonly (string | Buffer)[], bulks?: Bulks): Promise<RedisReply> {
    return this.#send(encodeCommand(command), ANSWER_MS, bulks)
  }

  async check(timeoutMs: number): Promise<StoreFacts> {
    await this.read(['PING'], timeoutMs)
    const { server, version } = this.backend.identity
    return { version: `${server} ${version}` }
  }

  close(): void {
    this.#closed = true
  }

  #send(request: Buffer, timeoutMs: number, bulks?: Bulks): Promise<RedisReply> {
    if (this.#closed) return Promise.reject(new ApiError('unavailable', `component ${this.#context.name} is closed`))
    const lane = this.backend.lane(2, 0)
    const { pipeline } = lane
    if (pipeline === null) {
      const reason = lane.refusal
      return Promise.reject(new ApiError('unavailable', reason.message, { cause: reason }))
    }
    return Question.ask(pipeline, request, { timeoutMs, clock: this.clock, bulks })
  }
}

/** To be thrown for what changes nothing and so may be sent again. */
export function repeatable(error: unknown): never {
  const isUnknown = error instanceof ApiError && error.code === 'unknown'
  throw isUnknown ? new ApiError('unavailable', error.message, { cause: error }) : error
}

/** Errors that say that the server cannot serve for the time being; the command did not run. */
const AWAY: ReadonlySet<string> = new Set(['LOADING', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN', 'READONLY'])

/** What an error of the server's means to a caller. */
export function refusal(reply: ReplyError): ApiError {
  const { code, message } = reply
  if (AWAY.has(code)) return new ApiError('unavailable', `redis: ${message}`, { cause: reply })
  const isDenied = code === 'NOPERM' || code === 'NOAUTH'
  return new ApiError(isDenied ? 'denied' : 'internal', `redis: ${message}`, { cause: reply })
}
