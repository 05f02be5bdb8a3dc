/** Providers by their addresses, as they are needed. */
import { ApiError } from '../../../apis/index.ts'
import type { Address } from '../../../config/index.ts'
import { formatAddress } from '../../../net/index.ts'
import { DubboProvider, type ProviderOptions } from './provider.ts'

/** Providers that are kept at a time. */
const MAX_PROVIDERS = 1_000

export class DubboProviders {
  readonly #options: ProviderOptions
  readonly #max: number
  /** The one that was asked for the longest time ago comes first. */
  readonly #byAddress = new Map<string, DubboProvider>()
  #closed = false

  /** Beyond `max` the one that was not needed for the longest time goes, if no calls wait for it. */
  constructor(options: ProviderOptions, max = MAX_PROVIDERS) {
    this.#options = options
    this.#max = max
  }

  /** Throws `unavailable` once it is closed. */
  at(where: Address): DubboProvider {
    if (this.#closed) throw new ApiError('unavailable', 'the component is closed')
    const key = formatAddress(where)
    const provider = this.#byAddress.get(key) ?? new DubboProvider(where, this.#options)
    this.#byAddress.delete(key)
    this.#byAddress.set(key, provider)
    if (this.#byAddress.size > this.#max) this.#dropOne(provider)
    return provider
  }

  close(): void {
    this.#closed = true
    for (const provider of this.#byAddress.values()) provider.close()
    this.#byAddress.clear()
  }

  #dropOne(needed: DubboProvider): void {
    for (const [key, provider] of this.#byAddress) {
      if (provider === needed || !provider.isIdle) continue
      this.#byAddress.delete(key)
      provider.close('others are needed more')
      return
    }
  }
}
