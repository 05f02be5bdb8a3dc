/**
 * A connection of our own beside the data path, spoken by mysql2, which is loaded when the first one is opened. Dialling
 * and TLS are those of all upstream connections. Everything has a deadline.
 */
import type { Socket } from 'node:net'
import { TLSSocket, connect as tlsConnect } from 'node:tls'
import type { Connection, QueryError, RowDataPacket } from 'mysql2'
import type { Address } from '../../config/index.ts'
import { ProxyError } from '../../errors.ts'
import { type ClientTls, connected, formatAddress } from '../../net/index.ts'
import { authPlugins } from './control-auth.ts'

export interface ControlTarget {
  readonly address: Address
  readonly tls: ClientTls | undefined
  readonly username: string
  readonly password: string
  /** For everything until the login is over, and for each statement; in milliseconds. */
  readonly timeoutMs: number
}

/** A row: values as the server's text, by the name of the column. */
export type Row = Readonly<Record<string, string | null>>

/** What went wrong once the connection stood. */
export class ControlError extends ProxyError {
  readonly stage: 'authenticate' | 'query'
  /** The server's error number, when it was the server that refused. */
  readonly number: number | undefined

  constructor(stage: ControlError['stage'], code: string, message: string, number?: number) {
    super(code, message, { source: 'upstream', retryable: stage === 'authenticate' })
    this.stage = stage
    this.number = number
  }
}

export class ControlConnection {
  readonly #connection: Connection
  readonly #timeoutMs: number

  /** Connects, does TLS and logs in. Rejects with what connect() says, or with ControlError. */
  static async open(target: ControlTarget): Promise<ControlConnection> {
    const { address, tls, username, password, timeoutMs } = target
    const deadline = performance.now() + timeoutMs
    const { createConnection } = await import('mysql2')
    const stream = await connected({ address, connectTimeoutMs: timeoutMs })
    const isLocal = 'path' in address
    const connection = createConnection({
      stream,
      // Tells mysql2 that nobody else reads along, without TLS.
      ...(isLocal && { socketPath: address.path }),
      user: username,
      password,
      connectTimeout: Math.max(1, deadline - performance.now()),
      // Should ours not be used, mysql2's own TLS accepts less and not more.
      ...(tls && { ssl: { rejectUnauthorized: true, verifyIdentity: true } }),
      // Tokens of clouds go in clear, but not where they could be read.
      enableCleartextPlugin: tls !== undefined || isLocal,
      authPlugins: authPlugins(password),
      flags: ['-LOCAL_FILES'],
      connectAttributes: { program_name: 'portolan' },
      disableEval: true,
      typeCast: field => field.string('utf8'),
    })
    if (tls) useOurTls(connection as unknown as Upgradable, tls, address)
    try {
      await loggedIn(connection)
    } catch (error) {
      connection.destroy()
      throw loginError(error as QueryError, target)
    }
    // What happens while nobody asks is told to the next one who does.
    connection.on('error', () => {})
    return new ControlConnection(connection, timeoutMs)
  }

  private constructor(connection: Connection, timeoutMs: number) {
    this.#connection = connection
    this.#timeoutMs = timeoutMs
  }

  /** The TLS version in use; undefined without TLS. */
  get tls(): string | undefined {
    const { stream } = this.#connection as unknown as Upgradable
    return stream instanceof TLSSocket ? (stream.getProtocol() ?? undefined) : undefined
  }

  /** The rows of a statement, if it has some. Rejects with ControlError; after a timeout the connection is of no use. */
  query(sql: string): Promise<readonly Row[]> {
    return new Promise((resolve, reject) => {
      this.#connection.query<RowDataPacket[]>({ sql, timeout: this.#timeoutMs }, (error, rows) => {
        if (error) reject(queryError(error, this.#timeoutMs))
        else resolve(Array.isArray(rows) ? (rows as Row[]) : [])
      })
    })
  }

  close(): void {
    this.#connection.destroy()
  }
}

function loggedIn(connection: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.once('connect', () => resolve())
    connection.once('error', reject)
  })
}

/** What of mysql2's connection an upgrade to TLS has to do with. */
interface Upgradable {
  stream: Socket
  readonly packetParser: { execute(chunk: Buffer): void }
  startTLS(onSecure: (error?: Error) => void): void
  emit(event: 'error', error: Error): boolean
}

/** mysql2 verifies names only, not addresses, and has no context that follows its files. */
function useOurTls(connection: Upgradable, tls: ClientTls, address: Address): void {
  connection.startTLS = onSecure => {
    const plain = connection.stream
    plain.removeAllListeners('data')
    const secure = tlsConnect({ ...tls.options(address), socket: plain })
    let onError = onSecure
    secure.once('secureConnect', () => {
      onError = error => void connection.emit('error', error!)
      onSecure()
    })
    secure.on('error', error => onError(error))
    secure.on('data', chunk => connection.packetParser.execute(chunk))
    connection.stream = secure
  }
}

function loginError(error: QueryError, { address, timeoutMs }: ControlTarget): ProxyError {
  const where = formatAddress(address)
  const failed = (code: string, message: string) => new ControlError('authenticate', code, message, error.errno)
  const withoutTls = (why: string) =>
    new ProxyError('upstream-tls', `TLS with ${where} failed: ${why}`, {
      source: 'upstream',
      retryable: true,
      cause: error,
    })
  switch (error.code) {
    case 'HANDSHAKE_NO_SSL_SUPPORT':
      return withoutTls('the server does not offer it')
    case 'HANDSHAKE_SSL_ERROR':
      return withoutTls(error.message)
    case 'ETIMEDOUT':
      return failed('upstream-timeout', `${where} was reached, but the login was not over within ${timeoutMs} ms`)
    case 'PROTOCOL_CONNECTION_LOST':
    case 'ECONNRESET':
      return failed('upstream-lost', `${where} closed the connection instead of letting us log in`)
    case 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED':
      return failed('upstream-auth-plugin', 'the account wants the password in clear (mysql_clear_password)')
    case 'AUTH_SWITCH_PLUGIN_ERROR': {
      const plugin = /unknown plugin (\S+)\. /.exec(error.message)?.[1]
      const what = plugin ? `the authentication plugin ${plugin}` : `what we cannot give: ${error.message}`
      return failed('upstream-auth-plugin', `the account wants ${what}`)
    }
    default:
      if (error.errno !== undefined) return failed('upstream-login', `${error.message} (${error.errno})`)
      return failed('upstream-protocol', `${where} does not answer as MySQL does: ${error.message}`)
  }
}

function queryError(error: QueryError, timeoutMs: number): ControlError {
  if (error.code === 'PROTOCOL_SEQUENCE_TIMEOUT') {
    return new ControlError('query', 'upstream-timeout', `no answer within ${timeoutMs} ms`)
  }
  const message = error.errno === undefined ? error.message : `${error.message} (${error.errno})`
  return new ControlError('query', 'upstream-query', message, error.errno)
}
