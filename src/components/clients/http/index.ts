/** A client for stores that are asked over HTTP: bounded in time and size, and exact about what may have happened. */
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import * as z from 'zod/mini'
import { ApiError } from '../../../apis/index.ts'
import type { ClientTlsOptions } from '../../../config/index.ts'
import { type ClientTls, openClientTls } from '../../../net/index.ts'
import type { Logger } from '../../../observability/logger.ts'

/** An `http:` or `https:` URL without query, user and password. */
export function serverUrl() {
  const error = 'must be a URL such as https://host:8200, without user and query'
  return z.string().check(
    z.refine(text => {
      const url = URL.canParse(text) ? new URL(text) : undefined
      return (
        url !== undefined &&
        /^https?:$/.test(url.protocol) &&
        !url.search &&
        !url.hash &&
        !url.username &&
        !url.password
      )
    }, error),
  )
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With its query, encoded; below the path of the URL. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs: number
  /** Whether the request only reads, so that it may be sent again when its answer is lost. */
  readonly reads: boolean
  readonly signal?: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

const MAX_ANSWER_BYTES = 16 * 1024 * 1024
/** Kept open for the next request, for as long as most servers keep them. */
const KEEP_ALIVE_MS = 4_000

export class HttpClient {
  readonly host: string
  readonly basePath: string
  readonly #url: URL
  readonly #name: string
  readonly #tls: ClientTls | undefined
  readonly #agent: HttpAgent | HttpsAgent
  readonly #closed = new AbortController()

  /** `name` is the product, for errors. */
  constructor(name: string, url: string, tls: ClientTlsOptions | undefined, logger: Logger) {
    this.#name = name
    this.#url = new URL(url)
    this.host = this.#url.host
    this.basePath = this.#url.pathname.replace(/\/$/, '')
    const isHttps = this.#url.protocol === 'https:'
    this.#tls = isHttps && tls ? openClientTls(tls, logger) : undefined
    const options = { keepAlive: true, maxSockets: 64, timeout: KEEP_ALIVE_MS }
    this.#agent = isHttps ? new HttpsAgent(options) : new HttpAgent(options)
  }

  /** Any answer of the server, whatever its status. Rejects with an ApiError, `unavailable` or `unknown`. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    if (this.#closed.signal.aborted) throw new ApiError('unavailable', `the client of ${this.#name} is closed`)
    const progress: Progress = { sent: false, reused: false, answered: false }
    try {
      return await this.#attempt(request, progress)
    } catch (error) {
      // The server closed a kept connection just then.
      if (request.reads && progress.reused && !progress.answered && !request.signal?.aborted) {
        return this.#attempt(request, progress).catch(reason => {
          throw this.#failure(request, progress, reason)
        })
      }
      throw this.#failure(request, progress, error)
    }
  }

  close(): void {
    this.#closed.abort()
    this.#agent.destroy()
    this.#tls?.close()
  }

  #attempt({ method, path, headers, body = '', timeoutMs, reads, signal }: HttpRequest, progress: Progress) {
    const { protocol, hostname, port } = this.#url
    const send = protocol === 'https:' ? requestHttps : requestHttp
    const host = hostname.replace(/^\[|\]$/g, '')
    const signals = [AbortSignal.timeout(timeoutMs), this.#closed.signal, ...(signal ? [signal] : [])]
    const tls = this.#tls?.options({ host, port: Number(port) || 443 })
    return new Promise<HttpAnswer>((resolve, reject) => {
      const outgoing = send({
        ...tls,
        host,
        port: port || undefined,
        method,
        path: this.basePath + path,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        // A kept connection may be closing, and a write must not be sent into the unknown.
        agent: reads ? this.#agent : false,
        signal: AbortSignal.any(signals),
      })
      outgoing.on('socket', socket => {
        const ready = () => (progress.sent = true)
        progress.reused = outgoing.reusedSocket
        if (!socket.connecting) ready()
        else socket.once(tls || protocol === 'https:' ? 'secureConnect' : 'connect', ready)
      })
      outgoing.on('error', reject)
      outgoing.on('response', answer => {
        progress.answered = true
        const chunks: Buffer[] = []
        let bytes = 0
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > MAX_ANSWER_BYTES) answer.destroy(new Error(`answered with more than ${MAX_ANSWER_BYTES} bytes`))
          else chunks.push(chunk)
        })
        answer.on('error', reject)
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text })
        })
      })
      outgoing.end(body)
    })
  }

  #failure({ reads, signal, timeoutMs }: HttpRequest, { sent }: Progress, error: unknown): ApiError {
    const { code, name, message } = error as NodeJS.ErrnoException
    const isLate = name === 'AbortError' || code === 'ABORT_ERR' || name === 'TimeoutError'
    const closed = this.#closed.signal.aborted || signal?.aborted
    const reason = closed ? 'the client was closed' : isLate ? `no answer within ${timeoutMs} ms` : (code ?? message)
    const isUnknown = sent && !reads
    return new ApiError(isUnknown ? 'unknown' : 'unavailable', `${this.#name} at ${this.host}: ${reason}`, {
      cause: error,
    })
  }
}

interface Progress {
  /** The connection stood, so the request may have arrived. */
  sent: boolean
  reused: boolean
  answered: boolean
}

/** The answer's JSON; an ApiError when it is none. */
export function parseJson(name: string, body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (cause) {
    throw new ApiError('internal', `${name} answered with what is no JSON`, { cause })
  }
}
