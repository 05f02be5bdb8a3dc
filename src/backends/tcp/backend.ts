/**
 * Opens connections to a service with several endpoints: the one with the fewest connections first, the next one when
 * it cannot be reached. Nothing of the application has been sent by then, so trying again is always right.
 */
import type { Socket } from 'node:net'
import type { Address } from '../../config/index.ts'
import type { ProxyError } from '../../errors.ts'
import {
  backendClosed,
  type ClientTls,
  type Endpoint,
  Endpoints,
  type Intake,
  openClientTls,
  ownProxyHeader,
  proxyHeader,
  reset,
} from '../../net/index.ts'
import type { Cell } from '../../observability/metrics.ts'
import type { Backend, BackendStatus, ProbeReport, Runtime } from '../../protocol.ts'
import { HealthChecks } from './health.ts'
import { Opening } from './opening.ts'
import type { TcpBackendOptions } from './options.ts'
import { probeEndpoint } from './probe.ts'

export interface OpenRequest {
  /** The application's end and the one it dialled: for the PROXY header. */
  readonly source: Address | undefined
  readonly destination: Address | undefined
  /** Reads the connection, if it is a plain one. */
  readonly intake: Intake
}

export interface TcpConnection {
  /** With allowHalfOpen and not read from yet; add 'error' and 'close' at once. */
  readonly socket: Socket
  /** The request's, or undefined when the connection is to be read by its 'data' events. */
  readonly intake: Intake | undefined
}

/** One of the two is called, possibly before open() returns. */
export interface OpenSink {
  onOpen(connection: TcpConnection): void
  onFailed(error: ProxyError): void
}

export class TcpBackend implements Backend {
  readonly name: string
  readonly #options: TcpBackendOptions
  readonly #runtime: Runtime
  readonly #endpoints: Endpoints
  readonly #tls: ClientTls | undefined
  readonly #checks: HealthChecks
  readonly #open = new Set<Socket>()
  readonly #opening = new Map<Opening, OpenSink>()
  readonly #connections: Cell
  readonly #attempts = new Map<string, Cell>()
  #forgetUp = (): void => {}
  #phase: 'open' | 'closing' | 'closed' = 'open'
  #closing: Promise<void> | undefined
  #onEmpty = (): void => {}

  constructor(name: string, options: TcpBackendOptions, runtime: Runtime) {
    this.name = name
    this.#options = options
    this.#runtime = runtime
    this.#endpoints = new Endpoints(options.endpoints, runtime.clock)
    this.#tls = options.tls && openClientTls(options.tls, runtime.logger)
    this.#checks = new HealthChecks(this.#endpoints, options, this.#tls, runtime.clock)
    this.#connections = runtime.metrics.cell('portolan_upstream_connections', { backend: name, use: 'relay' })
  }

  async start(): Promise<void> {
    this.#checks.start()
    this.#forgetUp = this.#runtime.metrics.source('portolan_upstream_up', () => [
      { labels: { backend: this.name }, value: this.status().state === 'up' ? 1 : 0 },
    ])
  }

  /** Opens a connection. Returns a function that gives up: after it neither method of the sink is called. */
  open(request: OpenRequest, sink: OpenSink): () => void {
    if (this.#phase === 'closed') {
      sink.onFailed(backendClosed(this.name))
      return () => {}
    }
    const { connectTimeout, tcpKeepAlive, proxyProtocol } = this.#options
    const tls = this.#tls
    const opening = new Opening(
      this.#endpoints,
      {
        tls,
        connectTimeoutMs: connectTimeout,
        keepAliveMs: tcpKeepAlive > 0 ? tcpKeepAlive : undefined,
        allowHalfOpen: true,
        onread: request.intake.onread,
        proxyHeader: proxyProtocol && proxyHeader(proxyProtocol, request.source, request.destination),
      },
      {
        onOpened: socket => {
          this.#opening.delete(opening)
          this.#enter(socket)
          sink.onOpen({ socket, intake: tls ? undefined : request.intake })
        },
        onFailed: error => {
          this.#leave(opening)
          sink.onFailed(error)
        },
        onAttempt: (endpoint, error) => this.#note(endpoint, error),
      },
    )
    this.#opening.set(opening, sink)
    opening.next()
    return () => {
      opening.cancel()
      this.#leave(opening)
    }
  }

  async probe(timeoutMs: number): Promise<ProbeReport> {
    const { proxyProtocol } = this.#options
    const header = proxyProtocol && ownProxyHeader(proxyProtocol)
    const endpoints = await Promise.all(
      this.#endpoints.all.map(({ address }) =>
        probeEndpoint(
          { address, tls: this.#tls, connectTimeoutMs: timeoutMs, proxyHeader: header },
          this.#runtime.clock,
        ),
      ),
    )
    return { ok: endpoints.some(endpoint => endpoint.ok), endpoints }
  }

  status(): BackendStatus {
    return this.#endpoints.status(this.#phase !== 'open')
  }

  close(graceMs: number): Promise<void> {
    const cancel = this.#runtime.clock.after(graceMs, () => this.#destroyAll())
    this.#closing ??= this.#close()
    return this.#closing.finally(cancel)
  }

  async #close(): Promise<void> {
    this.#phase = 'closing'
    this.#checks.stop()
    this.#forgetUp()
    if (this.#open.size + this.#opening.size > 0) await new Promise<void>(resolve => (this.#onEmpty = resolve))
    this.#phase = 'closed'
    this.#tls?.close()
  }

  #enter(socket: Socket): void {
    this.#open.add(socket)
    this.#connections.value++
    socket.once('close', () => {
      this.#connections.value--
      this.#open.delete(socket)
      this.#checkEmpty()
    })
  }

  #leave(opening: Opening): void {
    this.#opening.delete(opening)
    this.#checkEmpty()
  }

  #checkEmpty(): void {
    if (this.#open.size + this.#opening.size === 0) this.#onEmpty()
  }

  #destroyAll(): void {
    for (const [opening, sink] of this.#opening) {
      opening.cancel()
      this.#opening.delete(opening)
      sink.onFailed(backendClosed(this.name))
    }
    for (const socket of this.#open) reset(socket)
    this.#checkEmpty()
  }

  #note(endpoint: Endpoint, error: ProxyError | undefined): void {
    const outcome = error?.code ?? 'ok'
    let attempts = this.#attempts.get(outcome)
    if (!attempts) {
      attempts = this.#runtime.metrics.cell('portolan_upstream_connects_total', { backend: this.name, outcome })
      this.#attempts.set(outcome, attempts)
    }
    attempts.value++
    if (error) {
      endpoint.circuit.failed()
      endpoint.lastError = error.message
      this.#runtime.logger.warn({ code: error.code }, error.message)
    } else {
      endpoint.circuit.succeeded()
      // Only checks may say 'down': without them nobody would ever say 'up' again.
      if (endpoint.health === 'connecting') endpoint.health = 'up'
    }
  }
}
