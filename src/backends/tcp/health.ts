/** Checks the endpoints by connecting to them now and then. Some failures in a row take one out, successes bring it back. */
import {
  type ClientTls,
  connect,
  type Endpoint,
  type Endpoints,
  HealthVerdict,
  ownProxyHeader,
} from '../../net/index.ts'
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
  readonly #verdict: HealthVerdict

  constructor(endpoint: Endpoint, options: TcpBackendOptions, tls: ClientTls | undefined) {
    this.#endpoint = endpoint
    this.#options = options
    this.#tls = tls
    this.#verdict = new HealthVerdict(endpoint, options.healthCheck)
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
          this.#result(undefined)
        },
        onFailed: error => this.#result(error.message),
      },
    )
  }

  cancel(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #result(error: string | undefined): void {
    this.#cancel = undefined
    this.#verdict.note(error)
  }
}
