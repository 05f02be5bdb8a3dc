/**
 * The admin listener: pages about the process for GET, and POST /reload for who has the token. HTTP by node:http, kept
 * small on purpose: it is not on any request's way.
 */
import { once } from 'node:events'
import { chmodSync, unlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Address, type AdminConfig, readSecret } from '../config/index.ts'
import { formatAddress, isStale, listenError } from '../net/index.ts'
import type { Logger } from '../observability/logger.ts'
import { redactText } from '../observability/redact.ts'
import { isBearer, isHostAllowed } from './guard.ts'
import { json, type Page, pageOf, text } from './pages.ts'
import type { AdminSource } from './source.ts'

const LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
} as const

const MAX_CONNECTIONS = 64

/** No request has a body that matters. */
const MAX_BODY_BYTES = 1024

const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const

export class AdminServer {
  readonly #source: AdminSource
  readonly #logger: Logger
  readonly #server: Server
  readonly #bound: Address
  #config: AdminConfig
  #address = ''

  /** The address of the configuration must be given. */
  constructor(config: AdminConfig, source: AdminSource, logger: Logger) {
    if (!config.address) throw new Error('an admin listener needs an address')
    this.#bound = config.address
    this.#config = config
    this.#source = source
    this.#logger = logger
    this.#server = createServer(LIMITS, (request, response) => void this.#serve(request, response))
    this.#server.maxConnections = MAX_CONNECTIONS
  }

  /** As bound, `host:port` or a socket path; defined after start(). */
  get address(): string {
    return this.#address
  }

  /** Binds. Rejects with a ProxyError that says what to do. */
  async start(): Promise<void> {
    const bound = this.#bound
    try {
      await this.#bind().catch(async error => {
        if (!('path' in bound && (await isStale(bound.path, error)))) throw error
        unlinkSync(bound.path)
        await this.#bind()
      })
    } catch (error) {
      throw listenError('admin', bound, error as NodeJS.ErrnoException)
    }
    // Who may open the socket may ask.
    if ('path' in bound) chmodSync(bound.path, 0o600)
    this.#server.on('error', error => this.#logger.error({ error }, 'admin listener'))
    const actual = this.#server.address() as AddressInfo | string
    this.#address = typeof actual === 'string' ? actual : formatAddress({ host: actual.address, port: actual.port })
  }

  async #bind(): Promise<void> {
    const bound = this.#bound
    this.#server.listen('path' in bound ? { path: bound.path } : { host: bound.host, port: bound.port })
    await once(this.#server, 'listening')
  }

  /** Takes another token or other allowed hosts; a changed address needs another server. */
  update(config: AdminConfig): void {
    this.#config = config
  }

  /** Answers what is being asked, then closes. */
  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const timer = setTimeout(() => this.#server.closeAllConnections(), 1000)
    await closed
    clearTimeout(timer)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let page: Page
    try {
      page = await this.#answer(request, response)
    } catch (error) {
      this.#logger.error({ error, path: request.url }, 'admin page failed')
      page = text(500, 'internal error; the log tells more')
    }
    const body = Buffer.from(redactText(page.body))
    response.writeHead(page.status, { ...HEADERS, 'content-type': page.type, 'content-length': body.length })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  #answer(request: IncomingMessage, response: ServerResponse): Page | Promise<Page> {
    if (!isHostAllowed(request, this.#bound, this.#config.allowedHosts)) {
      return text(421, 'this Host is not allowed here; add it to admin.allowedHosts in the configuration')
    }
    if (hasLargeBody(request)) {
      response.setHeader('connection', 'close')
      return text(413, 'no request needs a body here')
    }
    const [path = '', search] = (request.url ?? '').split('?', 2)
    const query = new URLSearchParams(search)
    if (path === '/reload') {
      if (request.method === 'POST') return this.#reload(request, response, query.has('force'))
      response.setHeader('allow', 'POST')
      return text(405, 'POST only')
    }
    const render = pageOf(this.#source, path)
    if (!render) return text(404, 'no such page; / lists them')
    if (request.method === 'GET' || request.method === 'HEAD') return render(this.#source, query)
    response.setHeader('allow', 'GET, HEAD')
    return text(405, 'GET only')
  }

  async #reload(request: IncomingMessage, response: ServerResponse, force: boolean): Promise<Page> {
    const { token } = this.#config
    if (!token) {
      return text(403, 'no token is configured, so nothing can be changed here; set admin.token, such as { env: NAME }')
    }
    if (!isBearer(request.headers.authorization, await readSecret(token))) {
      response.setHeader('www-authenticate', 'Bearer realm="portolan"')
      return text(401, 'the request needs the header Authorization: Bearer, with the token of admin.token')
    }
    const report = await this.#source.reloadFromSource({ force })
    return json(report.outcome === 'refused' ? 422 : 200, report)
  }
}

function hasLargeBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES
}
