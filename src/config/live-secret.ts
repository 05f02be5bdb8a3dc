/**
 * A secret that is in use and may change: read again whenever it is asked for, except that the output of a command with
 * `refresh` is good for that time. Once it was read, whatever fails later leaves the last good value in use.
 */
import { ProxyError } from '../errors.ts'
import type { Logger } from '../observability/logger.ts'
import type { Clock } from '../protocol.ts'
import { readSecret } from './secrets.ts'
import type { SecretRef } from './types.ts'
import { watchFiles } from './watch-files.ts'

export interface LiveSecretOptions {
  /** Whose it is, for the log. */
  readonly name: string
  readonly logger: Logger
  readonly clock: Clock
  /** Hears of each new value but the first; its file is then watched too. */
  readonly onChange?: (value: string) => void
}

/** From a refresh that failed to the next attempt. */
const RETRY_MS = 5000

export class LiveSecret {
  readonly #ref: SecretRef
  readonly #options: LiveSecretOptions
  readonly #refreshMs: number | undefined
  readonly #unwatch: () => void
  #value: string | undefined
  #goodUntil = Number.NEGATIVE_INFINITY
  #reading: Promise<string> | undefined
  #cancelRefresh = (): void => {}
  #closed = false

  constructor(ref: SecretRef, options: LiveSecretOptions) {
    this.#ref = ref
    this.#options = options
    this.#refreshMs = 'command' in ref ? ref.refreshMs : undefined
    const watched = options.onChange !== undefined && 'file' in ref
    this.#unwatch = watched ? watchFiles([ref.file], options.logger, () => void this.refresh()) : () => {}
  }

  /** What was read last, if anything. */
  get value(): string | undefined {
    return this.#value
  }

  /** The secret as of now; those who ask at the same time share one reading. Rejects if it could never be read. */
  read(): Promise<string> {
    const good = this.#value !== undefined && this.#options.clock.now() < this.#goodUntil
    return good ? Promise.resolve(this.#value!) : (this.#reading ??= this.#read())
  }

  /** What was read is no longer good, such as a token that was refused: the next read() reads anew. */
  expire(): void {
    this.#goodUntil = Number.NEGATIVE_INFINITY
  }

  /** Reads it anew. Never rejects. */
  async refresh(): Promise<void> {
    this.expire()
    await this.read().catch(error => this.#options.logger.warn({}, error.message))
  }

  close(): void {
    this.#closed = true
    this.#unwatch()
    this.#cancelRefresh()
  }

  async #read(): Promise<string> {
    const { name, logger, onChange } = this.#options
    const last = this.#value
    try {
      this.#value = await readSecret(this.#ref)
      this.#keep(this.#refreshMs)
      if (last === undefined || last === this.#value) return this.#value
      logger.info({}, `${name} has changed`)
      onChange?.(this.#value)
      return this.#value
    } catch (error) {
      const reason = (error as Error).message
      if (last === undefined)
        throw new ProxyError('secret-unavailable', `${name}: ${reason}`, { source: 'portolan', cause: error })
      logger.warn({ reason }, `${name} cannot be read again; the last one stays in use`)
      this.#keep(this.#refreshMs && Math.min(RETRY_MS, this.#refreshMs))
      return last
    } finally {
      this.#reading = undefined
    }
  }

  #keep(ms: number | undefined): void {
    if (ms === undefined || this.#closed) return
    const { clock } = this.#options
    this.#goodUntil = clock.now() + ms
    this.#cancelRefresh()
    this.#cancelRefresh = clock.after(ms, () => void this.refresh())
  }
}
