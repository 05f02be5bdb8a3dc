/** Who gets the replies of a pipeline: a session, or the backend itself for its own commands. */
import type { ProxyError } from '../../errors.ts'
import type { OperationStats } from '../../observability/operation-stats.ts'

export interface ReplySink {
  /** Counts what this sink's requests did; null for the backend's own. */
  readonly stats: OperationStats | null
  /** Gets each message that comes unasked by itself, instead of all that were read at once. */
  readonly framewise: boolean
  /**
   * Takes the bytes of `replies` whole replies; with `replies` 0 a piece of one, of which more comes.
   * The bytes lie in a buffer that is read into again: write or copy them before returning. Returns true when a write
   * still holds the buffer, which the pipeline then leaves to it.
   */
  deliver(bytes: Buffer, start: number, end: number, replies: number): boolean
  /** Takes a reply that waited for its turn behind requests; counts as none. */
  deliverLocal(reply: Buffer): void
  /** The next `replies` replies will not come; `begun` when a piece of the first has been delivered. */
  fail(replies: number, error: ProxyError, begun: boolean): void
  /** The pipeline takes requests again, after `send` had returned false. */
  resume(): void
  /** A request took longer than the slow log's threshold. */
  slow(operation: number, durationMs: number): void
}

/** Takes the replies that nobody waits for any more. */
export const nobody: ReplySink = {
  stats: null,
  framewise: false,
  deliver: () => false,
  deliverLocal() {},
  fail() {},
  resume() {},
  slow() {},
}
