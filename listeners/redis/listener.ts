/** A Redis listener: accepts clients, keeps what all its sessions share, and watches over them. */
import type { Socket } from 'node:net'
import { type CommandTable, REQUEST_LIMITS, RequestScanner } from '../../codecs/redis/index.ts'
import type { Lane, RedisBackend } from '../../src/backends/redis/index.ts'
import type { ListenerConfig } from '../../src/config/index.ts'
import {
  type Accepted,
  type Bound,
  formatAddress,
  type ListenLimits,
  listen,
  openServerTls,
  ReadBuffer,
  type ServerTls,
  sameAddress,
} from '../../src/net/index.ts'
import { OperationStats } from '../../src/observability/operation-stats.ts'
import { SlowLog } from '../../src/observability/slow-log.ts'
import type { Clock, Listener, ListenerStatus, Runtime } from '../../src/protocol.ts'
import { refusal } from './access.ts'
import { ClientFacts } from './client-facts.ts'
import type { Frame } from './command-handler.ts'
import { type CommandPlan, operationOf, planCommands } from './command-plan.ts'
import { TOO_MANY_CLIENTS } from './errors.ts'
import type { RedisListenerOptions } from './options.ts'
import type { OutletLimits } from './outlet.ts'
import { Session } from './session.ts'
import type { SessionHost } from './session-host.ts'
import { attach, onRead } from './session-socket.ts'
import { SilentClients } from './silent-clients.ts'
import { SlowClients } from './slow-clients.ts'
import { isOverdue } from './time-limits.ts'
import { Traffic } from './traffic.ts'
import { Users } from './users.ts'

const HEADROOM_BYTES = 64 * 1024
const READ_BYTES = 64 * 1024
/** Requests that go to a pipeline in one piece at most. */
const MAX_RUN = 4096
const SWEEP_MS = 1000

export class RedisListener implements Listener, SessionHost {
  readonly name: string
  readonly clock: Clock
  readonly sessions = new Map<number, Session>()
  readonly readBuffer = new ReadBuffer(HEADROOM_BYTES, READ_BYTES)
  readonly scanner = new RequestScanner()
  readonly operations = new Uint16Array(MAX_RUN)
  readonly requestLimits = REQUEST_LIMITS
  readonly slowClients = new SlowClients(this)
  readonly stats: OperationStats
  users = Users.none
  options: RedisListenerOptions
  outletLimits!: OutletLimits
  backend: RedisBackend
  table!: CommandTable
  names: readonly string[] = []
  #plan!: CommandPlan
  #config: ListenerConfig
  readonly #runtime: Runtime
  readonly #tls: ServerTls | undefined
  #bound: Bound | null = null
  #nextId = 1
  readonly #release: (() => void)[] = []
  readonly #traffic: Traffic
  readonly #slowLog: SlowLog
  readonly #silentClients: SilentClients
  #draining: Promise<void> | undefined
  #drained: (() => void) | null = null

  constructor(config: ListenerConfig, runtime: Runtime) {
    this.name = config.name
    this.#config = config
    this.#runtime = runtime
    this.clock = runtime.clock
    this.options = config.options as RedisListenerOptions
    this.backend = runtime.backend(config.backend!) as RedisBackend
    this.#tls = this.options.tls && openServerTls(this.options.tls, runtime.logger)
    this.stats = new OperationStats(() => this.names, 0)
    const { metrics } = runtime
    const listener = this.name
    this.#traffic = new Traffic(listener, metrics)
    this.#slowLog = new SlowLog(listener, runtime)
    this.#silentClients = new SilentClients(runtime.logger, listener, runtime.clock)
    this.#release.push(
      metrics.source('portolan_requests_total', () => this.stats.requests(listener)),
      metrics.source('portolan_request_duration_seconds', () => this.stats.durations(listener)),
      metrics.source('portolan_subscriptions', () => [
        { labels: { listener }, value: this.backend.subscriptions.size },
      ]),
    )
  }

  get handlers() {
    return this.#plan.handlers
  }

  get specials() {
    return this.#plan.specials
  }

  get pool() {
    return this.backend.pool
  }

  get subscriptions() {
    return this.backend.subscriptions
  }

  lane(protocol: 2 | 3, database: number, scripts = false): Lane {
    return this.backend.lane(protocol, database, scripts)
  }

  isDenied(command: number): boolean {
    return this.#plan.denied[command] !== 0
  }

  operationOf(frame: Frame): number {
    return operationOf(this.table, frame)
  }

  refusal(session: Session, frame: Frame, partial = false): Buffer | undefined {
    return refusal(session, frame, this.#plan.denied, partial)
  }

  // --- Listener ---------------------------------------------------------------------------------------------------

  get address(): string {
    return this.#bound?.address ?? formatAddress(this.#config.address)
  }

  async start(): Promise<void> {
    if (this.options.users.length > 0) this.users = await Users.load(this.options, this.backend.commands, this.#runtime)
    this.#bound = await listen(
      {
        name: this.name,
        address: this.#config.address,
        logger: this.#runtime.logger,
        metrics: this.#runtime.metrics,
        limits: this.#limits(),
      },
      { onConnection: accepted => this.#onConnection(accepted), refuse: socket => socket.end(TOO_MANY_CLIENTS) },
    )
    // Not before: the first connection comes in a later turn of the event loop.
    this.#apply()
    this.#release.push(this.clock.every(SWEEP_MS, () => this.#sweep()))
  }

  update(config: ListenerConfig): boolean {
    if (!sameAddress(config.address, this.#config.address)) return false
    const options = config.options as RedisListenerOptions
    // Passwords and certificates are read when a listener starts.
    if (JSON.stringify([options.users, options.tls]) !== JSON.stringify([this.options.users, this.options.tls]))
      return false
    const before = this.backend
    this.#config = config
    this.options = options
    this.backend = this.#runtime.backend(config.backend!) as RedisBackend
    this.#apply()
    this.#bound?.update(this.#limits())
    // What is in flight ends on the old one, subscriptions move over.
    if (before !== this.backend)
      for (const session of this.sessions.values()) session.subscriptions?.move(before.subscriptions)
    return true
  }

  async reread(): Promise<void> {
    await this.users.reread()
  }

  drain(graceMs: number): Promise<void> {
    const cancel = this.clock.after(graceMs, () => {
      for (const session of [...this.sessions.values()]) session.destroy()
    })
    this.#draining ??= this.#drain()
    return this.#draining.finally(cancel)
  }

  async #drain(): Promise<void> {
    await this.#bound?.close()
    const finished = new Promise<void>(resolve => {
      this.#drained = resolve
    })
    for (const session of [...this.sessions.values()]) session.drain()
    if (this.sessions.size > 0) {
      const keepAlive = setInterval(() => {}, 1000)
      await finished
      clearInterval(keepAlive)
    }
    for (const release of this.#release) release()
    this.#tls?.close()
    this.users.close()
  }

  status(): ListenerStatus {
    return { connections: this.sessions.size }
  }

  #limits(): ListenLimits {
    const { maxConnections, authenticationTimeout } = this.options
    return { maxConnections, handshakeTimeoutMs: authenticationTimeout, keepAliveMs: 300_000, tls: this.#tls }
  }

  /** Derives from options and backend what the sessions look up for each request. */
  #apply(): void {
    const { options } = this
    this.outletLimits = { highBytes: options.outputHigh, maxBytes: options.outputMax }
    this.stats.slowMs = options.slowLog === 0 ? Number.POSITIVE_INFINITY : options.slowLog
    const table = this.backend.commands
    this.table = table
    this.names = table.names
    this.#plan = planCommands(table, options.deny)
  }

  // --- Sessions ---------------------------------------------------------------------------------------------------

  #onConnection(accepted: Accepted): Socket {
    // Asked before the handle moves: its addresses go with it.
    const facts = new ClientFacts(accepted, this.clock.now())
    const adopted = accepted.pristine ? this.readBuffer.adopt(accepted.socket, onRead) : null
    const socket = adopted ?? accepted.socket
    const session = new Session(this, socket, facts, this.#nextId++)
    facts.authenticated = !this.users.any
    this.sessions.set(session.id, session)
    this.backend.pool.warm(2)
    attach(session, this.readBuffer, adopted !== null)
    return socket
  }

  onSessionClosed(session: Session): void {
    this.sessions.delete(session.id)
    this.slowClients.forget(session)
    this.#silentClients.note(session.facts)
    this.#traffic.collect(session)
    if (this.#drained && this.sessions.size === 0) this.#drained()
  }

  slow(session: Session, operation: number, durationMs: number): void {
    this.#slowLog.add(durationMs, () => ({
      command: operation === 0 ? 'unknown' : (this.names[operation - 1] ?? 'unknown'),
      client: session.id,
    }))
  }

  protocolError(kind: string): void {
    this.#runtime.metrics.cell('portolan_protocol_errors_total', { listener: this.name, side: 'downstream', kind })
      .value++
  }

  dropped(session: Session, reason: string): void {
    this.#runtime.logger.warn(
      {
        listener: this.name,
        client: session.id,
        address: session.facts.address,
        waitingBytes: session.outlet.waiting,
        reason,
      },
      'client closed',
    )
    session.destroy()
  }

  #sweep(): void {
    const now = this.clock.now()
    this.#slowLog.sweep()
    if (this.#plan.revision !== this.table.revision) this.#apply()
    for (const session of this.sessions.values()) {
      this.#traffic.collect(session)
      if (isOverdue(session, this.options, now)) session.destroy()
    }
    this.slowClients.sweep(now)
  }
}
