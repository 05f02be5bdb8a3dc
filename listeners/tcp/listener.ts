/** A bound address whose connections are relayed to one backend. */
import type { Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { TcpBackend } from '../../src/backends/tcp/index.ts'
import type { ListenerConfig } from '../../src/config/index.ts'
import { ProxyError } from '../../src/errors.ts'
import {
  type Accepted,
  type Bound,
  formatAddress,
  type ListenLimits,
  listen,
  openServerTls,
  PeerFilter,
  RelayBuffers,
  type RelayLimits,
  type ServerTls,
  sameAddress,
} from '../../src/net/index.ts'
import type { Cell } from '../../src/observability/metrics.ts'
import type { Listener, ListenerStatus, Runtime } from '../../src/protocol.ts'
import type { TcpOptions } from './options.ts'
import { TcpSession } from './session.ts'

/** Deadlines are checked this often, or a tenth of the shortest of them. */
const MAX_CHECK_MS = 1000

export class TcpListener implements Listener {
  readonly name: string
  readonly #runtime: Runtime
  readonly #buffers = new RelayBuffers()
  readonly #sessions = new Set<TcpSession>()
  readonly #received: Cell
  readonly #sent: Cell
  #config: ListenerConfig
  #tls: ServerTls | undefined
  #bound: Bound | undefined
  #draining: Promise<void> | undefined
  #cancelChecks = (): void => {}
  #onEmpty = (): void => {}

  constructor(config: ListenerConfig, runtime: Runtime) {
    this.name = config.name
    this.#runtime = runtime
    this.#config = config
    this.#tls = this.#openTls(config)
    const cell = (direction: string): Cell =>
      runtime.metrics.cell('portolan_downstream_bytes_total', { listener: config.name, direction })
    this.#received = cell('received')
    this.#sent = cell('sent')
  }

  get address(): string {
    return this.#bound?.address ?? formatAddress(this.#config.address)
  }

  async start(): Promise<void> {
    const { logger, metrics } = this.#runtime
    this.#bound = await listen(
      { name: this.name, address: this.#config.address, logger, metrics, limits: this.#listenLimits() },
      { onConnection: accepted => this.#accept(accepted) },
    )
    this.#scheduleChecks()
  }

  update(config: ListenerConfig): boolean {
    if (!sameAddress(config.address, this.#config.address)) return false
    if (!sameTls(config, this.#config)) {
      // May throw, so it comes before anything is changed.
      const tls = this.#openTls(config)
      this.#tls?.close()
      this.#tls = tls
    }
    this.#config = config
    this.#bound?.update(this.#listenLimits())
    this.#scheduleChecks()
    return true
  }

  drain(graceMs: number): Promise<void> {
    const cancel = this.#runtime.clock.after(graceMs, () => this.#destroyAll())
    this.#draining ??= this.#drain()
    return this.#draining.finally(cancel)
  }

  async #drain(): Promise<void> {
    await this.#bound?.close()
    if (this.#sessions.size > 0) await new Promise<void>(resolve => (this.#onEmpty = resolve))
    this.#cancelChecks()
    this.#tls?.close()
  }

  status(): ListenerStatus {
    return { connections: this.#bound?.connections ?? 0 }
  }

  #accept(accepted: Accepted): Socket {
    const session: TcpSession = new TcpSession({
      accepted,
      backend: this.#backend(),
      buffers: this.#buffers,
      limits: this.#relayLimits(),
      received: this.#received,
      sent: this.#sent,
      onClosed: error => this.#left(session, error),
    })
    this.#sessions.add(session)
    session.start()
    return session.socket
  }

  #left(session: TcpSession, error: ProxyError | undefined): void {
    if (error) this.#runtime.logger.debug({ code: error.code }, error.message)
    this.#sessions.delete(session)
    if (this.#sessions.size === 0) this.#onEmpty()
  }

  #destroyAll(): void {
    const error = new ProxyError('drained', 'the time for open connections to end is over', { source: 'portolan' })
    for (const session of this.#sessions) session.destroy(error)
  }

  #scheduleChecks(): void {
    this.#cancelChecks()
    const { idleTimeoutMs, writeStallMs } = this.#relayLimits()
    const shortest = Math.min(writeStallMs, idleTimeoutMs || Number.POSITIVE_INFINITY)
    const { clock } = this.#runtime
    this.#cancelChecks = clock.every(Math.min(MAX_CHECK_MS, Math.ceil(shortest / 10)), () => {
      const now = clock.now()
      for (const session of this.#sessions) session.check(now)
    })
  }

  /** As it is now: a reload replaces it, and connections that are open stay with the old one. */
  #backend(): TcpBackend {
    const { backend } = this.#config
    const found = backend === undefined ? undefined : this.#runtime.backend(backend)
    if (found instanceof TcpBackend) return found
    throw new Error(`listener ${this.name} has no tcp backend; the configuration should have been refused`)
  }

  #relayLimits(): RelayLimits {
    const { idleTimeout, writeStallTimeout } = this.#config.options as TcpOptions
    return { idleTimeoutMs: idleTimeout, writeStallMs: writeStallTimeout }
  }

  #listenLimits(): ListenLimits {
    const { maxConnections, handshakeTimeout, tcpKeepAlive, proxyProtocol } = this.#config.options as TcpOptions
    return {
      maxConnections,
      handshakeTimeoutMs: handshakeTimeout,
      keepAliveMs: tcpKeepAlive > 0 ? tcpKeepAlive : undefined,
      tls: this.#tls,
      proxyFrom: proxyProtocol && new PeerFilter(proxyProtocol.from),
    }
  }

  #openTls({ options }: ListenerConfig): ServerTls | undefined {
    const { tls } = options as TcpOptions
    return tls && openServerTls(tls, this.#runtime.logger)
  }
}

function sameTls(a: ListenerConfig, b: ListenerConfig): boolean {
  return isDeepStrictEqual((a.options as TcpOptions).tls, (b.options as TcpOptions).tls)
}
