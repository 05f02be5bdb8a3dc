/**
 * Asks a PostgreSQL server over a few connections. Statements carry their values beside them and are prepared for one use,
 * so that a pooler such as PgBouncer may stand in between. Tables that are missing are made when a statement misses them.
 */
import { type ConnectionOptions, checkServerIdentity } from 'node:tls'
import type { Client, ClientConfig, Pool } from 'pg'
import { ApiError, type StoreFacts } from '../../../apis/index.ts'
import type { ComponentContext } from '../../../component.ts'
import { LiveSecret } from '../../../config/index.ts'
import { type ClientTls, openClientTls } from '../../../net/index.ts'
import type { Clock } from '../../../protocol.ts'
import { failure, isCollision, isMissing } from './failure.ts'
import type { PostgresqlOptions } from './options.ts'

export type SqlValue = string | number | bigint | null | readonly string[]
/** Values by the names of the columns; numbers of 64 bits are text. */
export type Row = Readonly<Record<string, string | null>>
/** Runs a statement of a transaction. */
export type Ask = (text: string, values?: readonly SqlValue[]) => Promise<readonly Row[]>

type Library = Pick<typeof import('pg'), 'Client' | 'Pool'>

/** Who collides with others goes again, so often at most. */
const MAX_ATTEMPTS = 10
/** Unused connections are closed after that. */
const IDLE_MS = 30_000

export class PostgresqlClient {
  readonly clock: Clock
  readonly #name: string
  readonly #library: Library
  readonly #options: PostgresqlOptions
  /** Each a CREATE TABLE IF NOT EXISTS. */
  readonly #tables: readonly string[]
  readonly #password: LiveSecret | undefined
  readonly #tls: ClientTls | undefined
  readonly #pool: Pool
  #closed = false

  private constructor(
    library: Library,
    options: PostgresqlOptions,
    tables: readonly string[],
    { name, logger, clock }: ComponentContext,
  ) {
    this.clock = clock
    this.#name = name
    this.#library = library
    this.#options = options
    this.#tables = tables
    const { password } = options.credentials
    const owner = `the password of component ${name}`
    this.#password = password && new LiveSecret(password, { name: owner, logger, clock })
    this.#tls = options.tls && openClientTls(options.tls, logger)
    const config = () => this.#config()
    this.#pool = new library.Pool({
      // With the certificates of now, each.
      Client: class extends library.Client {
        constructor() {
          super(config())
        }
      },
      connectionTimeoutMillis: options.connectTimeout,
      max: options.maxConnections,
      idleTimeoutMillis: IDLE_MS,
      allowExitOnIdle: true,
    })
    // Of a connection that nobody uses, and of one that is just being closed.
    this.#pool.on('error', () => {})
    this.#pool.on('connect', client => client.on('error', () => {}))
  }

  static async open(options: PostgresqlOptions, tables: readonly string[], context: ComponentContext) {
    const { default: library } = await import('pg')
    return new PostgresqlClient(library, options, tables, context)
  }

  /**
   * One statement, complete in itself. Rejects with `unavailable` when it has provably done nothing, with `unknown` when
   * it may have been executed, and as failure.ts says for an error of the server's.
   */
  write(text: string, values: readonly SqlValue[]): Promise<readonly Row[]> {
    return this.#run(ask => ask(text, values))
  }

  /** As write() for what changes nothing, which may always be asked again: then it rejects with `unavailable`. */
  async read(text: string, values: readonly SqlValue[]): Promise<readonly Row[]> {
    try {
      return await this.write(text, values)
    } catch (error) {
      if ((error as ApiError).code !== 'unknown') throw error
      throw new ApiError('unavailable', (error as Error).message, { cause: error })
    }
  }

  /** All of what the task asks, or nothing. The task may run several times, after what it did was undone. */
  transaction<Result>(task: (ask: Ask) => Promise<Result>): Promise<Result> {
    return this.#run(async ask => {
      await ask('BEGIN')
      let result: Result
      try {
        result = await task(ask)
      } catch (error) {
        // Where the connection is lost, the server undoes it by itself.
        await ask('ROLLBACK').catch(() => {})
        // Nothing is committed unless it is asked for.
        if (error instanceof ApiError && error.code === 'unknown')
          throw new ApiError('unavailable', error.message, { cause: error })
        throw error
      }
      await ask('COMMIT')
      return result
    })
  }

  async check(timeoutMs: number): Promise<StoreFacts> {
    const asked = this.read(
      "SELECT current_setting('server_version') AS version, pg_is_in_recovery()::text AS replica",
      [],
    )
    const [row] = await this.#within(asked, timeoutMs)
    if (row!['replica'] === 'true')
      throw new ApiError('unavailable', 'postgresql: the server is a replica and only reads')
    return { version: `PostgreSQL ${row!['version']!.split(' ')[0]}` }
  }

  /**
   * Connects for one notification channel. Rejects with an ApiError; `onEnd` is called once when the connection is lost.
   * The caller ends it.
   */
  async listen(channel: string, onNotice: () => void, onEnd: () => void): Promise<{ end(): void }> {
    const client = await this.#connected(new this.#library.Client({ ...this.#config(), keepAlive: true }))
    let over = false
    const end = (): void => {
      if (over) return
      over = true
      onEnd()
    }
    client.on('error', () => {})
    client.on('end', end)
    client.on('notification', onNotice)
    try {
      await client.query(`LISTEN "${channel}"`)
    } catch (error) {
      over = true
      void client.end().catch(() => {})
      throw failure(error, false)
    }
    return {
      end: () => {
        over = true
        void client.end().catch(() => {})
      },
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#password?.close()
    this.#tls?.close()
    await this.#pool.end().catch(() => {})
  }

  #config(): ClientConfig {
    const { address, database, credentials, connectTimeout, requestTimeout } = this.#options
    const password = this.#password
    const where = 'path' in address ? hostOfSocket(address.path) : { host: address.host, port: address.port }
    return {
      ...where,
      database,
      user: credentials.username,
      // Without one the library would look for it in the environment.
      password: () => (password ? fresh(password) : ''),
      ssl: this.#tls ? verifying(this.#tls.options(address)) : false,
      connectionTimeoutMillis: connectTimeout,
      query_timeout: requestTimeout,
      application_name: 'portolan',
    }
  }

  async #connected(client: Client): Promise<Client> {
    if (this.#closed) throw this.#over()
    try {
      await client.connect()
      return client
    } catch (error) {
      void client.end().catch(() => {})
      throw failure(error, false)
    }
  }

  async #run<Result>(task: (ask: Ask) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(task)
      } catch (error) {
        if (attempt === MAX_ATTEMPTS) throw error
        if (isMissing(error)) await this.#create(error as ApiError)
        else if (!isCollision(error)) throw error
      }
    }
  }

  async #once<Result>(task: (ask: Ask) => Promise<Result>): Promise<Result> {
    if (this.#closed) throw this.#over()
    const connection = await this.#pool.connect().catch(error => {
      throw failure(error, false)
    })
    let isLost = false
    const lose = (): void => {
      isLost = true
    }
    connection.once('error', lose)
    const ask: Ask = async (text, values = []) => {
      if (isLost) throw new ApiError('unavailable', 'postgresql: the connection was lost')
      try {
        const { rows } = await connection.query(text, values.map(written))
        return rows
      } catch (error) {
        // What the server did not say itself leaves nobody knowing what the connection is at.
        if ((error as { severity?: string }).severity === undefined) lose()
        throw failure(error, true)
      }
    }
    try {
      return await task(ask)
    } finally {
      connection.off('error', lose)
      connection.release(isLost)
    }
  }

  async #create(missing: ApiError): Promise<void> {
    const { create, schema } = this.#options
    if (!create) throw wanting(missing, missing, this.#tables)
    const make = async (statement: string): Promise<void> => {
      try {
        await this.#once(ask => ask(statement))
      } catch (error) {
        if (isCollision(error)) return
        throw error instanceof ApiError && error.code === 'denied' ? wanting(error, missing, this.#tables) : error
      }
    }
    // Who may create tables in a schema may not always create that, even if it is there.
    try {
      for (const statement of this.#tables) await make(statement)
    } catch (error) {
      if (!isMissing(error)) throw error
      await make(`CREATE SCHEMA IF NOT EXISTS "${schema}"`)
      for (const statement of this.#tables) await make(statement)
    }
  }

  async #within<T>(call: Promise<T>, timeoutMs: number): Promise<T> {
    let cancel = (): void => {}
    const late = new Promise<never>((_, reject) => {
      cancel = this.clock.after(timeoutMs, () =>
        reject(new ApiError('unavailable', `postgresql: no answer in ${timeoutMs} ms`)),
      )
    })
    return Promise.race([call, late]).finally(cancel)
  }

  #over(): ApiError {
    return new ApiError('unavailable', `component ${this.#name} is closed`)
  }
}

/** The library asks for the address's own name, whatever the configuration says: then that is what is verified. */
function verifying(options: ConnectionOptions): ConnectionOptions {
  const { servername } = options
  return servername ? { ...options, checkServerIdentity: (_, cert) => checkServerIdentity(servername, cert) } : options
}

/** The library wants the folder and the port, which make the name of the socket. */
function hostOfSocket(path: string): { host: string; port: number } {
  const [, folder = '/', port] = /^(.*)\/\.s\.PGSQL\.(\d+)$/.exec(path) ?? []
  return port === undefined ? { host: path, port: 5432 } : { host: folder, port: Number(port) }
}

function fresh(password: LiveSecret): Promise<string> {
  password.expire()
  return password.read().catch(cause => {
    throw new ApiError('denied', (cause as Error).message, { cause })
  })
}

const written = (value: SqlValue) => (typeof value === 'bigint' ? value.toString() : value)

/** The tables are missing, and cannot be made: somebody has to be told what to make. */
function wanting(error: ApiError, missing: ApiError, statements: readonly string[]): ApiError {
  const why = error === missing ? '' : ` and may not be created (${error.message})`
  const wanted = statements.map(text => `${text};`).join(' ')
  return new ApiError('denied', `${missing.message}: it is missing${why}. Have it made: ${wanted}`, { cause: missing })
}
