/**
 * A client of ZooKeeper: one connection at a time, to one endpoint after the other, in one session as long as that lasts.
 * Watches end with their connection; whoever watches begins anew with the next one, and reads after that.
 */
import { ERROR, EXISTS, type Operation, type Session } from '../../../../codecs/zookeeper/index.ts'
import { ApiError, type StoreFacts } from '../../../apis/index.ts'
import type { ComponentContext } from '../../../component.ts'
import { type Address, LiveSecret } from '../../../config/index.ts'
import { type ClientTls, connected, formatAddress, openClientTls } from '../../../net/index.ts'
import type { Clock } from '../../../protocol.ts'
import { ZooKeeperConnection } from './connection.ts'
import { isCode } from './failure.ts'
import type { ZooKeeperOptions } from './options.ts'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000

export class ZooKeeperClient {
  readonly clock: Clock
  readonly requestTimeoutMs: number
  /** Whether nodes are to be made for the user that we are. */
  readonly isAuthenticated: boolean
  readonly #options: ZooKeeperOptions
  readonly #tls: ClientTls | undefined
  readonly #password: LiveSecret | undefined
  #session: Session
  #lastZxid = 0n
  #turn = 0
  /** The connection, or the one that is being made. Rejected while it is paused after a failure. */
  #current!: Promise<ZooKeeperConnection>
  #connection: ZooKeeperConnection | undefined
  #stopPause = (): void => {}
  #closed = false

  constructor(options: ZooKeeperOptions, { name, logger, clock }: ComponentContext) {
    this.clock = clock
    this.requestTimeoutMs = options.requestTimeout
    this.isAuthenticated = options.credentials !== undefined
    this.#options = options
    this.#tls = options.tls && openClientTls(options.tls, logger)
    const owner = `the password of component ${name}`
    this.#password = options.credentials && new LiveSecret(options.credentials.password, { name: owner, logger, clock })
    this.#session = this.#newSession()
    // So that not all sidecars are at the same server.
    this.#turn = Math.floor(Math.random() * options.endpoints.length)
    this.#connect(0)
  }

  /** Rejects with an ApiError: at once while the servers are known to be away. */
  connection(timeoutMs = this.requestTimeoutMs): Promise<ZooKeeperConnection> {
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(timeoutMs, () =>
        reject(new ApiError('unavailable', `ZooKeeper cannot be reached: no connection within ${timeoutMs} ms`)),
      )
      this.#current.then(resolve, reject).finally(cancel)
    })
  }

  /** Rejects with an ApiError, in time; `unavailable` only if nothing has changed. */
  async call<Request, Result>(
    operation: Operation<Request, Result>,
    request: Request,
    timeoutMs = this.requestTimeoutMs,
  ): Promise<Result> {
    return (await this.connection(timeoutMs)).call(operation, request, timeoutMs)
  }

  async check(timeoutMs: number): Promise<StoreFacts> {
    const connection = await this.connection(timeoutMs)
    await connection.call(EXISTS, { path: '/', watch: false }, timeoutMs)
    return {
      version: 'ZooKeeper',
      facts: { endpoint: connection.address, 'session timeout': `${this.#session.timeoutMs} ms` },
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stopPause()
    this.#current = Promise.reject(closed())
    this.#current.catch(() => {})
    this.#connection?.closeSession()
    this.#password?.close()
    this.#tls?.close()
  }

  #connect(failures: number): void {
    this.#current = this.#dialAny()
    this.#current.then(
      connection => {
        connection.listen({
          onEvent() {},
          onLost: () => {
            this.#lastZxid = connection.lastZxid
            if (!this.#closed) this.#connect(0)
          },
        })
      },
      () => {
        if (this.#closed) return
        const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10))
        this.#stopPause = this.clock.after(pause, () => this.#connect(failures + 1))
      },
    )
  }

  /** Each endpoint once; one that knows nothing of the session any more once again. */
  async #dialAny(): Promise<ZooKeeperConnection> {
    const { endpoints } = this.#options
    let failure: unknown
    for (let left = endpoints.length; left > 0 && !this.#closed; left--) {
      const address = endpoints[this.#turn % endpoints.length]!
      try {
        return await this.#dial(address)
      } catch (error) {
        failure = error
        if (isCode(error, ERROR.sessionExpired) && this.#session.id !== 0n) {
          left++
          this.#session = this.#newSession()
        } else this.#turn++
      }
    }
    throw failure ?? closed()
  }

  async #dial(address: Address): Promise<ZooKeeperConnection> {
    const { connectTimeout, credentials } = this.#options
    const where = formatAddress(address)
    try {
      const password = await this.#password?.read()
      const socket = await connected({ address, tls: this.#tls, connectTimeoutMs: connectTimeout })
      const connection = new ZooKeeperConnection(socket, {
        address: where,
        session: this.#session,
        lastZxid: this.#lastZxid,
        digest: credentials && `${credentials.username}:${password}`,
        clock: this.clock,
        connectTimeoutMs: connectTimeout,
      })
      this.#connection = connection
      if (this.#closed) connection.closeSession()
      this.#session = await connection.ready
      return connection
    } catch (error) {
      if (error instanceof ApiError) throw error
      const text = `ZooKeeper at ${where} cannot be reached: ${(error as Error).message}`
      throw new ApiError('unavailable', text, { cause: error })
    }
  }

  #newSession(): Session {
    return { id: 0n, password: Buffer.alloc(16), timeoutMs: this.#options.sessionTimeout }
  }
}

function closed(): ApiError {
  return new ApiError('unavailable', 'the component is closed')
}
