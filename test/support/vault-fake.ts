/** What Vault documents of its HTTP API, as far as the component uses it: tokens, two ways in, and a key-value engine v2. */
import { type FakeAnswer, type FakeRequest, HttpFake } from './http-fake.ts'

interface Version {
  readonly data: Readonly<Record<string, unknown>> | undefined
}

interface Token {
  readonly ttl: number
  readonly renewable: boolean
}

const refused = (status: number, ...errors: string[]): FakeAnswer => ({ status, body: { errors } })

export class VaultFake {
  readonly http = new HttpFake(request => this.#answer(request))
  readonly tokens = new Map<string, Token>([['root', { ttl: 0, renewable: false }]])
  readonly secrets = new Map<string, Version[]>()
  /** Paths that no token may read. */
  readonly forbidden = new Set<string>()
  readonly logins: unknown[] = []
  readonly renewals: string[] = []
  namespace: string | undefined
  sealed = false
  /** Of tokens that a login gives. */
  loginTtl = 3_600

  put(path: string, data: Readonly<Record<string, unknown>>): void {
    this.secrets.set(path, [...(this.secrets.get(path) ?? []), { data }])
  }

  /** As `vault kv delete` does: the name stays. */
  delete(path: string): void {
    this.secrets.set(path, [...(this.secrets.get(path) ?? []), { data: undefined }])
  }

  #answer({ method, path, query, headers, body }: FakeRequest): FakeAnswer {
    if (path === '/v1/sys/health') {
      const health = { initialized: true, sealed: this.sealed, version: '1.21.4', cluster_name: 'fake' }
      return { status: this.sealed ? 503 : 200, body: health }
    }
    if (this.sealed) return refused(503, 'Vault is sealed')
    if (headers['x-vault-namespace'] !== this.namespace) return refused(404)
    if (method === 'POST' && path === '/v1/auth/kubernetes/login') return this.#login(JSON.parse(body))
    const token = String(headers['x-vault-token'])
    const facts = this.tokens.get(token)
    if (!facts) return refused(403, 'permission denied')
    if (path === '/v1/auth/token/lookup-self') return { body: { data: { ttl: facts.ttl, renewable: facts.renewable } } }
    if (path === '/v1/auth/token/renew-self') {
      this.renewals.push(token)
      return { body: { auth: { client_token: token, lease_duration: facts.ttl, renewable: true } } }
    }
    const [, kind, name = ''] = /^\/v1\/secret\/(data|metadata)\/(.*)$/.exec(path) ?? []
    if (this.forbidden.has(name)) return refused(403, '1 error occurred:\n\t* permission denied\n\n')
    if (kind === 'data' && method === 'GET') return this.#read(name, Number(query.get('version') ?? 0))
    if (kind === 'metadata' && method === 'GET' && query.get('list') === 'true') return this.#list(name)
    return refused(405, 'unsupported operation')
  }

  #login(request: { jwt?: string; role?: string }): FakeAnswer {
    this.logins.push(request)
    if (request.role !== 'app') return refused(400, `invalid role name "${request.role}"`)
    const token = `login-${this.logins.length}`
    this.tokens.set(token, { ttl: this.loginTtl, renewable: true })
    return { body: { auth: { client_token: token, lease_duration: this.loginTtl, renewable: true } } }
  }

  #read(name: string, wanted: number): FakeAnswer {
    const versions = this.secrets.get(name) ?? []
    const version = wanted || versions.length
    const found = versions[version - 1]
    if (!found) return refused(404)
    const metadata = { version, destroyed: false, deletion_time: found.data ? '' : '2026-01-01T00:00:00Z' }
    return { status: found.data ? 200 : 404, body: { data: { data: found.data ?? null, metadata } } }
  }

  #list(folder: string): FakeAnswer {
    const keys = new Set<string>()
    for (const name of this.secrets.keys()) {
      if (name.startsWith(folder)) keys.add(/^[^/]*\/?/.exec(name.slice(folder.length))![0])
    }
    return keys.size > 0 ? { body: { data: { keys: [...keys] } } } : refused(404)
  }
}
