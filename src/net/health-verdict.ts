/** When active checks change what is believed of an endpoint: after some results in a row, so that one alone does not. */
import type { Endpoint } from './endpoints.ts'

export interface HealthThresholds {
  /** Failed checks in a row that take an endpoint out of use. */
  readonly unhealthyAfter: number
  /** Successful checks in a row that bring it back. */
  readonly healthyAfter: number
}

export class HealthVerdict {
  readonly #endpoint: Endpoint
  readonly #thresholds: HealthThresholds
  /** Results in a row that contradict the endpoint's health. */
  #against = 0

  constructor(endpoint: Endpoint, thresholds: HealthThresholds) {
    this.#endpoint = endpoint
    this.#thresholds = thresholds
  }

  /** How a check has ended; with the error of one that has failed. */
  note(error: string | undefined): void {
    const endpoint = this.#endpoint
    const found = error === undefined ? 'up' : 'down'
    if (error !== undefined) endpoint.lastError = error
    this.#against = found === endpoint.health ? 0 : this.#against + 1
    const { healthyAfter, unhealthyAfter } = this.#thresholds
    // The very first result counts at once.
    const enough = endpoint.health === 'connecting' ? 1 : found === 'up' ? healthyAfter : unhealthyAfter
    if (this.#against < enough) return
    this.#against = 0
    endpoint.health = found
    if (found === 'up') endpoint.lastError = undefined
  }
}
