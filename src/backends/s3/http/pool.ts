/**
 * Keep-alive connections to the endpoints of one service. The connection that was used last serves next, so that those
 * which are not needed grow old and are closed before the server does it; requests beyond the limit wait in line, for a
 * bounded time.
 */
import { ProxyError } from '../../../errors.ts'
import {
  backendClosed,
  type ClientTls,
  connect,
  type Endpoint,
  type Endpoints,
  Intake,
  type RelayBuffers,
} from '../../../net/index.ts'
import type { Logger } from '../../../observability/logger.ts'
import type { Cell } from '../../../observability/metrics.ts'
import type { BackendStatus, Clock } from '../../../protocol.ts'
import { ActiveRequest, type Queue } from './active-request.ts'
import { type ConnectionOwner, type ConnectionTimeouts, HttpConnection } from './connection.ts'
import type { HttpExchange, HttpRequest, HttpSink } from './exchange.ts'

export interface HttpPoolOptions extends ConnectionTimeouts {
  /** The backend's name, for messages. */
  readonly name: string
  readonly endpoints: Endpoints
  readonly tls: ClientTls | undefined
  readonly maxConnections: number
  /** Requests that wait for a connection. */
  readonly maxQueue: number
  readonly queueTimeoutMs: number
  readonly connectTimeoutMs: number
  /** Shorter than the server keeps idle connections: what is sent while it closes one is lost. */
  readonly idleLifetimeMs: number
  /** TCP keep-alive after so many idle milliseconds; off when not given. */
  readonly keepAliveMs: number | undefined
}

/** Cells of metrics; `connects` gives the one for an outcome: `ok` or the code of a ProxyError. */
export interface HttpPoolMetrics {
  readonly connections: Cell
  readonly inFlight: Cell
  readonly queued: Cell
  /** Requests that were sent again. */
  readonly repeats: Cell
  connects(outcome: string): Cell
}

export interface HttpPoolRuntime {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: HttpPoolMetrics
  /** One for all pools of the process, or of a backend. */
  readonly buffers: RelayBuffers
}

/** Endpoints that one connection is tried with. */
const MAX_ATTEMPTS = 3

export class HttpPool implements ConnectionOwner, Queue {
  readonly #options: HttpPoolOptions
  readonly #runtime: HttpPoolRuntime
  /** The last one was used last. */
  readonly #idle: HttpConnection[] = []
  readonly #open = new Set<HttpConnection>()
  readonly #waiting: ActiveRequest[] = []
  /** How to give up each dial under way. */
  readonly #dials = new Set<() => void>()
  readonly #stopChecks: () => void
  #phase: 'open' | 'closing' | 'closed' = 'open'
  #closing: Promise<void> | undefined
  #onEmpty = (): void => {}

  constructor(options: HttpPoolOptions, runtime: HttpPoolRuntime) {
    this.#options = options
    this.#runtime = runtime
    const { responseTimeoutMs, progressTimeoutMs, continueTimeoutMs, queueTimeoutMs, idleLifetimeMs } = options
    const shortest = Math.min(responseTimeoutMs, progressTimeoutMs, continueTimeoutMs, queueTimeoutMs, idleLifetimeMs)
    this.#stopChecks = runtime.clock.every(Math.min(Math.max(shortest / 4, 5), 1000), () => this.#check())
  }

  /** Sends a request on an idle connection, or as soon as there is one. The sink is not called before this returns. */
  open(request: HttpRequest, sink: HttpSink): HttpExchange {
    const active = new ActiveRequest(request, sink, this, this.#runtime.clock.now())
    if (this.#phase === 'closed') process.nextTick(failLater, active, backendClosed(this.#options.name))
    else {
      const connection = this.#takeIdle()
      if (connection) this.#start(connection, active)
      else if (this.#waiting.length >= this.#options.maxQueue)
        process.nextTick(failLater, active, this.#busyError('wait'))
      else this.#enqueue(active, false)
    }
    return active
  }

  /** As Backend.status(). */
  status(): BackendStatus {
    return this.#options.endpoints.status(this.#phase !== 'open')
  }

  /** Requests under way may end; the rest is cut off after graceMs. Called again, the earlier end counts. */
  close(graceMs: number): Promise<void> {
    const cancel = this.#runtime.clock.after(graceMs, () => this.#destroyAll())
    this.#closing ??= this.#close()
    return this.#closing.finally(cancel)
  }

  // --- what connections and requests tell ------------------------------------------------------------------------------

  onIdle(connection: HttpConnection): void {
    this.#runtime.metrics.inFlight.value--
    const next = this.#waiting.shift()
    if (next) {
      this.#runtime.metrics.queued.value--
      this.#start(connection, next)
      return
    }
    connection.idleSince = this.#runtime.clock.now()
    this.#idle.push(connection)
    if (this.#phase !== 'open') connection.destroy()
  }

  onRepeat(request: ActiveRequest): void {
    this.#runtime.metrics.repeats.value++
    this.#enqueue(request, true)
  }

  onClosed(connection: HttpConnection): void {
    const { metrics } = this.#runtime
    const i = this.#idle.indexOf(connection)
    if (i >= 0) this.#idle.splice(i, 1)
    else metrics.inFlight.value--
    this.#open.delete(connection)
    connection.endpoint.connections--
    metrics.connections.value--
    this.#dialMore()
    this.#checkEmpty()
  }

  leave(request: ActiveRequest): void {
    const i = this.#waiting.indexOf(request)
    if (i < 0) return
    this.#waiting.splice(i, 1)
    this.#runtime.metrics.queued.value--
    this.#checkEmpty()
  }

  // --- connections -----------------------------------------------------------------------------------------------------

  #takeIdle(): HttpConnection | undefined {
    const idle = this.#idle
    const oldest = this.#runtime.clock.now() - this.#options.idleLifetimeMs
    for (let i = idle.length - 1; i >= 0; i--) {
      const connection = idle[i]!
      if (connection.usable && connection.idleSince > oldest) {
        idle.splice(i, 1)
        return connection
      }
    }
    return undefined
  }

  #start(connection: HttpConnection, request: ActiveRequest): void {
    this.#runtime.metrics.inFlight.value++
    connection.start(request)
  }

  #enqueue(request: ActiveRequest, first: boolean): void {
    if (first) this.#waiting.unshift(request)
    else this.#waiting.push(request)
    this.#runtime.metrics.queued.value++
    this.#dialMore()
  }

  /** A connection for each request that waits, within the limit. */
  #dialMore(): void {
    while (
      this.#dials.size < this.#waiting.length &&
      this.#dials.size + this.#open.size < this.#options.maxConnections &&
      this.#dial(new Set(), undefined)
    );
  }

  /** Dials the next endpoint. False when none may be tried: then whoever waits fails, unless others may still serve. */
  #dial(tried: Set<Endpoint>, lastError: ProxyError | undefined): boolean {
    const { endpoints, tls, connectTimeoutMs, keepAliveMs } = this.#options
    const endpoint = tried.size < MAX_ATTEMPTS ? endpoints.choose(tried) : undefined
    if (!endpoint) {
      // After an attempt of its own the first one that waits knows; before one, all wait in vain.
      if (lastError) this.#failFirst(lastError)
      else if (this.#open.size + this.#dials.size === 0) process.nextTick(() => this.#failAll(endpoints.unavailable()))
      return false
    }
    tried.add(endpoint)
    endpoint.connections++
    endpoint.circuit.begin()
    const intake = tls ? undefined : new Intake(this.#runtime.buffers)
    let ended = false
    const end = (): void => {
      ended = true
      this.#dials.delete(giveUp)
    }
    const cancel = connect(
      { address: endpoint.address, tls, connectTimeoutMs, keepAliveMs, onread: intake?.onread },
      {
        onConnected: socket => {
          end()
          this.#noteAttempt(endpoint, undefined)
          this.#add(new HttpConnection(socket, intake, endpoint, this))
        },
        onFailed: error => {
          end()
          endpoint.connections--
          this.#noteAttempt(endpoint, error)
          if (!this.#dial(tried, error)) this.#dialMore()
          this.#checkEmpty()
        },
      },
    )
    const giveUp = (): void => {
      if (ended) return
      end()
      endpoint.connections--
      endpoint.circuit.abandoned()
      cancel()
    }
    this.#dials.add(giveUp)
    return true
  }

  #add(connection: HttpConnection): void {
    const { metrics } = this.#runtime
    this.#open.add(connection)
    metrics.connections.value++
    metrics.inFlight.value++
    this.onIdle(connection)
  }

  #noteAttempt(endpoint: Endpoint, error: ProxyError | undefined): void {
    const { metrics, logger } = this.#runtime
    metrics.connects(error?.code ?? 'ok').value++
    if (error) {
      endpoint.circuit.failed()
      endpoint.lastError = error.message
      logger.warn({ code: error.code }, error.message)
    } else {
      endpoint.circuit.succeeded()
      if (endpoint.health === 'connecting') endpoint.health = 'up'
    }
  }

  // --- deadlines and ends ----------------------------------------------------------------------------------------------

  #check(): void {
    const { queueTimeoutMs, idleLifetimeMs } = this.#options
    const now = this.#runtime.clock.now()
    for (const connection of this.#open) connection.check(now, this.#options)
    for (const connection of [...this.#idle]) if (now - connection.idleSince >= idleLifetimeMs) connection.destroy()
    while (this.#waiting[0] && now - this.#waiting[0].since >= queueTimeoutMs) this.#failFirst(this.#busyError('time'))
  }

  #failFirst(error: ProxyError): void {
    const request = this.#waiting.shift()
    if (!request) return
    this.#runtime.metrics.queued.value--
    request.onFailed(error)
  }

  #failAll(error: ProxyError): void {
    for (let left = this.#waiting.length; left > 0; left--) this.#failFirst(error)
  }

  async #close(): Promise<void> {
    this.#phase = 'closing'
    for (const connection of [...this.#idle]) connection.destroy()
    // What is under way may ask for more, such as for the reason of an error.
    while (!this.#empty) await new Promise<void>(resolve => (this.#onEmpty = resolve))
    this.#phase = 'closed'
    this.#stopChecks()
  }

  #destroyAll(): void {
    const error = backendClosed(this.#options.name)
    this.#failAll(error)
    for (const giveUp of [...this.#dials]) giveUp()
    for (const connection of this.#open) connection.fail(error)
    this.#checkEmpty()
  }

  get #empty(): boolean {
    return this.#open.size + this.#dials.size + this.#waiting.length === 0
  }

  #checkEmpty(): void {
    if (this.#empty) this.#onEmpty()
  }

  #busyError(what: 'wait' | 'time'): ProxyError {
    const { name, maxConnections, maxQueue, queueTimeoutMs } = this.#options
    const why =
      what === 'wait'
        ? `${maxQueue} requests wait for its ${maxConnections} connections already`
        : `no connection became free within ${queueTimeoutMs} ms`
    return new ProxyError('upstream-busy', `backend ${name}: ${why}`, { source: 'upstream', retryable: true })
  }
}

function failLater(request: ActiveRequest, error: ProxyError): void {
  request.onFailed(error)
}
