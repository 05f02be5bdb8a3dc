/** A server of a test that speaks somebody's HTTP API: it can be stopped and started again on the same port. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeRequest {
  readonly method: string
  /** Decoded. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface FakeAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON, a text as it is. */
  readonly body?: unknown
}

/** Gives no answer at all: the connection breaks. */
export const BREAK = Symbol('break')

type Answers = (request: FakeRequest) => Promise<FakeAnswer | typeof BREAK> | FakeAnswer | typeof BREAK

export class HttpFake {
  port = 0
  #server: Server | undefined
  readonly #answer: Answers

  constructor(answer: Answers) {
    this.#answer = answer
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response))
    server.listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.port = (server.address() as AddressInfo).port
    this.#server = server
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const [rawPath = '', query = ''] = (request.url ?? '').split('?')
    const answer = await this.#answer({
      method: request.method ?? '',
      path: decodeURIComponent(rawPath),
      query: new URLSearchParams(query),
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    })
    if (answer === BREAK) return void request.socket.destroy()
    const { status = 200, headers = {}, body } = answer
    response.writeHead(status, headers)
    response.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body))
  }
}
