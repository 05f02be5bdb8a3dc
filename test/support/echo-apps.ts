/** Applications that answer with what they were sent: one over HTTP, one over gRPC with any method. */
import { createServer, type Server as HttpServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Metadata, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'

export interface EchoApp {
  readonly address: string
  /** Requests over HTTP so far. */
  readonly seen: readonly { readonly verb: string | undefined; readonly headers: IncomingHttpHeaders }[]
  close(): Promise<void>
}

/** Answers 418, with the request's line and `x-tried` in its headers; `/status/404` and so on with that. */
export async function startHttpEcho(): Promise<EchoApp> {
  const seen: { verb: string | undefined; headers: IncomingHttpHeaders }[] = []
  const server: HttpServer = createServer((request, response) => {
    seen.push({ verb: request.method, headers: request.headers })
    const parts: Buffer[] = []
    request.on('data', part => parts.push(part))
    request.on('end', () => {
      if (request.url === '/cut') return void request.socket.destroy()
      const [, code = '418'] = /^\/status\/(\d+)/.exec(request.url!) ?? []
      response.writeHead(Number(code), {
        'content-type': request.headers['content-type'] ?? 'text/plain',
        'x-verb': request.method,
        'x-path': request.url,
        'x-tried': String(request.headers['x-tried']),
        'x-token': String(request.headers['dapr-api-token']),
      })
      response.end(Buffer.concat(parts))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async close() {
      server.closeAllConnections()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

const asIs = (message: Buffer): Buffer => message

/** `/any.Service/Echo` sends each message back and ends with 9 `echoed`; `OnInvoke` answers with its own request. */
export async function startGrpcEcho(): Promise<EchoApp & { cancelled: number }> {
  const server = new Server()
  const echo = (call: ServerDuplexStream<Buffer, Buffer>): void => {
    let count = 0
    const metadata = new Metadata()
    for (const name of ['x-tried', 'dapr-api-token'])
      for (const value of call.metadata.get(name)) metadata.add(name, value)
    call.sendMetadata(metadata)
    call.on('data', (message: Buffer) => {
      count++
      call.write(message)
    })
    call.on('cancelled', () => app.cancelled++)
    call.on('error', () => {})
    call.on('end', () => {
      const trailers = new Metadata()
      trailers.add('x-count-bin', Buffer.from([count]))
      call.emit('error', { code: 9, details: 'echoed', metadata: trailers })
    })
  }
  server.register('/any.Service/Echo', echo, asIs, asIs, 'bidi')
  server.register(
    '/any.Service/Unary',
    (call: { request: Buffer }, done: (error: null, value: Buffer) => void) => done(null, call.request),
    asIs,
    asIs,
    'unary',
  )
  server.register(
    '/dapr.proto.runtime.v1.AppCallback/OnInvoke',
    (_: object, done: (error: null, value: Buffer) => void) => {
      // InvokeResponse { data: Any { value: "invoked" }, content_type: "text/x" }
      done(null, Buffer.from('0a091207696e766f6b65641206746578742f78', 'hex'))
    },
    asIs,
    asIs,
    'unary',
  )
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  const app = {
    address: `127.0.0.1:${port}`,
    seen: [],
    cancelled: 0,
    async close() {
      server.forceShutdown()
    },
  }
  return app
}
