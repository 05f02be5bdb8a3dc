/**
 * A provider of Dubbo that answers as Apache Dubbo 2.7.23 did: `dubbo-exchanges.json` has bodies of requests, and what the
 * real provider sent for each. It reads and writes the head of messages by itself, from the protocol's description.
 */
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

interface Exchange {
  readonly call: string
  readonly request: string
  readonly status: number
  readonly answer: string
}

const exchanges: readonly Exchange[] = JSON.parse(
  readFileSync(new URL('dubbo-exchanges.json', import.meta.url), 'utf8'),
)
const byRequest = new Map(exchanges.map(exchange => [exchange.request, exchange]))

/** The interface whose methods were called. */
export const RECORDED_SERVICE = 'demo.Greeter'

export class RecordedProvider {
  /** Calls that came, heartbeats not counted. */
  calls = 0
  /** Heartbeats that were asked, and answers to those that were sent. */
  heartbeats = 0
  heartbeatAnswers = 0
  connections = 0
  /** What happens to a call: it is answered, kept without an answer, or its connection is cut. */
  behaviour: 'answers' | 'keeps' | 'cuts' = 'answers'
  #server: Server | undefined
  #port = 0
  readonly #sockets = new Set<Socket>()
  #kept: (() => void)[] = []

  static async start(): Promise<RecordedProvider> {
    const provider = new RecordedProvider()
    await provider.start()
    return provider
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  /** At the same port as before. */
  async start(): Promise<void> {
    const server = createServer(socket => this.#serve(socket))
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, '127.0.0.1', resolve)
    })
    this.#port = (server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const server = this.#server
    this.#server = undefined
    if (server) await new Promise<void>(resolve => void server.close(() => resolve()))
  }

  /** Answers what was kept, the last first. */
  release(): void {
    this.behaviour = 'answers'
    for (const answer of this.#kept.splice(0).reverse()) answer()
  }

  /** Sends bytes on every connection. */
  send(hex: string): void {
    for (const socket of this.#sockets) socket.write(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
  }

  #serve(socket: Socket): void {
    this.connections++
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
    let bytes = Buffer.alloc(0)
    socket.on('data', chunk => {
      bytes = Buffer.concat([bytes, chunk])
      while (bytes.length >= 16 && bytes.length >= 16 + bytes.readInt32BE(12)) {
        const length = 16 + bytes.readInt32BE(12)
        this.#take(socket, bytes.subarray(0, length))
        bytes = bytes.subarray(length)
      }
    })
  }

  #take(socket: Socket, message: Buffer): void {
    const [magic, flags] = [message.readUInt16BE(0), message[2]!]
    if (magic !== 0xdabb) return void socket.destroy()
    const id = message.subarray(4, 12)
    if (flags === 0x22) {
      this.heartbeatAnswers++
      return
    }
    if (flags === 0xe2) {
      this.heartbeats++
      if (this.behaviour === 'answers') socket.write(framed(0x22, 20, id, Buffer.from('N')))
      return
    }
    this.calls++
    if (this.behaviour === 'cuts') return void socket.destroy()
    const answer = (): void => {
      const exchange = flags === 0xc2 ? byRequest.get(message.toString('hex', 16)) : undefined
      const reason = Buffer.from('\x0cnot recorded')
      const body = exchange ? Buffer.from(exchange.answer, 'hex') : reason
      socket.write(framed(0x02, exchange?.status ?? 80, id, body))
    }
    if (this.behaviour === 'keeps') this.#kept.push(answer)
    else answer()
  }
}

function framed(flags: number, status: number, id: Buffer, body: Buffer): Buffer {
  const head = Buffer.from([0xda, 0xbb, flags, status, ...id, 0, 0, 0, 0])
  head.writeInt32BE(body.length, 12)
  return Buffer.concat([head, body])
}
