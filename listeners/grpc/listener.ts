/** A grpc listener: its connections, its services, and who may call them. */
import type { Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { type Address, type ListenerConfig, LiveSecret } from '../../src/config/index.ts'
import {
  type Accepted,
  type Bound,
  formatAddress,
  type ListenLimits,
  listen,
  openServerTls,
  type ServerTls,
  sameAddress,
} from '../../src/net/index.ts'
import type { OpenPlugin } from '../../src/plugins/index.ts'
import type { Listener, ListenerStatus, Runtime } from '../../src/protocol.ts'
import { sameSecret } from '../../src/same-secret.ts'
import { Services } from '../../src/services/index.ts'
import { openApp } from './app/index.ts'
import type { HttpFace } from './http/face.ts'
import { Observer } from './observer.ts'
import type { GrpcListenerOptions } from './options.ts'
import type { Service } from './rpc.ts'
import type { ServerHost } from './server.ts'
import { Sessions } from './sessions.ts'

export class GrpcListener implements Listener, ServerHost {
  readonly name: string
  readonly #runtime: Runtime
  readonly #services: Services
  readonly #observer: Observer
  readonly #connections = new Set<Socket>()
  #config: ListenerConfig
  #options: GrpcListenerOptions
  #token: LiveSecret | undefined
  #tls: ServerTls | undefined
  #bound: Bound | undefined
  readonly #sessions = new Sessions()
  #httpBound: Bound | undefined
  #face: HttpFace | undefined
  #plugins: readonly OpenPlugin[] = []
  #closeApp: () => Promise<void> = async () => {}
  #draining: Promise<void> | undefined

  constructor(config: ListenerConfig, runtime: Runtime) {
    this.name = config.name
    this.#runtime = runtime
    this.#config = config
    this.#options = config.options as GrpcListenerOptions
    this.#services = new Services(runtime)
    this.#observer = new Observer(this.name, runtime.metrics)
    const { token, tls } = this.#options
    const { logger, clock } = runtime
    this.#token = token && new LiveSecret(token, { name: `the token of listener ${this.name}`, logger, clock })
    this.#tls = tls && openServerTls(tls, logger)
  }

  get address(): string {
    return this.#bound?.address ?? formatAddress(this.#config.address)
  }

  async start(): Promise<void> {
    const { logger } = this.#runtime
    await this.#token?.read()
    if (this.#options.plugins.length > 0) {
      const { openPlugins } = await import('../../src/plugins/index.ts')
      this.#plugins = await openPlugins(this.#options.plugins, logger)
    }
    try {
      await this.#serve()
    } catch (error) {
      // A listener that could not start holds nothing.
      await Promise.all([
        this.#bound?.close(),
        this.#httpBound?.close(),
        ...this.#plugins.map(plugin => plugin.close()),
      ])
      throw error
    }
  }

  async #serve(): Promise<void> {
    const { logger, metrics } = this.#runtime
    // Loaded only where somebody listens.
    const [{ GrpcServer }, { allServices }, { proxyUnknown }] = await Promise.all([
      import('./server.ts'),
      import('./services.ts'),
      import('./proxy.ts'),
    ])
    const { maxMessage, maxStreams, http, app, appId } = this.#options
    const services = allServices({
      services: this.#services,
      plugins: this.#plugins,
      runtime: this.#runtime,
      options: () => this.#options,
    })
    const limits = { maxMessageBytes: maxMessage, maxConcurrentStreams: maxStreams }
    const server = new GrpcServer(services, proxyUnknown(this.#services.invoke), this, limits)
    this.#bound = await listen(
      { name: this.name, address: this.#config.address, logger, metrics, limits: this.#limits() },
      {
        onConnection: accepted => this.#keep(this.#sessions.open(accepted, server, this.#options.handshakeTimeout)),
      },
    )
    if (http) await this.#openHttp(http, services.find(({ name }) => name === 'dapr.proto.runtime.v1.Dapr')!)
    if (app) this.#closeApp = await openApp(app, appId, this.#services, this.#runtime)
  }

  /** Serves Dapr's HTTP API as well. */
  async #openHttp(address: Address, dapr: Service): Promise<void> {
    const { logger, metrics } = this.#runtime
    const { HttpFace } = await import('./http/face.ts')
    const face = new HttpFace(dapr, this.#services.invoke, this, this.#options.maxMessage)
    this.#face = face
    this.#httpBound = await listen(
      { name: `${this.name}.http`, address, logger, metrics, limits: { ...this.#limits(), tls: undefined } },
      { onConnection: accepted => this.#acceptHttp(accepted, face) },
    )
  }

  /** Where Dapr's HTTP API is bound, if it is. */
  get httpAddress(): string | undefined {
    return this.#httpBound?.address
  }

  update(config: ListenerConfig): boolean {
    const options = config.options as GrpcListenerOptions
    if (!sameAddress(config.address, this.#config.address)) return false
    if (!isDeepStrictEqual(fixed(options), fixed(this.#options))) return false
    this.#config = config
    this.#options = options
    this.#bound?.update(this.#limits())
    this.#services.rebind()
    return true
  }

  async reread(): Promise<void> {
    await this.#token?.refresh()
  }

  drain(graceMs: number): Promise<void> {
    const cancel = this.#runtime.clock.after(graceMs, () => {
      for (const socket of this.#connections) socket.destroy()
    })
    this.#draining ??= this.#drain()
    return this.#draining.finally(cancel)
  }

  async #drain(): Promise<void> {
    await Promise.all([this.#bound?.close(), this.#httpBound?.close(), this.#closeApp()])
    this.#face?.drain()
    this.#sessions.drain()
    await Promise.all(
      [...this.#connections].map(socket => new Promise<void>(resolve => void socket.once('close', () => resolve()))),
    )
    await Promise.all(this.#plugins.map(plugin => plugin.close()))
    this.#services.close()
    this.#token?.close()
    this.#tls?.close()
    this.#observer.close()
  }

  status(): ListenerStatus {
    return { connections: (this.#bound?.connections ?? 0) + (this.#httpBound?.connections ?? 0) }
  }

  // --- What the server asks and tells ---------------------------------------------------------------------------------

  refusal(given: string | undefined): string | undefined {
    const token = this.#token?.value
    if (token === undefined) return undefined
    if (given === undefined) return 'missing api token in request metadata'
    return sameSecret(given, token) ? undefined : 'authentication error: api token mismatch'
  }

  answered(path: string, code: number, startedAt: number): void {
    this.#observer.answered(path, code, performance.now() - startedAt)
  }

  now(): number {
    return performance.now()
  }

  after(ms: number, callback: () => void): () => void {
    return this.#runtime.clock.after(ms, callback)
  }

  bug(path: string, error: unknown): void {
    const reason = error instanceof Error ? error.stack : String(error)
    this.#runtime.logger.error({ listener: this.name, rpc: path, reason }, 'a bug in a call')
  }

  // --- Connections ---------------------------------------------------------------------------------------------------

  #acceptHttp({ socket }: Accepted, face: HttpFace): Socket {
    face.accept(socket)
    // Accepted sockets are paused; what HTTP takes over must be reading.
    socket.resume()
    return this.#keep(socket)
  }

  /** Knows the connection until it is closed. */
  #keep(socket: Socket): Socket {
    this.#connections.add(socket)
    socket.once('close', () => this.#connections.delete(socket))
    return socket
  }

  #limits(): ListenLimits {
    const { maxConnections, handshakeTimeout } = this.#options
    return {
      maxConnections,
      handshakeTimeoutMs: handshakeTimeout,
      keepAliveMs: 60_000,
      tls: this.#tls,
      alpn: ['h2'],
    }
  }
}

/** What cannot change while it is bound. */
function fixed({ token, tls, http, app, appId, plugins, maxMessage, maxStreams }: GrpcListenerOptions): unknown {
  return { token, tls, http, app, appId, plugins, maxMessage, maxStreams }
}
