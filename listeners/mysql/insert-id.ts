/**
 * LAST_INSERT_ID() of a client. A server keeps one number per connection: it is asked for when another client takes over,
 * and set again where a statement may ask for it.
 */
import { type ResponseTracker, StatementFlag, StatementKind } from '../../codecs/mysql/index.ts'
import { type InsertUser, query, saveInsertId, type Upstream } from '../../src/backends/mysql/index.ts'
import type { StatementFacts } from './pinning.ts'

export class InsertId implements InsertUser {
  /** As it was on a connection that serves others now. */
  #value = '0'
  /** What inserts since then have told. */
  #told: string | null = null
  /** The connection that has it. */
  #upstream: Upstream | null = null

  /** In front of a statement: saves the number of the client before, and sets this one's if the statement may ask for it. */
  bring(upstream: Upstream, { kind, flags }: StatementFacts): void {
    if (upstream.insertUser !== this) saveInsertId(upstream)
    const mayRead = (flags & StatementFlag.LAST_INSERT_ID_READ) !== 0 || kind === StatementKind.CALL
    if (!mayRead || (upstream.insertUser === this && upstream === this.#upstream)) return
    this.#value = this.#told ?? this.#value
    this.#told = null
    upstream.insertId = this.#value
    query(upstream, `SET last_insert_id=${upstream.insertId}`, () => {})
    upstream.insertUser = this
    this.#upstream = upstream
  }

  /** Behind a statement that may have changed it. */
  note(upstream: Upstream, { insertId }: ResponseTracker, { flags }: StatementFacts): void {
    if (insertId === 0 && (flags & StatementFlag.LAST_INSERT_ID_WRITE) === 0) return
    upstream.insertUser = this
    this.#upstream = upstream
    this.#told = String(insertId)
  }

  saveInsertId(now: string, before: string, upstream: Upstream): void {
    // Late: the client has inserted elsewhere since.
    if (upstream !== this.#upstream) return
    // What was inserted under a number of the client's own is told as inserted, but does not change the function's value.
    // Another client may by chance have had the same number before.
    if (now !== before || now === this.#told) this.#value = now
    this.#told = null
  }

  reset(): void {
    this.#value = '0'
    this.#told = null
    this.#upstream = null
  }
}
