/** The requests of Nacos's configuration service: https://nacos.io/en/docs/open-api/, with logins as they run out. */
import { createHash } from 'node:crypto'
import { ApiError, type ApiErrorCode } from '../../../apis/index.ts'
import { readSecret } from '../../../config/index.ts'
import { registerSecret } from '../../../observability/redact.ts'
import type { Clock } from '../../../protocol.ts'
import { type HttpAnswer, type HttpClient, parseJson } from '../http/index.ts'
import type { NacosOptions } from './options.ts'

export interface NacosKey {
  readonly dataId: string
  readonly group: string
}

export interface NacosItem extends NacosKey {
  readonly content: string
}

export interface NacosClientOptions extends Pick<NacosOptions, 'namespace' | 'credentials'> {
  readonly http: HttpClient
  readonly clock: Clock
  readonly timeoutMs: number
}

const CONFIGS = '/v1/cs/configs'
/** How long Nacos holds a question for changes; it answers half a second earlier. */
const HOLD_MS = 30_000
const PAGE = 500
const MAX_ITEMS = 10_000
/** What separates fields and entries in the question for changes. */
const FIELD = '\u0002'
const ENTRY = '\u0001'

export class NacosClient {
  readonly #options: NacosClientOptions
  #token: { readonly text: string; readonly goodUntil: number } | undefined
  #loggingIn: Promise<string | undefined> | undefined

  constructor(options: NacosClientOptions) {
    this.#options = options
  }

  async get({ dataId, group }: NacosKey): Promise<string | undefined> {
    const answer = await this.#send('GET', CONFIGS, { dataId, group, ...this.#tenant() })
    if (answer.status === 404) return undefined
    return accepted(answer).body
  }

  /** The items of a group, and of a beginning of their keys. */
  async list(group: string, prefix: string): Promise<readonly NacosItem[]> {
    const items: NacosItem[] = []
    for (let pageNo = 1; ; pageNo++) {
      const query = {
        search: 'blur',
        dataId: '',
        group,
        pageNo: String(pageNo),
        pageSize: String(PAGE),
        ...this.#tenant(),
      }
      const answer = accepted(await this.#send('GET', CONFIGS, query))
      const { pageItems = [], pagesAvailable = 1 } = parseJson('Nacos', answer.body) as {
        pageItems?: NacosItem[]
        pagesAvailable?: number
      }
      items.push(...pageItems.filter(item => item.group === group && item.dataId.startsWith(prefix)))
      if (items.length > MAX_ITEMS) throw new ApiError('exhausted', `Nacos holds more than ${MAX_ITEMS} such items`)
      if (pageNo >= pagesAvailable) return items
    }
  }

  async publish({ dataId, group, content }: NacosItem): Promise<void> {
    const { body } = accepted(await this.#send('POST', CONFIGS, {}, { dataId, group, content, ...this.#tenant() }))
    if (body !== 'true') throw new ApiError('internal', 'Nacos did not take the item')
  }

  async remove({ dataId, group }: NacosKey): Promise<void> {
    accepted(await this.#send('DELETE', CONFIGS, { dataId, group, ...this.#tenant() }))
  }

  /** Those of the keys whose digest is another one by now (empty: not there); waits until there is one, or a while. */
  async changed(known: ReadonlyMap<string, string>, group: string, signal: AbortSignal): Promise<readonly string[]> {
    const tenant = this.#options.namespace
    const entries = Array.from(known, ([dataId, md5]) =>
      [dataId, group, md5, ...(tenant ? [tenant] : [])].join(FIELD).concat(ENTRY),
    )
    const form = { 'Listening-Configs': entries.join('') }
    const answer = accepted(await this.#send('POST', `${CONFIGS}/listener`, {}, form, signal))
    return decodeURIComponent(answer.body.trim())
      .split(ENTRY)
      .map(entry => entry.split(FIELD)[0]!)
      .filter(dataId => dataId !== '')
  }

  /** The state that the server tells of itself. */
  async check(timeoutMs: number): Promise<string> {
    const path = '/v1/console/server/state'
    const answer = await this.#options.http.send({ method: 'GET', path, timeoutMs, reads: true })
    // Servers without a console answer too, only not with that.
    const state = answer.status === 200 ? (parseJson('Nacos', answer.body) as { version?: string }) : {}
    await this.get({ dataId: 'portolan-check', group: 'DEFAULT_GROUP' })
    return state.version ?? ''
  }

  close(): void {
    this.#options.http.close()
  }

  #tenant(): Record<string, string> {
    const { namespace } = this.#options
    return namespace ? { tenant: namespace } : {}
  }

  async #send(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    query: Record<string, string>,
    form?: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<HttpAnswer> {
    const { http, timeoutMs } = this.#options
    const attempt = async () => {
      const token = await this.#login()
      const text = new URLSearchParams({ ...query, ...(token && { accessToken: token }) }).toString()
      return http.send({
        method,
        path: text ? `${path}?${text}` : path,
        headers: {
          ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
          ...(signal && { 'long-pulling-timeout': String(HOLD_MS) }),
        },
        ...(form && { body: new URLSearchParams(form).toString() }),
        timeoutMs: signal ? HOLD_MS + timeoutMs : timeoutMs,
        reads: method === 'GET' || signal !== undefined,
        ...(signal && { signal }),
      })
    }
    const answer = await attempt()
    if (answer.status !== 403 || !this.#token) return answer
    // It was refused before it did anything.
    this.#token = undefined
    return attempt()
  }

  async #login(): Promise<string | undefined> {
    const { credentials, clock } = this.#options
    if (!credentials) return undefined
    if (this.#token && clock.now() < this.#token.goodUntil) return this.#token.text
    return (this.#loggingIn ??= this.#loginNow(credentials).finally(() => (this.#loggingIn = undefined)))
  }

  async #loginNow({ username, password }: NonNullable<NacosOptions['credentials']>): Promise<string> {
    const { http, clock, timeoutMs } = this.#options
    const secret = await readSecret(password).catch((cause: Error) => {
      throw new ApiError('unavailable', `the password for Nacos: ${cause.message}`, { cause })
    })
    const answer = await http.send({
      method: 'POST',
      path: '/v1/auth/login',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ username, password: secret }).toString(),
      timeoutMs,
      reads: true,
    })
    const { accessToken, tokenTtl = 0 } = parseJson('Nacos', accepted(answer).body) as {
      accessToken?: string
      tokenTtl?: number
    }
    if (!accessToken) throw new ApiError('denied', 'Nacos gave no token')
    registerSecret(accessToken)
    // Another one is got before the end.
    this.#token = { text: accessToken, goodUntil: clock.now() + tokenTtl * 900 }
    return accessToken
  }
}

/** The digest by which Nacos tells contents apart. */
export function md5Of(content: string): string {
  return createHash('md5').update(content).digest('hex')
}

const CODES: Readonly<Record<number, ApiErrorCode>> = {
  400: 'invalid-argument',
  401: 'denied',
  403: 'denied',
  429: 'exhausted',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
}

function accepted(answer: HttpAnswer): HttpAnswer {
  if (answer.status === 200) return answer
  throw new ApiError(CODES[answer.status] ?? 'internal', `Nacos refused the request with ${answer.status}`)
}
