/** Takes the replies that a client does not want (CLIENT REPLY OFF and SKIP); they still count. */
import type { ReplySink } from '../../src/backends/redis/index.ts'
import type { Session } from './session.ts'

const NOTHING = Buffer.alloc(0)

export class MutedSink implements ReplySink {
  readonly framewise = false
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  get stats() {
    return this.#session.stats
  }

  deliver(bytes: Buffer, start: number, _end: number, replies: number): boolean {
    return replies > 0 && this.#session.deliver(bytes, start, start, replies)
  }

  deliverLocal(): void {}

  fail(replies: number): void {
    this.#session.deliver(NOTHING, 0, 0, replies)
  }

  resume(): void {
    this.#session.resume()
  }

  slow(operation: number, durationMs: number): void {
    this.#session.slow(operation, durationMs)
  }
}
