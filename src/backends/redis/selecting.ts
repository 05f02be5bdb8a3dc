/**
 * Selects a database on a connection before a session gets it: a server that is busy or loading refuses that for the
 * moment, and what is sent behind would run in another database.
 */
import { decodeReply, encodeCommand, ReplyError } from '../../../codecs/redis/index.ts'
import type { ProxyError } from '../../errors.ts'
import { databaseRefused } from './handshake.ts'
import type { Pipeline } from './pipeline.ts'
import type { ReplySink } from './reply-sink.ts'

const OPERATIONS = new Uint16Array(1)

export class Selecting implements ReplySink {
  readonly stats = null
  readonly framewise = false
  readonly #pipeline: Pipeline
  readonly #database: number
  readonly #done: (error: ProxyError | null) => void

  /** Calls `done` in a later turn, unless the pipeline is lost: its owner hears of that. */
  constructor(pipeline: Pipeline, database: number, done: (error: ProxyError | null) => void) {
    this.#pipeline = pipeline
    this.#database = database
    this.#done = done
    const request = encodeCommand(['SELECT', String(database)])
    pipeline.send(this, request, 0, request.length, 1, OPERATIONS)
  }

  deliver(bytes: Buffer, start: number, end: number): boolean {
    const reply = decodeReply(bytes.subarray(start, end))
    const error = reply instanceof ReplyError ? databaseRefused(reply.message) : null
    if (error === null) this.#pipeline.database = this.#database
    process.nextTick(this.#done, error)
    return false
  }

  deliverLocal(): void {}
  fail(): void {}
  resume(): void {}
  slow(): void {}
}
