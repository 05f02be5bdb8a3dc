/**
 * Changes one whole reply on its way: where the truth about all clients of the sidecar differs from the backend's. What
 * cannot be told at once is given to `later`, and null returned.
 */
import type { ReplySink } from '../../src/backends/redis/index.ts'
import type { ProxyError } from '../../src/errors.ts'
import type { Session } from './session.ts'

export type Rewrite = (reply: Buffer, later: (changed: Buffer) => void) => Buffer | null

export class RewritingSink implements ReplySink {
  readonly framewise = false
  readonly #to: ReplySink
  readonly #rewrite: Rewrite
  readonly #pieces: Buffer[] = []

  constructor(session: Session, rewrite: Rewrite, to: ReplySink = session.replySink) {
    this.#to = to
    this.#rewrite = rewrite
  }

  get stats() {
    return this.#to.stats
  }

  deliver(bytes: Buffer, start: number, end: number, replies: number): boolean {
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)))
    if (replies === 0) return false
    // Ours from here on: that a write holds it is no concern of the pipeline.
    const give = (reply: Buffer) => this.#to.deliver(reply, 0, reply.length, replies)
    const reply = this.#rewrite(Buffer.concat(this.#pieces), give)
    if (reply !== null) give(reply)
    return false
  }

  deliverLocal(reply: Buffer): void {
    this.#to.deliverLocal(reply)
  }

  fail(replies: number, error: ProxyError): void {
    this.#to.fail(replies, error, false)
  }

  resume(): void {
    this.#to.resume()
  }

  slow(operation: number, durationMs: number): void {
    this.#to.slow(operation, durationMs)
  }
}
