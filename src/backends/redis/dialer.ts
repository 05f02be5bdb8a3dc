/** Opens upstream connections: picks an endpoint, dials, shakes hands, and hands the socket to a pipeline. */
import type { Socket } from 'node:net'
import { ProxyError } from '../../errors.ts'
import { type ClientTls, connect } from '../../net/index.ts'
import type { Clock } from '../../protocol.ts'
import type { Endpoint } from './endpoint.ts'
import { Handshake, type ServerIdentity } from './handshake.ts'
import type { Pipeline } from './pipeline.ts'

export interface DialerOptions {
  readonly endpoints: readonly Endpoint[]
  readonly tls: ClientTls | undefined
  readonly connectTimeoutMs: number
  readonly username: string | undefined
  /** Asked for each connection, so that rotated secrets are picked up; undefined where there is none. */
  readonly password: () => Promise<string | undefined>
  readonly onIdentity: (identity: ServerIdentity, endpoint: Endpoint) => void
  /** The server refused the credentials. */
  readonly onRefused: () => void
  readonly onReadOnly: () => void
  /** How an attempt ended: null for well. */
  readonly onOutcome: (error: ProxyError | null) => void
}

/** Refusals of a server that is there and well. */
const NO_FAULT = new Set(['upstream-database', 'upstream-resp3', 'upstream-busy'])

export class Dialer {
  readonly #options: DialerOptions
  readonly #clock: Clock
  #preferred = 0

  constructor(options: DialerOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** Milliseconds until an endpoint may be dialled; 0 for now. */
  delayMs(): number {
    return Math.min(...this.#options.endpoints.map(endpoint => endpoint.waitMs))
  }

  /** A connection turned out to lead to a replica. */
  onReadOnly(): void {
    this.#preferred++
    this.#options.onReadOnly()
  }

  /** The most recent reason why the endpoints are away. */
  get lastError(): ProxyError | null {
    return this.#options.endpoints.find(endpoint => endpoint.lastError)?.lastError ?? null
  }

  /**
   * Connects a pipeline to a database. `done` is called once, unless the returned function cancels: with null when the
   * pipeline is attached, else with the reason.
   */
  dial(pipeline: Pipeline, database: number, done: (error: ProxyError | null) => void): () => void {
    const endpoint = this.#pick()
    const options = this.#options
    let cancelled = false
    let cancelConnect = () => {}
    const fail = (error: ProxyError) => {
      if (cancelled) return
      cancelled = true
      // A database that does not exist is no fault of the endpoint.
      if (!NO_FAULT.has(error.code)) {
        endpoint.failed(error)
        this.#preferred++
      }
      if (error.code === 'upstream-auth') options.onRefused()
      options.onOutcome(error)
      done(error)
    }
    options.password().then(
      password => {
        if (cancelled) return
        pipeline.database = database
        const handshake = new Handshake({
          protocol: pipeline.protocol,
          database,
          username: options.username,
          password,
          name: 'portolan',
        })
        cancelConnect = this.#connect(endpoint, handshake, pipeline, fail, () => {
          if (cancelled) return
          endpoint.succeeded()
          if (handshake.identity) options.onIdentity(handshake.identity, endpoint)
          options.onOutcome(null)
          done(null)
        })
      },
      error =>
        fail(
          new ProxyError('upstream-secret', (error as Error).message, {
            source: 'portolan',
            retryable: true,
          }),
        ),
    )
    return () => {
      cancelled = true
      cancelConnect()
    }
  }

  #connect(
    endpoint: Endpoint,
    handshake: Handshake,
    pipeline: Pipeline,
    fail: (error: ProxyError) => void,
    succeed: () => void,
  ): () => void {
    let shaking = true
    let live: Socket | null = null
    let cancelDeadline = () => {}
    const end = (error: ProxyError) => {
      if (shaking) {
        shaking = false
        cancelDeadline()
        live?.destroy()
        fail(error.code === 'upstream-lost' ? hungUp(error) : error)
      } else pipeline.destroy(error)
    }
    const onBytes = (n: number, chunk: Uint8Array) => {
      if (!shaking) return pipeline.onRead(n)
      try {
        if (!handshake.feed(chunk.subarray(0, n))) return
      } catch (error) {
        return end(
          error instanceof ProxyError
            ? error
            : new ProxyError(
                'upstream-protocol',
                `the backend does not answer as Redis does: ${(error as Error).message}`,
                { source: 'upstream', retryable: true, cause: error },
              ),
        )
      }
      shaking = false
      cancelDeadline()
      endpoint.connections++
      live!.once('close', () => endpoint.connections--)
      pipeline.serverId = handshake.serverId
      pipeline.attach(live!)
      succeed()
    }
    const cancel = connect(
      {
        address: endpoint.address,
        tls: this.#options.tls,
        connectTimeoutMs: this.#options.connectTimeoutMs,
        keepAliveMs: 60_000,
        onread: {
          buffer: pipeline.buffer,
          callback: (n, chunk) => {
            onBytes(n, chunk)
            return true
          },
        },
      },
      {
        onFailed: end,
        onConnected: socket => {
          live = socket
          if (this.#options.tls) {
            socket.on('data', (chunk: Buffer) => (shaking ? onBytes(chunk.length, chunk) : pipeline.onData(chunk)))
          }
          socket.on('error', cause => end(lost(cause)))
          socket.on('close', () => end(lost(undefined)))
          cancelDeadline = this.#clock.after(this.#options.connectTimeoutMs, () =>
            end(
              new ProxyError(
                'upstream-timeout',
                'the backend accepted the connection but did not answer the handshake',
                { source: 'upstream', retryable: true },
              ),
            ),
          )
          socket.write(handshake.request)
        },
      },
    )
    return () => {
      shaking = false
      cancelDeadline()
      cancel()
      live?.destroy()
    }
  }

  /** The endpoint that served last, or the next one whose turn it is. */
  #pick(): Endpoint {
    const { endpoints } = this.#options
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = endpoints[(this.#preferred + i) % endpoints.length]!
      if (endpoint.waitMs === 0) {
        this.#preferred += i
        return endpoint
      }
    }
    return endpoints[this.#preferred % endpoints.length]!
  }
}

function hungUp(cause: ProxyError): ProxyError {
  const text = 'the backend closed the connection instead of answering; does it want TLS?'
  return new ProxyError('upstream-handshake', text, { source: 'upstream', retryable: true, cause })
}

function lost(cause: Error | undefined): ProxyError {
  return new ProxyError('upstream-lost', 'the connection to the backend was lost', { source: 'upstream', cause })
}
