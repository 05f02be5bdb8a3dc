/** One address of a backend, whether it is worth dialling, and how it is doing. */
import type { Address } from '../../config/index.ts'
import type { ProxyError } from '../../errors.ts'
import { Circuit, formatAddress } from '../../net/index.ts'
import type { Clock, EndpointStatus } from '../../protocol.ts'

/** Clients wait for the next attempt, so the first ones follow each other quickly. */
const FIRST_WAIT_MS = 25

export class Endpoint {
  readonly address: Address
  /** Open connections. */
  connections = 0
  lastError: ProxyError | null = null
  readonly #circuit: Circuit

  constructor(address: Address, clock: Clock) {
    this.address = address
    this.#circuit = new Circuit(clock, FIRST_WAIT_MS)
  }

  /** Milliseconds until it may be dialled; 0 for now. */
  get waitMs(): number {
    return this.#circuit.waitMs
  }

  succeeded(): void {
    this.#circuit.succeeded()
    this.lastError = null
  }

  failed(error: ProxyError): void {
    this.#circuit.failed()
    this.lastError = error
  }

  get status(): EndpointStatus {
    const reached = this.connections > 0 ? 'up' : 'connecting'
    const away = this.#circuit.isOpen ? 'open-circuit' : 'down'
    return {
      address: formatAddress(this.address),
      state: this.lastError === null ? reached : away,
      connections: this.connections,
      ...(this.lastError ? { lastError: this.lastError.message } : {}),
    }
  }
}
