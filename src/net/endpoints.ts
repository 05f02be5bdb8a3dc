/** Several addresses of one service: what is known of each, and which one the next connection goes to. */
import type { Address } from '../config/index.ts'
import { ProxyError } from '../errors.ts'
import type { BackendStatus, Clock, EndpointStatus } from '../protocol.ts'
import { formatAddress } from './address.ts'
import { Circuit } from './circuit.ts'

export class Endpoint {
  readonly address: Address
  readonly circuit: Circuit
  /** What is known of it; only active checks say 'down'. */
  health: 'connecting' | 'up' | 'down' = 'connecting'
  /** Open connections, and those being dialled. */
  connections = 0
  lastError: string | undefined

  constructor(address: Address, clock: Clock, circuit: Circuit = new Circuit(clock)) {
    this.address = address
    this.circuit = circuit
  }

  status(): EndpointStatus {
    return {
      address: formatAddress(this.address),
      state: this.circuit.isOpen ? 'open-circuit' : this.health,
      connections: this.connections,
      ...(this.lastError !== undefined && { lastError: this.lastError }),
    }
  }
}

export class Endpoints {
  readonly all: readonly Endpoint[]
  #turn = 0

  constructor(addresses: readonly Address[], clock: Clock) {
    this.all = addresses.map(address => new Endpoint(address, clock))
  }

  /**
   * The endpoint with the fewest connections, taken in turn when several have as few; undefined when none may be
   * dialled. While all are believed to be down, all are tried: the belief may be wrong.
   */
  choose(tried: ReadonlySet<Endpoint>): Endpoint | undefined {
    const allowed = this.all.filter(endpoint => !tried.has(endpoint) && endpoint.circuit.allows)
    const living = allowed.filter(endpoint => endpoint.health !== 'down')
    const candidates = living.length > 0 ? living : allowed
    const fewest = Math.min(...candidates.map(endpoint => endpoint.connections))
    const equals = candidates.filter(endpoint => endpoint.connections === fewest)
    return equals[this.#turn++ % equals.length]
  }

  /** What is to be told of the backend that they make up. */
  status(isClosed: boolean): BackendStatus {
    const endpoints = this.all.map(endpoint => endpoint.status())
    const has = (state: string): boolean => endpoints.some(endpoint => endpoint.state === state)
    const state = isClosed ? 'closed' : has('up') ? 'up' : has('connecting') ? 'connecting' : 'down'
    const lastError = state === 'up' ? undefined : this.#lastError
    return { state, endpoints, ...(lastError !== undefined && { lastError }) }
  }

  /** For whoever is to be served when choose() has nobody. */
  unavailable(): ProxyError {
    const last = this.#lastError === undefined ? '' : `; the last error: ${this.#lastError}`
    const message = `no endpoint can be tried now, all have just failed${last}`
    return new ProxyError('upstream-unavailable', message, { source: 'upstream', retryable: true })
  }

  get #lastError(): string | undefined {
    return this.all.find(endpoint => endpoint.lastError !== undefined)?.lastError
  }
}

/** For whoever comes to a backend that a reload or the end of the process has closed. */
export function backendClosed(backend: string): ProxyError {
  return new ProxyError('backend-closed', `backend ${backend} has been closed`, { source: 'portolan', retryable: true })
}
