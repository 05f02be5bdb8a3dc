/**
 * One address of a backend and whether it is worth dialling: exponential back-off with jitter, and an open circuit
 * after several failures in a row, through which only one attempt at a time goes.
 */
import type { Address } from '../../config/index.ts'
import type { ProxyError } from '../../errors.ts'
import { formatAddress } from '../../net/index.ts'
import type { EndpointStatus } from '../../protocol.ts'

const FIRST_DELAY_MS = 25
const CIRCUIT_FAILURES = 5
const CIRCUIT_DELAY_MS = 1000
const MAX_DELAY_MS = 30_000

export class Endpoint {
  readonly address: Address
  /** Open connections. */
  connections = 0
  lastError: ProxyError | null = null
  /** Not to be dialled before this time, on the clock's scale. */
  retryAt = 0
  #failures = 0
  readonly #random: () => number

  constructor(address: Address, random: () => number = Math.random) {
    this.address = address
    this.#random = random
  }

  succeeded(): void {
    this.#failures = 0
    this.retryAt = 0
    this.lastError = null
  }

  failed(error: ProxyError, now: number): void {
    const failures = ++this.#failures
    this.lastError = error
    const delay =
      failures < CIRCUIT_FAILURES
        ? FIRST_DELAY_MS * 2 ** (failures - 1)
        : Math.min(MAX_DELAY_MS, CIRCUIT_DELAY_MS * 2 ** (failures - CIRCUIT_FAILURES))
    // Half of it at random, so that many sidecars do not knock at the same time.
    this.retryAt = now + delay * (0.5 + this.#random() / 2)
  }

  get status(): EndpointStatus {
    const state =
      this.lastError === null
        ? this.connections > 0
          ? 'up'
          : 'connecting'
        : this.#failures >= CIRCUIT_FAILURES
          ? 'open-circuit'
          : 'down'
    return {
      address: formatAddress(this.address),
      state,
      connections: this.connections,
      ...(this.lastError ? { lastError: this.lastError.message } : {}),
    }
  }
}
