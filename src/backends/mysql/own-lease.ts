/**
 * A connection of the pool that is lent to Portolan itself, for statements of a component's: to the server that is written
 * to, in a state of our own whatever the server's defaults are, and given back as clean as it was.
 */
import {
  type Capabilities,
  CLIENT_DEPRECATE_EOF,
  CLIENT_PROTOCOL_41,
  CLIENT_RESERVED2,
  CLIENT_SESSION_TRACK,
  CLIENT_TRANSACTIONS,
} from '../../../codecs/mysql/index.ts'
import { ProxyError } from '../../errors.ts'
import type { Clock } from '../../protocol.ts'
import type { Client, MysqlBackend } from './backend.ts'
import type { Identity } from './dialer.ts'
import { type Answer, ask, saveInsertId } from './own-statements.ts'
import { isReadOnlyRefusal, ServerRefusal } from './server-refusal.ts'
import { SessionState } from './session-state.ts'
import type { Upstream } from './upstream.ts'
import type { Holder } from './upstream-parties.ts'
import { nameAt } from './variables.ts'

const CAPABILITIES: Capabilities = {
  low:
    (CLIENT_PROTOCOL_41 | CLIENT_RESERVED2 | CLIENT_TRANSACTIONS | CLIENT_SESSION_TRACK | CLIENT_DEPRECATE_EOF) >>> 0,
  mariadb: 0,
}

const UTF8MB4_BIN = 46

/** What our statements rely on, and a server may be set up without. */
const STATE: Readonly<Record<string, string>> = {
  autocommit: 'ON',
  completion_type: 'NO_CHAIN',
  sql_mode: 'STRICT_TRANS_TABLES',
  transaction_isolation: 'REPEATABLE-READ',
}

/** A longer statement would be cut into several packets; servers refuse it by default. */
const MAX_STATEMENT_BYTES = 0xff_ffff - 16

export class OwnLease implements Client, Holder {
  readonly purpose = 'write'
  readonly preferred = null
  readonly state = new SessionState()
  readonly identity: Identity
  readonly group: string
  readonly #backend: MysqlBackend
  readonly #clock: Clock
  #upstream: Upstream | null = null
  #lost: ProxyError | null = null
  /** What is lost before the commit is sent has not happened. */
  #phase: 'single' | 'open' | 'committing' = 'single'
  #onWaited: (upstream: Upstream | null, error?: ProxyError) => void = () => {}

  /** Waits for a connection. Rejects with ProxyError; nothing has run then. */
  static async take(backend: MysqlBackend, clock: Clock, waitMs: number): Promise<OwnLease> {
    const lease = new OwnLease(backend, clock)
    await lease.#begin(backend.pool.take(lease) ?? (await lease.#wait(waitMs)))
    return lease
  }

  private constructor(backend: MysqlBackend, clock: Clock) {
    const { generation } = backend
    this.identity = { username: '', password: '', capabilities: CAPABILITIES, collation: UTF8MB4_BIN, generation }
    this.#backend = backend
    this.#clock = clock
    this.group = backend.groupOf(this.identity, this.state, this.purpose)
  }

  get key(): string {
    return this.state.key
  }

  /** Runs one statement. Rejects with ProxyError, which is retryable where it provably changed nothing. */
  ask(sql: string, timeoutMs: number): Promise<Answer> {
    const upstream = this.#upstream
    if (!upstream || upstream.closed) return Promise.reject(this.#lost ?? NOT_LENT())
    if (sql.length > MAX_STATEMENT_BYTES) return Promise.reject(TOO_LONG())
    return new Promise((resolve, reject) => {
      const fail = (error: ProxyError) => reject(this.#phase === 'open' ? undone(error) : error)
      const cancel = this.#clock.after(timeoutMs, () => {
        fail(new ProxyError('upstream-timeout', `no answer within ${timeoutMs} ms`, { source: 'upstream' }))
        this.end()
      })
      ask(upstream, sql, (error, answer) => {
        cancel()
        if (error) {
          if (isReadOnly(error)) this.#backend.onReadOnly(upstream)
          return fail(error)
        }
        const { insertId } = answer!
        if (insertId !== 0) upstream.insertId = String(insertId)
        resolve(answer!)
      })
    })
  }

  /** Runs what the task asks, all of it or nothing. Rejects as the task and ask() do. */
  async transaction<Result>(task: () => Promise<Result>, timeoutMs: number): Promise<Result> {
    this.#phase = 'open'
    await this.ask('START TRANSACTION', timeoutMs)
    const result = await task()
    this.#phase = 'committing'
    await this.ask('COMMIT', timeoutMs)
    this.#phase = 'single'
    return result
  }

  /** Gives the connection back, whatever it is doing. */
  end(): void {
    const upstream = this.#upstream
    if (!upstream) return
    this.#upstream = null
    if (!upstream.quiet) upstream.home.abandon(upstream)
    else if (this.#phase !== 'single') upstream.home.recycle(upstream)
    else upstream.home.release(upstream)
  }

  async #begin(upstream: Upstream): Promise<void> {
    // Lost since it was lent.
    if (upstream.closed) throw this.#lost ?? NOT_LENT()
    this.#upstream = upstream
    upstream.holder = this
    saveInsertId(upstream)
    const { baseline } = upstream.facts
    for (const [variable, value] of Object.entries(STATE)) {
      const name = nameAt(baseline, variable)
      if (name) this.state.set(name, value, baseline)
    }
    const error = await new Promise<ProxyError | null>(done => this.#backend.align(upstream, this.state, done))
    if (!error) return
    this.end()
    throw undone(error)
  }

  #wait(waitMs: number): Promise<Upstream> {
    return new Promise((resolve, reject) => {
      let cancelWait = () => {}
      const cancelTimer = this.#clock.after(waitMs, () => {
        cancelWait()
        const message = this.#backend.status().lastError ?? `no connection became free within ${waitMs} ms`
        reject(new ProxyError('pool-timeout', message, { source: 'portolan', retryable: true }))
      })
      this.#onWaited = (upstream, error) => {
        cancelTimer()
        if (upstream) resolve(upstream)
        else reject(error)
      }
      cancelWait = this.#backend.pool.wait(this)
    })
  }

  // --- What the pool and the connection tell -----------------------------------------------------------------------

  onUpstream(upstream: Upstream): void {
    // Before anybody else gets to it.
    upstream.holder = this
    this.#onWaited(upstream)
  }

  onNoUpstream(error: ProxyError): void {
    this.#onWaited(null, error)
  }

  yieldConnection(): boolean {
    return false
  }

  onUpstreamClosed(error: ProxyError): void {
    this.#upstream = null
    this.#lost = undone(error)
  }
}

const NOT_LENT = () =>
  new ProxyError('upstream-lost', 'the connection to the backend was closed', { source: 'portolan', retryable: true })
const TOO_LONG = () =>
  new ProxyError('statement-too-long', 'that is too much for one statement', { source: 'portolan' })

const isReadOnly = (error: ProxyError): boolean =>
  error instanceof ServerRefusal && isReadOnlyRefusal({ code: error.serverCode, message: error.words })

/** The same of what has not happened. */
function undone(cause: ProxyError): ProxyError {
  if (cause.retryable) return cause
  return new ProxyError(cause.code, cause.message, { source: 'upstream', retryable: true, cause })
}
