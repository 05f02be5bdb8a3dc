/** One connection being opened: endpoint after endpoint, until one answers or there is none left to try. */
import type { Socket } from 'node:net'
import type { ProxyError } from '../../errors.ts'
import { type ConnectTarget, connect, type Endpoint, type Endpoints } from '../../net/index.ts'

/** All of a target but its address. */
export type Dialling = Omit<ConnectTarget, 'address'>

export interface OpeningSink {
  onOpened(socket: Socket, endpoint: Endpoint): void
  onFailed(error: ProxyError): void
  /** One endpoint answered (undefined) or did not. */
  onAttempt(endpoint: Endpoint, error: ProxyError | undefined): void
}

const MAX_ATTEMPTS = 3

export class Opening {
  readonly #endpoints: Endpoints
  readonly #dialling: Dialling
  readonly #sink: OpeningSink
  readonly #tried = new Set<Endpoint>()
  #lastError: ProxyError | undefined
  #cancelAttempt: (() => void) | undefined

  constructor(endpoints: Endpoints, dialling: Dialling, sink: OpeningSink) {
    this.#endpoints = endpoints
    this.#dialling = dialling
    this.#sink = sink
  }

  /** Tries the next endpoint. */
  next(): void {
    const endpoint = this.#tried.size < MAX_ATTEMPTS ? this.#endpoints.choose(this.#tried) : undefined
    if (!endpoint) {
      this.#sink.onFailed(this.#lastError ?? this.#endpoints.unavailable())
      return
    }
    this.#tried.add(endpoint)
    endpoint.connections++
    endpoint.circuit.begin()
    const cancelDial = connect(
      { address: endpoint.address, ...this.#dialling },
      {
        onConnected: socket => {
          this.#cancelAttempt = undefined
          socket.once('close', () => endpoint.connections--)
          this.#sink.onAttempt(endpoint, undefined)
          this.#sink.onOpened(socket, endpoint)
        },
        onFailed: error => {
          this.#cancelAttempt = undefined
          endpoint.connections--
          this.#lastError = error
          this.#sink.onAttempt(endpoint, error)
          this.next()
        },
      },
    )
    this.#cancelAttempt = () => {
      endpoint.connections--
      endpoint.circuit.abandoned()
      cancelDial()
    }
  }

  /** Gives up; the sink hears nothing more. */
  cancel(): void {
    this.#cancelAttempt?.()
    this.#cancelAttempt = undefined
  }
}
