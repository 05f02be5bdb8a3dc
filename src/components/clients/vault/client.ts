/** Requests to Vault. The token is got by the first of them, renewed at half of its life, and got anew once refused. */
import { ApiError, type ApiErrorCode } from '../../../apis/index.ts'
import { registerSecret } from '../../../observability/redact.ts'
import type { Clock } from '../../../protocol.ts'
import { type HttpAnswer, type HttpClient, parseJson } from '../http/index.ts'
import { configuredToken, loginOf, type VaultAuth } from './auth.ts'

export interface VaultOptions {
  readonly http: HttpClient
  readonly auth: VaultAuth
  readonly namespace: string | undefined
  readonly timeoutMs: number
  readonly clock: Clock
}

/** The part of an answer that tells of a token. */
interface TokenFacts {
  readonly client_token?: string
  readonly lease_duration?: number
  readonly renewable?: boolean
}

/** From a renewal that failed to the next attempt. */
const RETRY_MS = 5_000

export class VaultClient {
  readonly #options: VaultOptions
  #token: string | undefined
  #getting: Promise<string> | undefined
  #cancelRenewal = (): void => {}
  #closed = false

  constructor(options: VaultOptions) {
    this.#options = options
  }

  /** Reads; the answer is undefined where there is nothing. Rejects with an ApiError. */
  async read(path: string): Promise<unknown> {
    const token = await this.#currentToken()
    let answer = await this.#send('GET', path, token)
    if (answer.status === 403 && (await this.#isStale(token))) {
      answer = await this.#send('GET', path, await this.#currentToken())
    }
    if (answer.status === 404) return undefined
    if (answer.status !== 200) throw failureOf(answer)
    return parseJson('Vault', answer.body)
  }

  /** Version and state of the server; rejects when it is sealed or the token is not good. */
  async check(timeoutMs: number): Promise<{ version: string; cluster: string }> {
    const path = '/v1/sys/health?standbyok=true&perfstandbyok=true'
    const answer = await this.#options.http.send({ method: 'GET', path, timeoutMs, reads: true })
    const health = parseJson('Vault', answer.body) as { version?: string; cluster_name?: string; sealed?: boolean }
    if (answer.status >= 500 || health.sealed)
      throw new ApiError('unavailable', `Vault is ${health.sealed ? 'sealed' : 'not ready'}`)
    const lookup = await this.read('/v1/auth/token/lookup-self')
    if (lookup === undefined) throw new ApiError('denied', 'Vault does not know the token')
    return { version: health.version ?? '', cluster: health.cluster_name ?? '' }
  }

  close(): void {
    this.#closed = true
    this.#cancelRenewal()
    this.#options.http.close()
  }

  /** The token was refused: true when it is worth trying with another one. */
  async #isStale(refused: string): Promise<boolean> {
    if (this.#token !== refused) return true
    const self = await this.#send('GET', '/v1/auth/token/lookup-self', refused)
    // The token is good; it is only not allowed to do that.
    if (self.status === 200) return false
    this.#forget()
    return (await this.#currentToken()) !== refused
  }

  #forget(): void {
    this.#token = undefined
    this.#cancelRenewal()
  }

  #currentToken(): Promise<string> {
    if (this.#token !== undefined) return Promise.resolve(this.#token)
    return (this.#getting ??= this.#getToken().finally(() => (this.#getting = undefined)))
  }

  async #getToken(): Promise<string> {
    const { auth } = this.#options
    const login = await loginOf(auth)
    if (login) {
      const answer = await this.#send('POST', login.path, undefined, login.body)
      if (answer.status !== 200) throw failureOf(answer, 'the login')
      const facts = (parseJson('Vault', answer.body) as { auth?: TokenFacts }).auth
      if (!facts?.client_token) throw new ApiError('internal', 'Vault answered a login without a token')
      registerSecret(facts.client_token)
      this.#token = facts.client_token
      this.#renewAfter(facts)
      return this.#token
    }
    const token = await configuredToken(auth)
    const self = await this.#send('GET', '/v1/auth/token/lookup-self', token)
    if (self.status === 200) {
      const { data } = parseJson('Vault', self.body) as { data?: { ttl?: number; renewable?: boolean } }
      this.#renewAfter({ lease_duration: data?.ttl ?? 0, renewable: data?.renewable ?? false })
    }
    this.#token = token
    return token
  }

  #renewAfter({ lease_duration: seconds = 0, renewable = false }: TokenFacts): void {
    this.#cancelRenewal()
    if (seconds <= 0 || this.#closed) return
    const { clock } = this.#options
    const end = clock.now() + seconds * 1_000
    const renew = async (): Promise<void> => {
      const token = this.#token
      if (token === undefined || this.#closed) return
      const answer = await this.#send('POST', '/v1/auth/token/renew-self', token, {}).catch(() => undefined)
      if (this.#token !== token || this.#closed) return
      if (answer?.status === 200) {
        return this.#renewAfter((parseJson('Vault', answer.body) as { auth?: TokenFacts }).auth ?? {})
      }
      // Refused, or too late: the next request gets another one.
      if (answer?.status === 403 || clock.now() + RETRY_MS >= end) this.#forget()
      else this.#cancelRenewal = clock.after(RETRY_MS, () => void renew().catch(() => {}))
    }
    const half = Math.min(seconds * 500, 2 ** 31 - 1)
    if (renewable) this.#cancelRenewal = clock.after(half, () => void renew().catch(() => {}))
    else this.#cancelRenewal = clock.after(half * 1.8, () => this.#forget())
  }

  #send(method: 'GET' | 'POST', path: string, token: string | undefined, body?: object): Promise<HttpAnswer> {
    const { http, namespace, timeoutMs } = this.#options
    const headers: Record<string, string> = { 'x-vault-request': 'true' }
    if (token !== undefined) headers['x-vault-token'] = token
    if (namespace !== undefined) headers['x-vault-namespace'] = namespace
    // A login or renewal that is sent twice does no harm.
    return http.send({ method, path, headers, timeoutMs, reads: true, ...(body && { body: JSON.stringify(body) }) })
  }
}

const CODES: Readonly<Record<number, ApiErrorCode>> = {
  400: 'invalid-argument',
  403: 'denied',
  429: 'exhausted',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
}

/** Vault's own words, which never hold a secret. */
function failureOf({ status, body }: HttpAnswer, what = 'the request'): ApiError {
  let words = ''
  try {
    const { errors } = JSON.parse(body) as { errors?: unknown }
    if (Array.isArray(errors)) words = errors.filter(each => typeof each === 'string').join('; ')
  } catch {
    // Not from Vault but from something in between.
  }
  const text = words.replace(/\s+/g, ' ').trim().slice(0, 300)
  return new ApiError(CODES[status] ?? 'internal', `Vault refused ${what} with ${status}${text && `: ${text}`}`)
}
