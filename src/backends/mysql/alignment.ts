/** Makes a connection right for a client: its database, then the variables that differ. */
import type { ProxyError } from '../../errors.ts'
import { run, useSchema } from './own-statements.ts'
import { ServerRefusal } from './server-refusal.ts'
import { type Changes, namesInOrder, type SessionState, setStatement } from './session-state.ts'
import type { Upstream } from './upstream.ts'
import { valueElsewhere } from './variables.ts'

/** Statements of ours that a server has accepted once, and so will again: they go out in one write with the request. */
const MAX_PROVEN = 1000

/** There is no such character set, system variable, value, collation, time zone, locale. */
const UNKNOWN_HERE: ReadonlySet<number> = new Set([1115, 1193, 1231, 1273, 1298, 1649])

type Done = (error: ProxyError | null) => void

export class Alignment {
  readonly #proven = new Set<string>()
  readonly #onUnknown: (variable: string) => void

  /** `onUnknown` hears of variables that a client had at another server and cannot have here. */
  constructor(onUnknown: (variable: string) => void) {
    this.#onUnknown = onUnknown
  }

  /** Brings a connection into a client's state. The callback may come at once. */
  align(upstream: Upstream, state: SessionState, done: Done): void {
    const { schema } = state
    if (schema !== null && upstream.state.schema !== schema) {
      // Awaited: a statement must not run in another database because this one is gone.
      useSchema(upstream, schema, error => (error ? done(error) : this.align(upstream, state, done)))
      return
    }
    const { baseline } = upstream.facts
    const target = state.at(baseline)
    const changes = upstream.state.changesTo(target, baseline)
    if (changes.size === 0) return done(null)
    const sql = setStatement(changes)
    if (this.#proven.has(sql)) {
      run(upstream, sql, error => {
        if (error) upstream.destroy(error)
      })
      upstream.state.copy(target)
      return done(null)
    }
    run(upstream, sql, error => {
      if (isUnknownHere(error)) return this.#setEach(upstream, changes, namesInOrder(changes), done)
      if (!error && this.#proven.size < MAX_PROVEN) this.#proven.add(sql)
      done(error)
    })
  }

  /** The server is of another product than the one that told the values: what it has of them is set, one by one. */
  #setEach(upstream: Upstream, changes: Changes, [name, ...rest]: readonly string[], done: Done): void {
    if (name === undefined) return done(null)
    const next = () => this.#setEach(upstream, changes, rest, done)
    const set = (value: string | undefined, otherwise: Done) =>
      run(upstream, setStatement(new Map([[name, value]])), error => (error ? otherwise(error) : next()))
    const give = (error: ProxyError | null) => {
      if (!isUnknownHere(error)) return done(error)
      this.#onUnknown(name)
      next()
    }
    const value = changes.get(name)
    set(value, error => {
      const other = value === undefined ? undefined : valueElsewhere(name, value)
      if (isUnknownHere(error) && other !== undefined && other !== value) set(other, give)
      else give(error)
    })
  }
}

function isUnknownHere(error: ProxyError | null): boolean {
  return error instanceof ServerRefusal && UNKNOWN_HERE.has(error.serverCode)
}
