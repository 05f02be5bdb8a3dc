/** A provider at an address: connected when it is first called, and again after the connection has ended. */
import { ApiError } from '../../../apis/index.ts'
import type { Address } from '../../../config/index.ts'
import { connected, formatAddress } from '../../../net/index.ts'
import type { Clock } from '../../../protocol.ts'
import { DubboConnection } from './connection.ts'

export interface ProviderOptions {
  readonly clock: Clock
  readonly connectTimeoutMs: number
  readonly heartbeatMs: number
  readonly maxBodyBytes: number
}

export class DubboProvider {
  readonly where: string
  readonly #address: Address
  readonly #options: ProviderOptions
  #connection: DubboConnection | undefined
  #connecting: Promise<DubboConnection> | undefined
  #closed = false

  constructor(address: Address, options: ProviderOptions) {
    this.where = formatAddress(address)
    this.#address = address
    this.#options = options
  }

  /** Rejects with `unavailable`. */
  async connection(): Promise<DubboConnection> {
    if (this.#closed) throw new ApiError('unavailable', 'the component is closed')
    if (this.#connection?.isOpen) return this.#connection
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  /** Nobody waits for an answer, or for a connection. */
  get isIdle(): boolean {
    return !this.#connecting && !this.#connection?.isWaiting
  }

  close(reason = 'the component is closed'): void {
    this.#closed = true
    this.#connection?.end(reason)
  }

  async #connect(): Promise<DubboConnection> {
    const { clock, connectTimeoutMs, heartbeatMs, maxBodyBytes } = this.#options
    const { where } = this
    try {
      const socket = await connected({ address: this.#address, tls: undefined, connectTimeoutMs })
      const connection = new DubboConnection(socket, { where, clock, heartbeatMs, maxBodyBytes })
      this.#connection = connection
      if (this.#closed) connection.end('the component is closed')
      return connection
    } catch (error) {
      const text = `the provider at ${where} cannot be reached: ${(error as Error).message}`
      throw new ApiError('unavailable', text, { cause: error })
    }
  }
}
