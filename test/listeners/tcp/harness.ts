/** What the tests of the relay need around it: a runtime, a relay on a free port, and ends that note what they get. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type * as z from 'zod/mini'
import { tcp } from '../../../listeners/tcp/index.ts'
import { type TcpBackend, tcpBackendKind } from '../../../src/backends/tcp/index.ts'
import type { ListenerConfig } from '../../../src/config/index.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { Metrics } from '../../../src/observability/metrics.ts'
import { type Clock, type Listener, type Runtime, systemClock } from '../../../src/protocol.ts'

type Input = Readonly<Record<string, unknown>>

/** A relay with all around it; close() ends everything that was made through it. */
export class Harness {
  readonly metrics = new Metrics()
  readonly clock: Clock
  readonly runtime: Runtime
  /** What the listener gets when it asks for its backend; replace it as a reload does. */
  backend!: TcpBackend
  listener!: Listener
  readonly #clients = new Set<Socket>()
  readonly #backends = new Set<TcpBackend>()
  readonly #servers: TestServer[] = []

  constructor(clock: Clock = systemClock) {
    this.clock = clock
    this.runtime = {
      backend: () => this.backend,
      components: new Map(),
      bindings: new Map(),
      inventory: () => ({ components: [], listeners: [] }),
      match: () => [],
      componentKinds: [],
      metrics: this.metrics,
      logger: silentLogger,
      clock,
    }
  }

  /** Checks are off unless asked for: tests want to see exactly their own connections. */
  createBackend(endpoints: readonly string[], options: Input = {}): TcpBackend {
    const parsed = tcpBackendKind.options.parse({ endpoints, healthCheck: { interval: 0 }, ...options })
    const backend = tcpBackendKind.build({ name: 'b', protocol: 'tcp', options: parsed }, this.runtime) as TcpBackend
    this.#backends.add(backend)
    return backend
  }

  config(options: Input = {}): ListenerConfig {
    return {
      name: 'l',
      protocol: 'tcp',
      address: { host: '127.0.0.1', port: 0 },
      backend: 'b',
      options: (tcp.options as z.ZodMiniType).parse(options),
    }
  }

  async start(endpoints: readonly string[], options: { listener?: Input; backend?: Input } = {}): Promise<void> {
    this.backend = this.createBackend(endpoints, options.backend)
    await this.backend.start()
    this.listener = tcp.build(this.config(options.listener), this.runtime)
    await this.listener.start()
  }

  get port(): number {
    return Number(this.listener.address.split(':').at(-1))
  }

  /** A connection to the relay. */
  async client(options: { allowHalfOpen?: boolean } = {}): Promise<Socket> {
    const socket = connect({ port: this.port, host: '127.0.0.1', ...options })
    this.#clients.add(socket)
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }

  /** A server of the test's own; without a handler it echoes. */
  async server(onConnection: (socket: Socket) => void = echo): Promise<TestServer> {
    const server = new TestServer(onConnection)
    this.#servers.push(server)
    await server.listen()
    return server
  }

  metric(family: Parameters<Metrics['read']>[0], label: Readonly<Record<string, string>> = {}): number {
    let sum = 0
    for (const sample of this.metrics.read(family)) {
      const fits = Object.entries(label).every(([key, value]) => sample.labels[key] === value)
      if (fits && 'value' in sample) sum += sample.value
    }
    return sum
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy()
    await this.listener?.drain(0)
    for (const backend of this.#backends) await backend.close(0)
    for (const server of this.#servers) server.close()
  }
}

export class TestServer {
  readonly sockets: Socket[] = []
  readonly #server: Server
  readonly #waiting: (() => void)[] = []
  /** Stays as it was when the server is closed. */
  port = 0

  constructor(onConnection: (socket: Socket) => void) {
    this.#server = createServer({ allowHalfOpen: true }, socket => {
      socket.on('error', () => {})
      this.sockets.push(socket)
      onConnection(socket)
      for (const wake of this.#waiting.splice(0)) wake()
    })
  }

  async listen(port = 0): Promise<void> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.port = (this.#server.address() as AddressInfo).port
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** The nth connection, waited for. */
  async connection(index: number): Promise<Socket> {
    while (this.sockets.length <= index) await new Promise<void>(resolve => this.#waiting.push(resolve))
    return this.sockets[index]!
  }

  close(): void {
    this.#server.close()
    for (const socket of this.sockets) socket.destroy()
  }
}

/** Sends back what it gets, FIN included. */
export function echo(socket: Socket): void {
  socket.pipe(socket)
}

/** All bytes until the peer's end; rejects when the connection is torn. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk))
  await once(socket, 'end')
  return Buffer.concat(chunks)
}

/** Resolves with the bytes once there are as many. */
export function readBytes(socket: Socket, count: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk)
      if ((length += chunk.length) < count) return
      socket.off('data', onData)
      socket.pause()
      resolve(Buffer.concat(chunks))
    }
    socket.on('data', onData)
    socket.once('close', () => reject(new Error(`closed after ${length} of ${count} bytes`)))
    socket.resume()
  })
}

/** Resolves when the socket is closed, with the code of its error or 'clean'. */
export function closed(socket: Socket): Promise<string> {
  let outcome = 'clean'
  socket.on('error', (error: NodeJS.ErrnoException) => {
    outcome = error.code ?? error.message
  })
  socket.resume()
  return new Promise(resolve => socket.once('close', () => resolve(outcome)))
}

/** Resolves once the condition holds; asks again on every turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}

/** Resolves once a sender cannot go on: the buffers of all kernels between are full and nothing moves any more. */
export async function untilStalled(sender: Socket): Promise<void> {
  const moved = (): number => sender.bytesWritten - sender.writableLength
  let before = -1
  for (let still = 0; still < 200; still = moved() === before ? still + 1 : 0) {
    before = moved()
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}
