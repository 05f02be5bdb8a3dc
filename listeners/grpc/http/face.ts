/** Dapr's HTTP API over the same methods as its gRPC service. Accepted connections are given to it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { AppAnswer } from '../../../src/apis/index.ts'
import type { InvokeService } from '../../../src/services/index.ts'
import { daprStatusOf, VERBS } from '../dapr/index.ts'
import { INTERNAL, statusError } from '../errors.ts'
import { forwarded } from '../forwarded.ts'
import type { Service, StatusError, Unary } from '../rpc.ts'
import type { ServerHost } from '../server.ts'
import { UNSERVED } from '../unserved.ts'
import { type AppTarget, handOn, targetOf } from './invoke.ts'
import { BadRequest, type HttpRoute, ROUTES } from './routes.ts'

/** HTTP's status for each of gRPC's, as Dapr maps them; what is not here is 500. */
const HTTP_STATUS: Readonly<Record<number, number>> = {
  3: 400,
  4: 504,
  5: 404,
  7: 403,
  8: 429,
  9: 400,
  10: 409,
  12: 501,
  14: 503,
  16: 401,
}
const UNKNOWN = 2
const INVALID_ARGUMENT = 3
const UNIMPLEMENTED = 12
const UNAUTHENTICATED = 16
/** Of a body that is too long, read all the same. */
const PATIENCE_BYTES = 16 * 1024 * 1024
const DAPR = 'dapr.proto.runtime.v1.Dapr'
/** Where the first part of a path leads that is not served. */
const POINTERS: Readonly<Record<string, string>> = {
  state: UNSERVED[DAPR]!['GetState']!,
  bindings: UNSERVED[DAPR]!['InvokeBinding']!,
  actors: UNSERVED[DAPR]!['InvokeActor']!,
  crypto: UNSERVED[DAPR]!['EncryptAlpha1']!,
  jobs: UNSERVED[DAPR]!['ScheduleJob']!,
  workflows: UNSERVED[DAPR]!['StartWorkflowBeta1']!,
  conversation: UNSERVED[DAPR]!['ConverseAlpha1']!,
  shutdown: UNSERVED[DAPR]!['Shutdown']!,
}

export class HttpFace {
  readonly #methods: Service['methods']
  readonly #invoke: InvokeService
  readonly #host: ServerHost
  readonly #maxBodyBytes: number
  readonly #server: Server

  constructor(dapr: Service, invoke: InvokeService, host: ServerHost, maxBodyBytes: number) {
    this.#methods = dapr.methods
    this.#invoke = invoke
    this.#host = host
    this.#maxBodyBytes = maxBodyBytes
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  accept(socket: Socket): void {
    this.#server.emit('connection', socket)
  }

  /** Ends connections that are idle, and the others after what they are about. */
  drain(): void {
    this.#server.close()
    this.#server.closeIdleConnections()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedAt = performance.now()
    let name = 'http'
    try {
      const [path = '', search = ''] = (request.url ?? '').split('?', 2) as [string, string?]
      const target = targetOf(request)
      if (target) {
        name = 'InvokeService'
        const answer = await this.#toApp(target, request)
        handOn(response, answer)
        return this.#host.answered(`/${DAPR}.http/${name}`, answer.status < 500 ? 0 : UNKNOWN, startedAt)
      }
      const route = routeOf(request.method ?? '', path)
      name = route.rpc ?? 'Healthz'
      if (route.rpc !== null) this.#admit(request)
      const body = await this.#read(request)
      const message = route.request({
        parameters: parametersOf(route, path),
        query: new URLSearchParams(search),
        body,
        contentType: request.headers['content-type'] ?? '',
      })
      const answer = route.rpc === null ? {} : await this.#call(route.rpc, message, request)
      send(response, route.answer(answer as never))
      this.#host.answered(`/${DAPR}.http/${name}`, 0, startedAt)
    } catch (error) {
      const { code, details } = this.#dress(error, name)
      this.#host.answered(`/${DAPR}.http/${name}`, code, startedAt)
      fail(response, code, details)
    }
  }

  /** Whatever an application that speaks HTTP answers is handed on; one of gRPC is asked by its OnInvoke. */
  async #toApp(target: AppTarget, request: IncomingMessage): Promise<AppAnswer> {
    this.#admit(request)
    const body = await this.#read(request)
    if (this.#invoke.protocolOf(target.app) === 'http') {
      const verb = request.method ?? 'GET'
      const headers = forwarded(request.headers)
      return this.#invoke.request(target.app, { verb, path: target.path, headers, body })
    }
    const [method = '', querystring = ''] = target.path.slice(1).split('?', 2)
    const contentType = request.headers['content-type'] ?? ''
    const verb = Math.max(0, VERBS.indexOf(request.method ?? ''))
    const message = { method, data: { value: body }, content_type: contentType, http_extension: { verb, querystring } }
    const answer = (await this.#call('InvokeService', { id: target.app, message }, request)) as InvokeAnswer
    const headers = { 'content-type': answer.content_type || 'application/json' }
    return { status: 200, headers, body: Buffer.from(answer.data?.value ?? []) }
  }

  #call(name: string, message: object, request: IncomingMessage): object | Promise<object> {
    const metadata = ['traceparent', 'tracestate'].flatMap(header => {
      const value = request.headers[header]
      return typeof value === 'string' ? [[header, value] as const] : []
    })
    return (this.#methods[name] as Unary<object>)(message, { metadata, signal: new AbortController().signal })
  }

  #admit({ headers }: IncomingMessage): void {
    const token = headers['dapr-api-token']
    const reason = this.#host.refusal(typeof token === 'string' ? token : undefined)
    if (reason !== undefined) throw new Refusal(UNAUTHENTICATED, reason)
  }

  async #read(request: IncomingMessage): Promise<Buffer> {
    const max = this.#maxBodyBytes
    const parts: Buffer[] = []
    let bytes = 0
    // Read to its end, as an answer in the middle of a body is lost with the connection; but not for ever.
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length
      if (bytes <= max) parts.push(part)
      else if (bytes > max + PATIENCE_BYTES) break
    }
    if (bytes > max) throw new Refusal(8, `the body is longer than ${max} bytes`)
    return Buffer.concat(parts)
  }

  #dress(error: unknown, name: string): StatusError {
    if (error instanceof Refusal) return statusError(error.code, error.message, 'REFUSED')
    if (error instanceof BadRequest) return statusError(INVALID_ARGUMENT, error.message, 'BAD_REQUEST')
    const dressed = daprStatusOf(error)
    if (dressed) return dressed
    this.#host.bug(name, error)
    return INTERNAL
  }
}

interface InvokeAnswer {
  readonly data: { readonly value: Uint8Array } | null
  readonly content_type: string
}

class Refusal extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

function routeOf(verb: string, path: string): HttpRoute {
  const found = ROUTES.filter(route => route.path.test(path))
  const route = found.find(({ verbs }) => verbs.includes(verb))
  if (route) return route
  if (found.length > 0) throw new Refusal(UNIMPLEMENTED, `${verb} is not served at ${path}`)
  const [, version, part = ''] = path.split('/')
  const pointer = version?.startsWith('v1.0') ? POINTERS[part] : undefined
  throw new Refusal(
    pointer ? UNIMPLEMENTED : 5,
    pointer ? `${part} is not served here: ${pointer}` : `there is nothing at ${path}`,
  )
}

function parametersOf({ path: pattern }: HttpRoute, path: string): readonly string[] {
  const [, ...groups] = pattern.exec(path)!
  try {
    return groups.map(group => decodeURIComponent(group ?? ''))
  } catch {
    throw new BadRequest('the path is not valid UTF-8')
  }
}

function send(response: ServerResponse, answer: unknown): void {
  if (answer === undefined) return void response.writeHead(204).end()
  const body = JSON.stringify(answer)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
}

/** As Dapr writes errors. */
function fail(response: ServerResponse, code: number, message: string): void {
  const body = JSON.stringify({ errorCode: `ERR_${NAMES[code] ?? 'INTERNAL'}`, message })
  response
    .writeHead(HTTP_STATUS[code] ?? 500, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    })
    .end(body)
}

const NAMES: Readonly<Record<number, string>> = {
  3: 'INVALID_ARGUMENT',
  4: 'DEADLINE_EXCEEDED',
  5: 'NOT_FOUND',
  7: 'PERMISSION_DENIED',
  8: 'RESOURCE_EXHAUSTED',
  9: 'FAILED_PRECONDITION',
  10: 'ABORTED',
  12: 'NOT_SERVED',
  14: 'UNAVAILABLE',
  16: 'UNAUTHENTICATED',
}
