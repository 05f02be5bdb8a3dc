/** What Nacos documents of its HTTP API for configuration: items, the question for changes that is held open, logins. */
import { createHash } from 'node:crypto'
import { type FakeAnswer, type FakeRequest, HttpFake } from './http-fake.ts'

const FIELD = '\u0002'
const ENTRY = '\u0001'

interface Item {
  readonly dataId: string
  readonly group: string
  readonly tenant: string
  readonly content: string
}

export class NacosFake {
  readonly http = new HttpFake(request => this.#answer(request))
  readonly items = new Map<string, Item>()
  readonly #held = new Set<() => void>()
  /** With it nothing is answered without a token. */
  user: { username: string; password: string } | undefined
  tokens = new Set<string>()
  logins = 0

  get address(): string {
    return `${this.http.url}/nacos`
  }

  async stop(): Promise<void> {
    await this.http.stop()
    this.#tell()
  }

  #answer(request: FakeRequest): FakeAnswer | Promise<FakeAnswer> {
    const { method, path, query, body } = request
    const form = new URLSearchParams(body)
    if (path === '/nacos/v1/auth/login') return this.#login(form)
    if (path === '/nacos/v1/console/server/state') return { body: { version: '2.4.3' } }
    if (this.user && !this.tokens.has(query.get('accessToken') ?? '')) return { status: 403, body: 'token invalid' }
    if (path === '/nacos/v1/cs/configs/listener') return this.#listen(request)
    if (path !== '/nacos/v1/cs/configs') return { status: 404 }
    if (method === 'GET' && query.has('search')) return this.#search(query)
    const place = keyOf(method === 'POST' ? form : query)
    if (!/^[\w.:-]+$/.test(place.dataId)) return { status: 400, body: 'invalid dataId' }
    const id = idOf(place)
    if (method === 'GET')
      return { status: this.items.has(id) ? 200 : 404, body: this.items.get(id)?.content ?? 'config data not exist' }
    const content = form.get('content')
    if (method === 'POST' && !content) return { status: 400, body: 'content' }
    if (method === 'POST') this.items.set(id, { ...place, content: content! })
    else this.items.delete(id)
    this.#tell()
    return { body: 'true' }
  }

  #search(query: URLSearchParams): FakeAnswer {
    const { group, tenant } = keyOf(query)
    const all = [...this.items.values()].filter(item => item.group === group && item.tenant === tenant)
    const [page, size] = [Number(query.get('pageNo')), Number(query.get('pageSize'))]
    const pageItems = all.slice((page - 1) * size, page * size)
    return {
      body: { totalCount: all.length, pageNumber: page, pagesAvailable: Math.ceil(all.length / size), pageItems },
    }
  }

  async #listen({ headers, body }: FakeRequest): Promise<FakeAnswer> {
    const entries = new URLSearchParams(body).get('Listening-Configs')!.split(ENTRY).filter(Boolean)
    const changed = () =>
      entries.filter(entry => {
        const [dataId = '', group = '', md5 = '', tenant = ''] = entry.split(FIELD)
        const item = this.items.get(idOf({ dataId, group, tenant }))
        return md5 !== (item ? createHash('md5').update(item.content).digest('hex') : '')
      })
    if (changed().length === 0) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(done, Number(headers['long-pulling-timeout']) - 500)
        const held = this.#held
        held.add(done)
        function done() {
          clearTimeout(timer)
          held.delete(done)
          resolve()
        }
      })
    }
    const lines = changed().map(entry => {
      const [dataId = '', group = '', , tenant] = entry.split(FIELD)
      return [dataId, group, ...(tenant ? [tenant] : [])].join(FIELD) + ENTRY
    })
    return { body: encodeURIComponent(lines.join('')) }
  }

  #login(form: URLSearchParams): FakeAnswer {
    this.logins++
    if (form.get('password') !== this.user?.password) return { status: 403, body: 'unknown user!' }
    const accessToken = `token-${this.logins}`
    this.tokens.add(accessToken)
    return { body: { accessToken, tokenTtl: 18_000, globalAdmin: true } }
  }

  #tell(): void {
    for (const done of [...this.#held]) done()
  }
}

function keyOf(parameters: URLSearchParams) {
  const [dataId = '', group = '', tenant = ''] = ['dataId', 'group', 'tenant'].map(name => parameters.get(name) ?? '')
  return { dataId, group, tenant }
}

function idOf({ dataId, group, tenant }: { dataId: string; group: string; tenant: string }): string {
  return [tenant, group, dataId].join(FIELD)
}
