/**
 * The smallest protocol that can be observed: a listener answers each line with the label of its backend and the line;
 * the line `wait` is answered when release() is called. A journal tells what the core did with the parts, in order.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import * as z from 'zod/mini'
import {
  type AppConfig,
  type BackendConfig,
  type ListenerConfig,
  type Registry,
  readSecret,
  secretRef,
} from '../../src/config/index.ts'
import { formatAddress, listenError } from '../../src/net/index.ts'
import type { Backend, BackendKind, Listener, Protocol, Runtime } from '../../src/protocol.ts'

const listenerOptions = z.object({
  /** Takes no change without being built anew. */
  rigid: z._default(z.boolean(), false),
  /** Ends every answer with this. */
  suffix: z._default(z.string(), ''),
})
const backendOptions = z.object({
  label: z.string(),
  reachable: z._default(z.boolean(), true),
  buildable: z._default(z.boolean(), true),
  /** Read at the start and let out through every door there is: the log, the status, the metrics. */
  password: z.optional(secretRef()),
})

export class Echo implements Registry {
  readonly journal: string[] = []
  readonly protocols: readonly Protocol[]
  readonly componentKinds = []
  readonly backendKinds: readonly BackendKind[]
  /** Awaited by each probe, so that a test can act in the middle of a reload. */
  beforeProbe: () => Promise<void> = async () => {}
  #waiting: (() => void)[] = []

  constructor() {
    this.protocols = [
      {
        name: 'echo',
        options: listenerOptions,
        environment: (_, address) => ({ ECHO_URL: `echo://${address}` }),
        build: (config, runtime) => new EchoListener(config, runtime, this),
      },
    ]
    this.backendKinds = [
      { protocol: 'echo', options: backendOptions, build: (config, runtime) => echoBackend(config, runtime, this) },
    ]
  }

  wait(answer: () => void): void {
    this.#waiting.push(answer)
  }

  /** Answers every `wait`. */
  release(): void {
    for (const answer of this.#waiting.splice(0)) answer()
  }

  get waiting(): number {
    return this.#waiting.length
  }
}

class EchoListener implements Listener {
  readonly name: string
  readonly pages = { suffix: () => ({ suffix: listenerOptions.parse(this.#config.options).suffix }) }
  readonly #server: Server
  readonly #runtime: Runtime
  readonly #echo: Echo
  readonly #sockets = new Map<Socket, number>()
  #config: ListenerConfig
  #draining: Promise<void> | undefined

  constructor(config: ListenerConfig, runtime: Runtime, echo: Echo) {
    this.name = config.name
    this.#config = config
    this.#runtime = runtime
    this.#echo = echo
    this.#server = createServer(socket => this.#serve(socket))
  }

  get address(): string {
    const { address, port } = this.#server.address() as AddressInfo
    return formatAddress({ host: address, port })
  }

  async start(): Promise<void> {
    const { address } = this.#config
    this.#server.listen(address)
    await once(this.#server, 'listening').catch(cause => {
      throw listenError(this.name, address, cause)
    })
    this.#echo.journal.push(`bind ${this.name}`)
  }

  update(config: ListenerConfig): boolean {
    if (listenerOptions.parse(config.options).rigid) return false
    this.#config = config
    this.#echo.journal.push(`update ${this.name}`)
    return true
  }

  drain(graceMs: number): Promise<void> {
    const timer = setTimeout(() => {
      for (const socket of this.#sockets.keys()) socket.destroy()
    }, graceMs)
    this.#draining ??= this.#drain()
    return this.#draining.finally(() => clearTimeout(timer))
  }

  async #drain(): Promise<void> {
    this.#echo.journal.push(`drain ${this.name}`)
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const [socket, pending] of this.#sockets) if (pending === 0) socket.end()
    await closed
    this.#echo.journal.push(`drained ${this.name}`)
  }

  status() {
    return { connections: this.#sockets.size }
  }

  #serve(socket: Socket): void {
    this.#sockets.set(socket, 0)
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
    const answer = (line: string): void => {
      const backend = this.#config.backend ? (this.#runtime.backend(this.#config.backend) as EchoBackend).label : '-'
      socket.write(`${backend}:${line}${listenerOptions.parse(this.#config.options).suffix}\n`)
    }
    socket.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trimEnd().split('\n')) {
        if (line === 'crash') throw new Error('a bug')
        if (line !== 'wait') {
          answer(line)
          continue
        }
        this.#sockets.set(socket, 1)
        this.#echo.wait(() => {
          answer(line)
          this.#sockets.set(socket, 0)
          if (this.#draining) socket.end()
        })
      }
    })
  }
}

interface EchoBackend extends Backend {
  readonly label: string
}

function echoBackend(config: BackendConfig, runtime: Runtime, echo: Echo): EchoBackend {
  const { name } = config
  const { label, reachable, buildable, password } = backendOptions.parse(config.options)
  if (!buildable) throw new Error('it cannot be built')
  let leak = {}
  let state: 'connecting' | 'up' | 'down' | 'closed' = 'connecting'
  return {
    name,
    label,
    async start() {
      if (password) {
        const secret = await readSecret(password)
        leak = { lastError: `server said: ${secret}` }
        runtime.logger.error({ error: new Error(`no entry with ${secret}`), auth: secret }, `tried ${secret}`)
        runtime.metrics.cell('portolan_upstream_up', { backend: `one ${secret}` }).value = 1
      }
      state = reachable ? 'up' : 'down'
      echo.journal.push(`start ${label}`)
    },
    async probe() {
      await echo.beforeProbe()
      const failure = { stage: 'connect', cause: 'connection refused', next: 'start the server' } as const
      return { ok: reachable, endpoints: [{ address: label, ok: reachable, ...(reachable ? {} : { failure }) }] }
    },
    status: () => ({ state, endpoints: [], ...leak, ...(reachable ? {} : { lastError: 'connection refused' }) }),
    async close() {
      if (state === 'closed') return
      state = 'closed'
      echo.journal.push(`close ${label}`)
    },
  }
}

/** A checked configuration without an admin listener; what is not given has its default. */
export function echoConfig(parts: {
  readonly listeners?: Readonly<Record<string, Partial<Pick<ListenerConfig, 'address' | 'backend' | 'options'>>>>
  readonly backends?: Readonly<Record<string, z.input<typeof backendOptions>>>
  readonly admin?: Partial<AppConfig['admin']>
  readonly graceMs?: number
}): AppConfig {
  return {
    admin: { address: undefined, token: undefined, allowedHosts: [], ...parts.admin },
    log: { level: 'info', format: 'json' },
    shutdown: { graceMs: parts.graceMs ?? 10_000 },
    listeners: Object.entries(parts.listeners ?? {}).map(([name, listener]) => ({
      name,
      protocol: 'echo',
      address: { host: '127.0.0.1', port: 0 },
      options: {},
      ...listener,
    })),
    backends: Object.entries(parts.backends ?? {}).map(([name, options]) => ({ name, protocol: 'echo', options })),
    components: [],
    requires: [],
  }
}

/** One connection that asks line by line. */
export class EchoClient {
  readonly socket: Socket
  readonly #lines: string[] = []
  #text = ''
  #wake: () => void = () => {}
  ended = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('utf8').on('error', () => {})
    socket.on('data', (text: string) => {
      const lines = (this.#text + text).split('\n')
      this.#text = lines.pop() ?? ''
      this.#lines.push(...lines)
      this.#wake()
    })
    socket.on('close', () => {
      this.ended = true
      this.#wake()
    })
  }

  /** Connects to `host:port`. */
  static async connect(address: string): Promise<EchoClient> {
    const [host = '', port] = address.split(':')
    const socket = connect({ host, port: Number(port) })
    await once(socket, 'connect')
    return new EchoClient(socket)
  }

  send(line: string): void {
    this.socket.write(`${line}\n`)
  }

  /** The next answer; undefined when the connection ended instead. */
  async answer(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.ended) await new Promise<void>(resolve => (this.#wake = resolve))
    return this.#lines.shift()
  }

  ask(line: string): Promise<string | undefined> {
    this.send(line)
    return this.answer()
  }
}
