/**
 * What requests to the service are signed with: a key of the configuration, or what a place of AWS's gives out for a
 * while. It is read when the first request needs it, renewed ahead of its end, and kept while renewing fails.
 */
import { LiveSecret, type LiveSecretOptions } from '../../config/index.ts'
import { ProxyError } from '../../errors.ts'
import type { Runtime } from '../../protocol.ts'
import { fromAws } from './aws-credentials.ts'
import type { S3BackendOptions } from './options.ts'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
  /** When they end to be good; for ever without it. */
  readonly expiration?: Date | undefined
}

type CredentialOptions = NonNullable<S3BackendOptions['credentials']>

/** Renewed so long before their end, or after half of their life when that is later. */
const AHEAD_MS = 5 * 60_000
const RETRY_MS = 5000

export class CredentialSource {
  readonly #read: () => Promise<Credentials>
  readonly #runtime: Runtime
  readonly #backend: string
  readonly #waitMs: number
  readonly #secrets: readonly LiveSecret[]
  #current: Credentials | undefined
  #reading: Promise<Credentials> | undefined
  #cancelRenewal = (): void => {}
  #closed = false

  /** `region`: of the bucket. `waitMs`: how long requests wait for the first ones. */
  constructor(backend: string, options: CredentialOptions, region: string, waitMs: number, runtime: Runtime) {
    this.#backend = backend
    this.#waitMs = waitMs
    this.#runtime = runtime
    if ('provider' in options) {
      this.#secrets = []
      this.#read = () => fromAws(options, region)
      return
    }
    const live = (name: string): LiveSecretOptions => ({
      name: `${name} of the backend ${backend}`,
      logger: runtime.logger,
      clock: runtime.clock,
      onChange: () => void this.renew(),
    })
    const secret = new LiveSecret(options.secretAccessKey, live('the secret access key'))
    const token = options.sessionToken && new LiveSecret(options.sessionToken, live('the session token'))
    this.#secrets = token ? [secret, token] : [secret]
    this.#read = async () => ({
      accessKeyId: options.accessKeyId,
      secretAccessKey: await secret.read(),
      sessionToken: await token?.read(),
    })
  }

  /** Those to sign with now; undefined when they have to be waited for. */
  get current(): Credentials | undefined {
    return this.#current
  }

  /** Rejects with ProxyError `secret-unavailable` when there are none and none can be had in time. */
  async wait(): Promise<Credentials> {
    if (this.#current) return this.#current
    let cancel = (): void => {}
    const late = new Promise<never>((_, reject) => {
      cancel = this.#runtime.clock.after(this.#waitMs, () =>
        reject(this.#unavailable(`nothing came within ${this.#waitMs} ms`, undefined)),
      )
    })
    return Promise.race([this.renew(), late]).finally(cancel)
  }

  /** Reads them anew. The last good ones stay when it fails. */
  renew(): Promise<Credentials> {
    return (this.#reading ??= this.#renew().finally(() => (this.#reading = undefined)))
  }

  close(): void {
    this.#closed = true
    this.#cancelRenewal()
    for (const secret of this.#secrets) secret.close()
  }

  async #renew(): Promise<Credentials> {
    try {
      const credentials = await this.#read()
      this.#current = credentials
      const life = credentials.expiration && credentials.expiration.getTime() - Date.now()
      if (life !== undefined) this.#renewAfter(Math.max(1000, Math.max(life - AHEAD_MS, life / 2)))
      return credentials
    } catch (error) {
      // Of what is no JSON, its error quotes a piece, which may be the secret.
      const reason = error instanceof SyntaxError ? 'what came is no JSON' : (error as Error).message
      this.#renewAfter(RETRY_MS)
      if (!this.#current) throw this.#unavailable(reason, error)
      this.#runtime.logger.warn(
        { backend: this.#backend, reason },
        'the credentials cannot be renewed; the last ones stay',
      )
      return this.#current
    }
  }

  #unavailable(reason: string, cause: unknown): ProxyError {
    const message = `backend ${this.#backend} has no credentials: ${reason}`
    return new ProxyError('secret-unavailable', message, { source: 'portolan', retryable: true, cause })
  }

  #renewAfter(ms: number): void {
    this.#cancelRenewal()
    if (this.#closed) return
    this.#cancelRenewal = this.#runtime.clock.after(Math.min(ms, 2 ** 31 - 1), () => void this.renew().catch(() => {}))
  }
}
