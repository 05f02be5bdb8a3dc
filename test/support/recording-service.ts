/** A service that writes down what it is sent, and answers as the test says. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Recorded {
  readonly method: string
  /** As it came, with its query. */
  readonly target: string
  /** Several of a name are joined, as Node does. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

type Answer = (response: ServerResponse, request: Recorded) => void

export class RecordingService {
  readonly requests: Recorded[] = []
  /** Of the next requests. */
  answer: Answer
  /** That were ever made to it. */
  connections = 0
  readonly #server: Server

  private constructor(answer: Answer) {
    this.answer = answer
    this.#server = createServer((request, response) => void this.#record(request, response))
    this.#server.on('connection', () => this.connections++)
  }

  static async start(answer: Answer = response => response.end()): Promise<RecordingService> {
    const service = new RecordingService(answer)
    service.#server.listen(0, '127.0.0.1')
    await once(service.#server, 'listening')
    return service
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** The only request since the last time that this was asked. */
  taken(): Recorded {
    const [request, ...others] = this.requests.splice(0)
    if (!request || others.length > 0) throw new Error(`${others.length + (request ? 1 : 0)} requests instead of one`)
    return request
  }

  async #record(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = []
    try {
      for await (const piece of request) pieces.push(piece as Buffer)
    } catch {
      return
    }
    const { method = '', url: target = '' } = request
    const recorded = { method, target, headers: request.headers as Record<string, string>, body: Buffer.concat(pieces) }
    this.requests.push(recorded)
    this.answer(response, recorded)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
