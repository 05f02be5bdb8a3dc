/**
 * A client of etcd v3: one method is called at one member, the next one is asked when that fails and the request
 * provably did not run or may run again. Logs in when there are credentials, and again when the token is none any more.
 */
import type * as Grpc from '@grpc/grpc-js'
import { ApiError, type StoreFacts } from '../../../apis/index.ts'
import type { ComponentContext } from '../../../component.ts'
import { LiveSecret } from '../../../config/index.ts'
import { type ClientTls, openClientTls } from '../../../net/index.ts'
import type { Clock } from '../../../protocol.ts'
import { EtcdCodec } from './codec.ts'
import { EtcdEndpoint } from './endpoint.ts'
import { apiError, hasNotRun, isAuthOff, isCancelled, isLost, isTokenRefused } from './failure.ts'
import { AUTHENTICATE, type Rpc, STATUS } from './messages.ts'
import type { EtcdOptions } from './options.ts'

export class EtcdClient {
  readonly clock: Clock
  readonly requestTimeoutMs: number
  readonly #options: EtcdOptions
  readonly #tls: ClientTls | undefined
  readonly #password: LiveSecret | undefined
  readonly #endpoints: readonly EtcdEndpoint[]
  readonly #streams = new Set<Grpc.ClientDuplexStream<never, unknown>>()
  /** The endpoint that is asked: the first one that did what it should. */
  #current = 0
  #token: Promise<string | undefined> | undefined
  #closed = false

  private constructor(grpc: typeof Grpc, codec: EtcdCodec, options: EtcdOptions, context: ComponentContext) {
    const { logger, clock, name } = context
    this.clock = clock
    this.requestTimeoutMs = options.requestTimeout
    this.#options = options
    this.#tls = options.tls && openClientTls(options.tls, logger)
    this.#endpoints = options.endpoints.map(address => new EtcdEndpoint(grpc, codec, address, this.#tls))
    const owner = `the password of component ${name}`
    this.#password = options.credentials && new LiveSecret(options.credentials.password, { name: owner, logger, clock })
  }

  static async open(options: EtcdOptions, context: ComponentContext): Promise<EtcdClient> {
    return new EtcdClient(await import('@grpc/grpc-js'), await EtcdCodec.load(), options, context)
  }

  /** Rejects with an ApiError, in time. */
  async call<Request, Response>(
    rpc: Rpc<Request, Response>,
    request: Request,
    timeoutMs = this.requestTimeoutMs,
  ): Promise<Response> {
    const { clock } = this
    const deadline = clock.now() + timeoutMs
    let failure: unknown
    let logins = 0
    for (let attempt = 0; attempt < this.#endpoints.length; ) {
      const endpoint = this.#chosen()
      const left = deadline - clock.now()
      if (left <= 0) break
      try {
        await endpoint.ready(Math.min(left, this.#options.connectTimeout))
      } catch (error) {
        failure = error
        this.#leave(endpoint)
        attempt++
        continue
      }
      const token = rpc.path === AUTHENTICATE.path ? undefined : await this.#login()
      try {
        return await endpoint.call(rpc, request, token, Math.max(1, deadline - clock.now()))
      } catch (error) {
        const status = error as Grpc.ServiceError
        if (this.#password && isTokenRefused(status) && logins++ < 2) {
          this.#logout()
          continue
        }
        if (isLost(status)) this.#leave(endpoint)
        failure = this.#closed ? closed() : apiError(status, rpc.repeatable)
        if (!isLost(status) || !(rpc.repeatable || hasNotRun(status))) throw failure
        attempt++
      }
    }
    throw failure ?? new ApiError('unavailable', `etcd did not answer within ${timeoutMs} ms`)
  }

  /** A stream at the present endpoint; `leave` it when it fails. Rejects with an ApiError. */
  async stream<Request, Response>(rpc: Rpc<Request, Response>): Promise<Grpc.ClientDuplexStream<Request, Response>> {
    const endpoint = this.#chosen()
    try {
      await endpoint.ready(this.#options.connectTimeout)
    } catch (error) {
      this.#leave(endpoint)
      throw error
    }
    const stream = endpoint.stream(rpc, await this.#login())
    if (this.#closed) stream.cancel()
    this.#streams.add(stream)
    stream.once('error', (error: Grpc.ServiceError) => {
      this.#streams.delete(stream)
      if (isTokenRefused(error)) this.#logout()
      if (isLost(error) && !isCancelled(error)) this.#leave(endpoint)
    })
    stream.once('end', () => this.#streams.delete(stream))
    return stream
  }

  async check(timeoutMs: number): Promise<StoreFacts> {
    const { version, dbSize, leader } = await this.call(STATUS, {}, timeoutMs)
    const endpoint = this.#endpoints[this.#current]!.address
    const facts = { endpoint, 'database bytes': String(dbSize) }
    if (leader === 0n) throw new ApiError('unavailable', `etcd at ${endpoint} has no leader`)
    return { version: `etcd ${version}`, facts }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const stream of this.#streams) stream.cancel()
    for (const endpoint of this.#endpoints) endpoint.close()
    this.#password?.close()
    this.#tls?.close()
  }

  #chosen(): EtcdEndpoint {
    if (this.#closed) throw closed()
    return this.#endpoints[this.#current]!
  }

  /** Several calls that fail at the same endpoint move on by one only. */
  #leave(endpoint: EtcdEndpoint): void {
    if (this.#endpoints[this.#current] === endpoint) this.#current = (this.#current + 1) % this.#endpoints.length
  }

  /** The token to send; undefined where none is needed. */
  #login(): Promise<string | undefined> {
    if (!this.#password) return Promise.resolve(undefined)
    this.#token ??= this.#authenticate(this.#password).catch(error => {
      this.#logout()
      throw error
    })
    return this.#token
  }

  #logout(): void {
    this.#token = undefined
    this.#password?.expire()
  }

  async #authenticate(password: LiveSecret): Promise<string | undefined> {
    const name = this.#options.credentials!.username
    const secret = await password.read().catch(cause => {
      throw new ApiError('denied', (cause as Error).message, { cause })
    })
    try {
      return (await this.call(AUTHENTICATE, { name, password: secret })).token
    } catch (error) {
      if (isAuthOff((error as Error).cause as Grpc.ServiceError)) return undefined
      throw error
    }
  }
}

function closed(): ApiError {
  return new ApiError('unavailable', 'the component is closed')
}
