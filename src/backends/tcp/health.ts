/** Checks the endpoints by connecting to them now and then. Some failures in a row take one out, successes bring it back. */
import { type ClientTls, connect, type Endpoint, type Endpoints, ownProxyHeader } from '../../net/index.ts'
import type { Clock } from '../../protocol.ts'
import type { TcpBackendOptions } from './options.ts'

export class HealthChecks {
  readonly #checks: readonly Check[]
  readonly #intervalMs: number
  readonly #clock: Clock
  #stop: (() => void) | undefined

  constructor(endpoints: Endpoints, options: TcpBackendOptions, tls: ClientTls | undefined, clock: Clock) {
    this.#checks = endpoints.all.map(endpoint => new Check(endpoint, options, tls))
    this.#intervalMs = options.healthCheck.interval
    this.#clock = clock
  }

  /** Does nothing when the user has turned them off; then the circuits alone keep from dialling dead endpoints. */
  start(): void {
    if (this.#intervalMs === 0) return
    const runAll = (): void => {
      for (const check of this.#checks) check.run()
    }
    runAll()
    this.#stop = this.#clock.every(this.#intervalMs, runAll)
  }

  stop(): void {
    this.#stop?.()
    for (const check of this.#checks) check.cancel()
  }
}

class Check {
  readonly #endpoint: Endpoint
  readonly #options: TcpBackendOptions
  readonly #tls: ClientTls | undefined
  #cancel: (() => void) | undefined
  /** Results in a row that contradict the endpoint's health. */
  #against = 0

  constructor(endpoint: Endpoint, options: TcpBackendOptions, tls: ClientTls | undefined) {
    this.#endpoint = endpoint
    this.#options = options
    this.#tls = tls
  }

  run(): void {
    if (this.#cancel) return
    const { healthCheck, proxyProtocol } = this.#options
    this.#cancel = connect(
      {
        address: this.#endpoint.address,
        tls: this.#tls,
        connectTimeoutMs: healthCheck.timeout,
        proxyHeader: proxyProtocol && ownProxyHeader(proxyProtocol),
      },
      {
        onConnected: socket => {
          socket.on('error', () => {})
          socket.destroy()
          this.#result('up', undefined)
        },
        onFailed: error => this.#result('down', error.message),
      },
    )
  }

  cancel(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #result(found: 'up' | 'down', error: string | undefined): void {
    this.#cancel = undefined
    const endpoint = this.#endpoint
    if (error !== undefined) endpoint.lastError = error
    this.#against = found === endpoint.health ? 0 : this.#against + 1
    const { healthyAfter, unhealthyAfter } = this.#options.healthCheck
    // The very first result counts at once.
    const enough = endpoint.health === 'connecting' ? 1 : found === 'up' ? healthyAfter : unhealthyAfter
    if (this.#against < enough) return
    this.#against = 0
    endpoint.health = found
    if (found === 'up') endpoint.lastError = undefined
  }
}
