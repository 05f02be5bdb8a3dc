/** One connection of an application: first a backend connection is opened, then bytes pass both ways. */
import type { Socket } from 'node:net'
import type { TcpBackend, TcpConnection } from '../../src/backends/tcp/index.ts'
import type { Address } from '../../src/config/index.ts'
import type { ProxyError } from '../../src/errors.ts'
import { type Accepted, adopt, Intake, Relay, type RelayBuffers, type RelayLimits, reset } from '../../src/net/index.ts'
import type { Cell } from '../../src/observability/metrics.ts'

export interface SessionOptions {
  readonly accepted: Accepted
  readonly backend: TcpBackend
  readonly buffers: RelayBuffers
  readonly limits: RelayLimits
  /** Bytes from and to the application. */
  readonly received: Cell
  readonly sent: Cell
  /** All is closed; undefined after a clean end. */
  onClosed(error: ProxyError | undefined): void
}

export class TcpSession {
  /** The application's connection. Its 'close' ends the session. */
  readonly socket: Socket
  readonly #options: SessionOptions
  readonly #intake: Intake | undefined
  readonly #source: Address | undefined
  readonly #destination: Address | undefined
  #cancelOpening = (): void => {}
  #phase: 'opening' | 'relaying' | 'closed' = 'opening'
  #relay: Relay | undefined

  constructor(options: SessionOptions) {
    this.#options = options
    const { accepted, buffers } = options
    // Asked before the handle moves to another socket.
    this.#source = accepted.source()
    this.#destination = accepted.destination()
    const intake = new Intake(buffers)
    const adopted = accepted.pristine ? adopt(accepted.socket, intake.onread) : null
    this.#intake = adopted ? intake : undefined
    this.socket = adopted ?? accepted.socket
    this.socket.on('error', () => {})
    this.socket.once('close', () => {
      if (this.#phase !== 'opening') return
      this.#cancelOpening()
      this.#end(undefined)
    })
  }

  start(): void {
    const { backend, buffers } = this.#options
    this.#cancelOpening = backend.open(
      { source: this.#source, destination: this.#destination, intake: new Intake(buffers) },
      { onOpen: connection => this.#relayWith(connection), onFailed: error => this.#end(error) },
    )
  }

  /** Enforces the deadlines of the relay. */
  check(now: number): void {
    this.#relay?.check(now)
  }

  /** Ends both sides at once. */
  destroy(error: ProxyError): void {
    if (this.#phase === 'opening') {
      this.#cancelOpening()
      this.#end(error)
    } else {
      this.#relay?.destroy(error)
    }
  }

  #relayWith(upstream: TcpConnection): void {
    this.#phase = 'relaying'
    const { limits, received, sent } = this.#options
    this.#relay = new Relay({
      downstream: { socket: this.socket, intake: this.#intake, counter: received },
      upstream: { ...upstream, counter: sent },
      limits,
      onClosed: error => this.#end(error),
    })
  }

  #end(error: ProxyError | undefined): void {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    reset(this.socket)
    this.#options.onClosed(error)
  }
}
