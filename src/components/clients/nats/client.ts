/**
 * A connection to NATS that is made when it is needed and made anew after it is lost. The client library's own
 * reconnecting stays off: it keeps requests and sends them later, when whoever asked has been told that they failed.
 */
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream'
import type { Kvm } from '@nats-io/kv'
import type { MsgHdrs, NatsConnection, TlsOptions } from '@nats-io/transport-node'
import { ApiError, type StoreFacts } from '../../../apis/index.ts'
import type { ComponentContext } from '../../../component.ts'
import { LiveSecret } from '../../../config/index.ts'
import { type ClientTls, formatAddress, openClientTls } from '../../../net/index.ts'
import type { Clock } from '../../../protocol.ts'
import { apiError } from './failure.ts'
import type { NatsOptions } from './options.ts'

type Library = typeof import('@nats-io/transport-node') &
  typeof import('@nats-io/jetstream') &
  Pick<typeof import('@nats-io/kv'), 'Kvm'>

/** A connection and what is reached over it. */
export interface NatsSession {
  readonly connection: NatsConnection
  readonly streams: JetStreamClient
  readonly manager: JetStreamManager
  readonly buckets: Kvm
  /** Calls once when the connection is lost, also when it is already; what it returns calls that off. */
  onLost(hear: () => void): () => void
}

export class NatsClient {
  readonly clock: Clock
  readonly requestTimeoutMs: number
  readonly replicas: number
  readonly #library: Library
  readonly #options: NatsOptions
  readonly #password: LiveSecret | undefined
  readonly #tls: ClientTls | undefined
  #session: Promise<NatsSession> | undefined
  #closed = false

  private constructor(library: Library, options: NatsOptions, { name, logger, clock }: ComponentContext) {
    this.clock = clock
    this.requestTimeoutMs = options.requestTimeout
    this.replicas = options.replicas
    this.#library = library
    this.#options = options
    this.#tls = options.tls && openClientTls(options.tls, logger)
    const owner = `the password of component ${name}`
    this.#password = options.credentials && new LiveSecret(options.credentials.password, { name: owner, logger, clock })
  }

  static async open(options: NatsOptions, context: ComponentContext): Promise<NatsClient> {
    const [transport, jetstream, { Kvm }] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/jetstream'),
      import('@nats-io/kv'),
    ])
    return new NatsClient({ ...transport, ...jetstream, Kvm }, options, context)
  }

  /** The present connection, or a new one. Rejects with an ApiError. */
  session(): Promise<NatsSession> {
    if (this.#closed) return Promise.reject(closed())
    if (this.#session) return this.#session
    const mine = this.#connect()
    this.#session = mine
    const forget = (): void => {
      if (this.#session === mine) this.#session = undefined
    }
    mine.then(({ connection }) => connection.closed().then(forget, forget), forget)
    return mine
  }

  /** Rejects with an ApiError, in time. */
  async call<T>(ask: (session: NatsSession) => Promise<T>, repeatable: boolean, timeoutMs?: number): Promise<T> {
    return this.callOn(await this.session(), ask, repeatable, timeoutMs)
  }

  /** Over that connection or none. */
  async callOn<T>(
    session: NatsSession,
    ask: (session: NatsSession) => Promise<T>,
    repeatable: boolean,
    timeoutMs?: number,
  ): Promise<T> {
    const limit = timeoutMs ?? this.requestTimeoutMs
    let cancel = (): void => {}
    const lost = new Promise<never>((_, reject) => {
      const stopTimer = this.clock.after(limit, () => reject(new Error(`no answer in ${limit} ms`)))
      const stopHearing = session.onLost(() => reject(new Error('the connection was lost')))
      cancel = () => {
        stopTimer()
        stopHearing()
      }
    })
    try {
      return await Promise.race([ask(session), lost])
    } catch (error) {
      throw this.#closed ? closed() : apiError(error, repeatable)
    } finally {
      cancel()
    }
  }

  headers(fields: Readonly<Record<string, string>>): MsgHdrs {
    const headers = this.#library.headers()
    for (const [name, value] of Object.entries(fields)) headers.set(name, value)
    return headers
  }

  /** A subject that nobody else listens to. */
  inbox(): string {
    return this.#library.createInbox()
  }

  async check(timeoutMs: number): Promise<StoreFacts> {
    const { version, server, streams } = await this.call(
      async ({ connection, manager }) => {
        const account = await manager.getAccountInfo()
        return { version: connection.info!.version, server: connection.getServer(), streams: account.streams }
      },
      true,
      timeoutMs,
    )
    return { version: `nats-server ${version}`, facts: { server, streams: String(streams) } }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#password?.close()
    this.#tls?.close()
    const session = await this.#session?.catch(() => undefined)
    await session?.connection.close().catch(() => {})
  }

  async #connect(): Promise<NatsSession> {
    const { jetstream, jetstreamManager, Kvm } = this.#library
    const { credentials, requestTimeout } = this.#options
    try {
      const login = credentials && { user: credentials.username, pass: await this.#read() }
      const connection = await this.#dial(login)
      try {
        const options = { timeout: requestTimeout, checkAPI: false }
        const streams = jetstream(connection, options)
        const manager = await jetstreamManager(connection, options)
        if (this.#closed) throw closed()
        return { connection, streams, manager, buckets: new Kvm(streams), onLost: lossOf(connection) }
      } catch (error) {
        await connection.close().catch(() => {})
        throw error
      }
    } catch (error) {
      throw apiError(error, true)
    }
  }

  /** To the first server that can be reached, as each may have a name of its own to verify. */
  async #dial(login: { user: string; pass: string } | undefined): Promise<NatsConnection> {
    const { servers, connectTimeout: timeout, requestTimeout } = this.#options
    let failure: unknown
    for (const server of servers) {
      try {
        return await this.#library.connect({
          servers: formatAddress(server),
          reconnect: false,
          // A connection over which nothing comes any more is lost after two of them.
          pingInterval: requestTimeout,
          maxPingOut: 2,
          timeout,
          ...login,
          ...(this.#tls && { tls: this.#tls.options(server) as TlsOptions }),
        })
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  #read(): Promise<string> {
    this.#password!.expire()
    return this.#password!.read().catch(cause => {
      throw new ApiError('denied', (cause as Error).message, { cause })
    })
  }
}

function closed(): ApiError {
  return new ApiError('unavailable', 'the component is closed')
}

/** One listener to the end of the connection for all: what is chained to its promise stays as long as that does. */
function lossOf(connection: NatsConnection): NatsSession['onLost'] {
  const hearers = new Set<() => void>()
  connection.closed().then(() => {
    for (const hear of hearers) hear()
    hearers.clear()
  })
  return hear => {
    // A wrapper, so that the same function may be given twice.
    const mine = (): void => hear()
    if (connection.isClosed()) queueMicrotask(mine)
    else hearers.add(mine)
    return () => hearers.delete(mine)
  }
}
