/** Makes a connection right for a client: its database, then the variables that differ. */
import type { ProxyError } from '../../errors.ts'
import { run, useSchema } from './own-statements.ts'
import type { SessionState } from './session-state.ts'
import type { Upstream } from './upstream.ts'

/** Statements of ours that a server has accepted once, and so will again: they go out in one write with the request. */
const MAX_PROVEN = 1000

export class Alignment {
  readonly #proven = new Set<string>()

  /** Brings a connection into a client's state. The callback may come at once. */
  align(upstream: Upstream, state: SessionState, done: (error: ProxyError | null) => void): void {
    const { schema } = state
    if (schema !== null && upstream.state.schema !== schema) {
      // Awaited: a statement must not run in another database because this one is gone.
      useSchema(upstream, schema, error => (error ? done(error) : this.align(upstream, state, done)))
      return
    }
    const sql = upstream.state.changeTo(state, upstream.facts.baseline)
    if (sql === '') return done(null)
    if (this.#proven.has(sql)) {
      run(upstream, sql, error => {
        if (error) upstream.destroy(error)
      })
      upstream.state.copy(state)
      return done(null)
    }
    run(upstream, sql, error => {
      if (!error && this.#proven.size < MAX_PROVEN) this.#proven.add(sql)
      done(error)
    })
  }
}
