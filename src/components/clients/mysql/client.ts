/**
 * Asks a MySQL backend of Portolan's, on connections of the pool that its listeners' clients share, always at the server
 * that is written to. Tables that are missing are made when the first statement misses them.
 */
import { ApiError, type StoreFacts } from '../../../apis/index.ts'
import { type Answer, MysqlBackend, OwnLease } from '../../../backends/mysql/index.ts'
import type { ComponentContext } from '../../../component.ts'
import { ProxyError } from '../../../errors.ts'
import type { Clock } from '../../../protocol.ts'
import { failure, isCollision, isMissing, isReadOnly, refusal } from './failure.ts'
import type { MysqlTableOptions } from './options.ts'
import { name, type Sql, sql } from './sql.ts'

/** Runs a statement of a conversation. */
export type Ask = (statement: Sql) => Promise<Answer>

/** For a connection, for a statement, for what comes before a commit, for the commit. */
const ANSWER_MS = 5_000
/** So often at most, and not after a call's time is over. */
const MAX_ATTEMPTS = 10

export interface MysqlTables extends MysqlTableOptions {
  /** Each a CREATE TABLE IF NOT EXISTS. */
  readonly statements: readonly Sql[]
  /** Fails where a table is missing, and costs nothing else. */
  readonly look: Sql
}

export class MysqlClient {
  readonly clock: Clock
  readonly #context: ComponentContext
  readonly #tables: MysqlTables
  #closed = false

  /** Throws what can never work as configured. */
  constructor(context: ComponentContext, tables: MysqlTables) {
    this.clock = context.clock
    this.#context = context
    this.#tables = tables
    const backend = this.#backend
    if (!backend.hasAccount)
      throw new ApiError('denied', `backend ${backend.name} has no credentials, and a component has none of its own`)
  }

  /** As it is now: a reload may replace it. */
  get #backend(): MysqlBackend {
    const backend = this.#context.backend()
    if (backend instanceof MysqlBackend) return backend
    throw new ApiError('internal', `backend ${backend.name} is no mysql backend`)
  }

  /**
   * One statement, complete in itself. Rejects with `unavailable` when it has provably done nothing, with `unknown` when
   * it may have been executed, and as failure.ts says for an error of the server's.
   */
  write(statement: Sql): Promise<Answer> {
    return this.#run(lease => lease.ask(statement.text, ANSWER_MS))
  }

  /** As write() for what changes nothing, which may always be asked again: then it rejects with `unavailable`. */
  read(statement: Sql): Promise<Answer> {
    return this.write(statement).catch(repeatable)
  }

  /** All of what the task asks, or nothing. The task may run several times, after what it did was undone. */
  transaction<Result>(task: (ask: Ask) => Promise<Result>): Promise<Result> {
    return this.#run(lease => {
      const latest = this.clock.now() + ANSWER_MS
      const ask: Ask = ({ text }) => lease.ask(text, Math.max(1, latest - this.clock.now())).catch(fail)
      return lease.transaction(() => task(ask), ANSWER_MS)
    })
  }

  async check(timeoutMs: number): Promise<StoreFacts> {
    const look = async (lease: OwnLease) => {
      const { rows } = await lease.ask('SELECT VERSION()', timeoutMs)
      await lease.ask(this.#tables.look.text, timeoutMs)
      return rows[0]![0]!
    }
    const version = await this.#run(look, timeoutMs).catch(repeatable)
    return { version: `${version.includes('MariaDB') ? 'MariaDB' : 'MySQL'} ${version.replace(/-.*/, '')}` }
  }

  close(): void {
    this.#closed = true
  }

  /** Goes again where nothing was done: tables were missing, others did the same, another server is written to now. */
  async #run<Result>(task: (lease: OwnLease) => Promise<Result>, waitMs = ANSWER_MS): Promise<Result> {
    const latest = this.clock.now() + waitMs
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(task, waitMs)
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || this.clock.now() > latest) throw error
        if (isMissing(error)) await this.#create(error as ApiError)
        else if (!isCollision(error) && !(this.#backend.failsOver && isReadOnly(error))) throw error
      }
    }
  }

  async #once<Result>(task: (lease: OwnLease) => Promise<Result>, waitMs = ANSWER_MS): Promise<Result> {
    if (this.#closed) throw new ApiError('unavailable', `component ${this.#context.name} is closed`)
    const lease = await OwnLease.take(this.#backend, this.clock, waitMs).catch(error => {
      throw error instanceof ProxyError ? refusal(error) : error
    })
    try {
      return await task(lease).catch(fail)
    } finally {
      lease.end()
    }
  }

  async #create(missing: ApiError): Promise<void> {
    const { database, create, statements } = this.#tables
    if (!create) throw wanting(missing, missing, statements)
    const make = (statement: Sql) =>
      this.#once(lease => lease.ask(statement.text, ANSWER_MS)).catch(error => {
        throw error instanceof ApiError && error.code === 'denied' ? wanting(error, missing, statements) : error
      })
    const tables = async () => {
      for (const statement of statements) await make(statement)
    }
    // Who may create tables in a database may not always create that, even if it is there.
    await tables().catch(async error => {
      if (!isMissing(error)) throw error
      await make(sql`CREATE DATABASE IF NOT EXISTS ${name(database)}`)
      await tables()
    })
  }
}

function fail(error: unknown): never {
  throw error instanceof ProxyError ? failure(error) : error
}

/** To be thrown for what changes nothing and so may be asked again. */
function repeatable(error: unknown): never {
  const isUnknown = error instanceof ApiError && error.code === 'unknown'
  throw isUnknown ? new ApiError('unavailable', error.message, { cause: error }) : error
}

/** The tables are missing, and cannot be made: somebody has to be told what to make. */
function wanting(error: ApiError, missing: ApiError, statements: readonly Sql[]): ApiError {
  const why = error === missing ? '' : ` and may not be created (${error.message})`
  const wanted = statements.map(({ text }) => `${text};`).join(' ')
  return new ApiError('denied', `${missing.message}: it is missing${why}. Have it made: ${wanted}`, { cause: missing })
}
