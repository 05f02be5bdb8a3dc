/** A pool as a backend makes it, servers for it, and requests whose outcome can be awaited. */
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { encodeRequestLines, type ResponseHead } from '../../../../codecs/http1/index.ts'
import {
  type HttpExchange,
  HttpPool,
  type HttpPoolOptions,
  type HttpRequest,
  type HttpSink,
} from '../../../../src/backends/s3/http/index.ts'
import type { ProxyError } from '../../../../src/errors.ts'
import { Endpoints, RelayBuffers } from '../../../../src/net/index.ts'
import { selfSigned } from '../../../../src/net/self-signed.ts'
import { silentLogger } from '../../../../src/observability/logger.ts'
import { type Clock, systemClock } from '../../../../src/protocol.ts'

export const metricsOf = () => {
  const outcomes: Record<string, { value: number }> = {}
  return {
    connections: { value: 0 },
    inFlight: { value: 0 },
    queued: { value: 0 },
    repeats: { value: 0 },
    outcomes,
    connects: (outcome: string) => (outcomes[outcome] ??= { value: 0 }),
  }
}

export function poolTo(
  ports: number | readonly number[],
  options: Partial<HttpPoolOptions> = {},
  clock: Clock = systemClock,
) {
  const metrics = metricsOf()
  const addresses = [ports].flat().map(port => ({ host: '127.0.0.1', port }))
  const pool = new HttpPool(
    {
      name: 'files',
      endpoints: new Endpoints(addresses, clock),
      tls: undefined,
      maxConnections: 8,
      maxQueue: 100,
      queueTimeoutMs: 20_000,
      connectTimeoutMs: 5000,
      idleLifetimeMs: 20_000,
      keepAliveMs: undefined,
      responseTimeoutMs: 20_000,
      progressTimeoutMs: 20_000,
      continueTimeoutMs: 20_000,
      ...options,
    },
    { clock, logger: silentLogger, metrics, buffers: new RelayBuffers() },
  )
  onTestFinished(() => pool.close(0))
  return { pool, metrics }
}

/** A real HTTP server; returns its port. */
export async function httpServer(listener: RequestListener, keepAliveTimeout = 60_000): Promise<number> {
  const server = createHttpServer({ keepAliveTimeout }, listener)
  onTestFinished(() => server.closeAllConnections())
  return listening(server)
}

export async function httpsServer(listener: RequestListener): Promise<number> {
  const server = createHttpsServer(selfSigned(['localhost'], new Date()), listener)
  onTestFinished(() => server.closeAllConnections())
  return listening(server)
}

/** A server that does what it is told with each connection, the first one being number 0. */
export async function rawServer(onConnection: (socket: Socket, number: number) => void): Promise<number> {
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket, count++)
  })
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  return listening(server)
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Calls back for each head that ends on the socket, with all that has come so far. */
export function onRequest(socket: Socket, callback: (text: string) => void): void {
  let text = ''
  socket.on('data', chunk => {
    text += chunk.toString('latin1')
    if (!text.includes('\r\n\r\n')) return
    const request = text
    text = ''
    callback(request)
  })
}

export interface Outcome {
  readonly head: ResponseHead | undefined
  readonly body: Buffer
  readonly error: ProxyError | undefined
  readonly continued: boolean
}

export interface Sent {
  readonly exchange: HttpExchange
  readonly outcome: Promise<Outcome>
  /** Resolves when the body is wanted. */
  readonly wanted: Promise<void>
  /** Resolves when the head of the response is there. */
  readonly answered: Promise<ResponseHead>
}

export const requestOf = (method: string, target = '/', more: Partial<HttpRequest> = {}): HttpRequest => ({
  method,
  lines: encodeRequestLines(method, target, ['host', 'store']),
  body: more.bytes ? 'length' : 'none',
  length: more.bytes?.length ?? 0,
  bytes: undefined,
  expectContinue: false,
  ...more,
})

/** Sends, and keeps the response; `taps` hears the calls too. */
export function send(pool: HttpPool, request: HttpRequest, taps: Partial<HttpSink> = {}): Sent {
  const wanted = deferred<void>()
  const answered = deferred<ResponseHead>()
  const outcome = deferred<Outcome>()
  const pieces: Buffer[] = []
  let head: ResponseHead | undefined
  let continued = false
  let opened = false
  const end = (error: ProxyError | undefined) => {
    if (!opened) throw new Error('the sink is called before open() has returned')
    outcome.resolve({ head, body: Buffer.concat(pieces), error, continued })
  }
  const exchange = pool.open(request, {
    onContinue() {
      if (!opened || continued) throw new Error('onContinue is called too early or twice')
      continued = true
      wanted.resolve()
      taps.onContinue?.()
    },
    onDrain: () => taps.onDrain?.(),
    onHead(found, bodyFollows) {
      head = found
      answered.resolve(found)
      taps.onHead?.(found, bodyFollows)
    },
    onData(bytes, owned) {
      pieces.push(Buffer.from(bytes))
      return taps.onData?.(bytes, owned) ?? true
    },
    onEnd() {
      end(undefined)
      taps.onEnd?.()
    },
    onFailed(error) {
      end(error)
      taps.onFailed?.(error)
    },
  })
  opened = true
  return { exchange, outcome: outcome.promise, wanted: wanted.promise, answered: answered.promise }
}

/** A promise with what settles it. */
export function deferred<T>() {
  let resolve!: (value: T) => void
  const promise = new Promise<T>(settle => {
    resolve = settle
  })
  return { promise, resolve }
}
