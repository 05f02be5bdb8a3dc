/** A MySQL listener: accepts clients, keeps what all its sessions share, and watches over them. */
import type { Socket } from 'node:net'
import {
  CLIENT_SESSION_TRACK,
  encodeErr,
  type ResponseTracker,
  ServerErrors,
  SetForm,
  StatementFlag,
  StatementKind,
  StatementScanner,
} from '../../codecs/mysql/index.ts'
import { type MysqlBackend, ownIdleMs, type PacketWire } from '../../src/backends/mysql/index.ts'
import type { ListenerConfig } from '../../src/config/index.ts'
import {
  type Accepted,
  adopt,
  type Bound,
  formatAddress,
  Intake,
  type ListenLimits,
  listen,
  openServerTls,
  RelayBuffers,
  type ServerTls,
  sameAddress,
  TlsUpgrade,
} from '../../src/net/index.ts'
import type { Clock, Listener, ListenerStatus, Runtime } from '../../src/protocol.ts'
import { changeUser } from './change-user.ts'
import { firstId } from './connection-id.ts'
import { type Entrance, enter, leave, loginOk } from './door.ts'
import { errorOf } from './errors.ts'
import { Observer } from './observer.ts'
import type { MysqlListenerOptions } from './options.ts'
import { Session } from './session.ts'
import type { SessionHost } from './session-host.ts'
import { Strangers } from './strangers.ts'
import { Users } from './users.ts'

const SWEEP_MS = 1000
/** What was learnt when a statement was prepared, columns or leave to read them, may be otherwise by now. */
const AFFECTS_PREPARED: ReadonlySet<number> = new Set([
  StatementKind.DDL,
  StatementKind.ROUTINE,
  StatementKind.ADMIN,
  StatementKind.ACCOUNT,
])
/** What new connections to the server find, and those that are open do not. */
const FOR_NEW_CONNECTIONS = SetForm.GLOBAL | SetForm.PERSIST | SetForm.PASSWORD | SetForm.DEFAULT_ROLE

export class MysqlListener implements Listener, SessionHost {
  readonly name: string
  readonly clock: Clock
  readonly observer: Observer
  readonly pages: Observer['pages']
  readonly scanner = new StatementScanner()
  options: MysqlListenerOptions
  backend: MysqlBackend
  #config: ListenerConfig
  readonly #runtime: Runtime
  readonly #sessions = new Map<number, Session>()
  readonly #entering = new Set<Socket>()
  readonly #buffers = new RelayBuffers()
  readonly #release: (() => void)[] = []
  readonly #bytes: { readonly received: { value: number }; readonly sent: { value: number } }
  readonly #strangers: Strangers
  #users!: Users
  #tls: ServerTls | undefined
  #upgrade: TlsUpgrade | undefined
  #bound: Bound | null = null
  #nextId = firstId()
  #drained: (() => void) | null = null

  constructor(config: ListenerConfig, runtime: Runtime) {
    this.name = config.name
    this.#config = config
    this.#runtime = runtime
    this.clock = runtime.clock
    this.options = config.options as MysqlListenerOptions
    this.backend = runtime.backend(config.backend!) as MysqlBackend
    const { metrics } = runtime
    const listener = this.name
    this.#strangers = new Strangers(runtime.logger, this.name, runtime.clock)
    this.observer = new Observer(listener, runtime, () => this.#sessions.values())
    this.observer.apply(this.options)
    this.pages = this.observer.pages
    this.#bytes = {
      received: metrics.cell('portolan_downstream_bytes_total', { listener, direction: 'received' }),
      sent: metrics.cell('portolan_downstream_bytes_total', { listener, direction: 'sent' }),
    }
  }

  // --- Listener ----------------------------------------------------------------------------------------------------

  get address(): string {
    return this.#bound?.address ?? formatAddress(this.#config.address)
  }

  async start(): Promise<void> {
    const { logger, metrics } = this.#runtime
    this.#users = await Users.load(this.options)
    if (this.options.tls) {
      this.#tls = openServerTls(this.options.tls, logger)
      this.#upgrade = new TlsUpgrade(this.#tls)
    }
    this.#bound = await listen(
      { name: this.name, address: this.#config.address, logger, metrics, limits: this.#limits() },
      {
        onConnection: accepted => this.#onConnection(accepted),
        refuse: socket =>
          socket.end(encodeErr(0, ServerErrors.tooManyConnections, undefined, { beforeGreeting: true })),
      },
    )
    this.#release.push(this.clock.every(SWEEP_MS, () => this.#sweep()))
  }

  update(config: ListenerConfig): boolean {
    if (!sameAddress(config.address, this.#config.address)) return false
    const options = config.options as MysqlListenerOptions
    if (JSON.stringify(whoMayEnter(options)) !== JSON.stringify(whoMayEnter(this.options))) return false
    this.#config = config
    this.options = options
    this.backend = this.#runtime.backend(config.backend!) as MysqlBackend
    this.observer.apply(options)
    this.#bound?.update(this.#limits())
    for (const session of this.#sessions.values()) session.onBackendChanged()
    return true
  }

  async drain(graceMs: number): Promise<void> {
    await this.#bound?.close()
    const finished = new Promise<void>(resolve => {
      this.#drained = resolve
    })
    for (const socket of this.#entering) socket.destroy()
    for (const session of [...this.#sessions.values()]) session.drain()
    if (this.#sessions.size > 0) {
      const cancel = this.clock.after(graceMs, () => {
        for (const session of [...this.#sessions.values()]) session.destroy()
      })
      const keepAlive = setInterval(() => {}, 1000)
      await finished
      clearInterval(keepAlive)
      cancel()
    }
    for (const release of this.#release) release()
    this.observer.close()
    this.#tls?.close()
  }

  status(): ListenerStatus {
    return { connections: this.#sessions.size }
  }

  #limits(): ListenLimits {
    const { maxConnections, authenticationTimeout } = this.options
    // TLS begins within the protocol, when the client asks for it.
    return { maxConnections, handshakeTimeoutMs: authenticationTimeout, keepAliveMs: 300_000 }
  }

  // --- Clients -----------------------------------------------------------------------------------------------------

  #onConnection(accepted: Accepted): Socket {
    const intake = new Intake(this.#buffers)
    // TLS takes a socket that nothing has been moved from.
    const adopted = accepted.pristine && !this.#tls ? adopt(accepted.socket, intake.onread) : null
    const socket = adopted ?? accepted.socket
    socket.on('error', () => {})
    const id = this.#nextId++
    void this.#enter(socket, adopted ? intake : undefined, id).catch(error => {
      socket.destroy()
      this.#runtime.logger.error({ listener: this.name, reason: (error as Error).stack }, 'a bug in a login')
    })
    return socket
  }

  async #enter(plain: Socket, intake: Intake | undefined, id: number): Promise<void> {
    this.#entering.add(plain)
    const cancel = this.clock.after(this.options.authenticationTimeout, () => plain.destroy())
    plain.once('close', () => this.#entering.delete(plain))
    try {
      const entrance: Entrance = {
        backend: this.backend,
        users: this.#users,
        requireTls: this.options.requireTls,
        compression: this.options.compression,
        relay: this.options.authentication === 'relay',
        onStranger: bytes => this.#strangers.note(bytes),
        secure: this.#upgrade && plain.remoteFamily !== undefined ? socket => this.#upgrade!.secure(socket) : undefined,
      }
      plain.resume()
      const entrant = await enter(plain, intake, id, entrance)
      if (!entrant) return
      const { wire, compression, database, info } = entrant
      const session = new Session(this, wire.release(compression), entrant, id)
      if (compression) session.downstream.input.renumber()
      if (database !== '') session.state.schema = database
      const { call, origin } = entrant
      if (call) {
        const upstream = entrance.backend.connect(call, session.state.schema)
        session.attachForGood(upstream, origin.isSecure === call.isSecure)
      }
      this.#admit(session, wire, info)
    } finally {
      cancel()
      this.#entering.delete(plain)
    }
  }

  /** The session begins once there is a connection in its database: as with the server, a wrong one fails the login. */
  #admit(session: Session, wire: PacketWire, info: Buffer): void {
    const { stream } = session.downstream
    const begin = () => {
      loginOk(wire, info, session.status)
      this.#sessions.set(session.id, session)
      session.begin()
    }
    session.enter(begin, error => {
      session.phase = 'closed'
      leave(wire, encodeErr(wire.sequence, errorOf(error)))
    })
    stream.on('error', error => session.onStreamError(error))
    stream.on('end', () => session.onEnd())
    stream.on('close', () => session.destroy())
  }

  changeUser(session: Session, packet: Buffer): void {
    void changeUser(session, packet, this.#users).catch(error => {
      session.destroy()
      this.#runtime.logger.error({ listener: this.name, reason: (error as Error).stack }, 'a bug in a change of user')
    })
  }

  session(id: number): Session | undefined {
    return this.#sessions.get(id)
  }

  onClosed(session: Session): void {
    this.observer.closed(session)
    this.#sessions.delete(session.id)
    if (this.#drained && this.#sessions.size === 0) this.#drained()
  }

  // --- What sessions ask and tell ----------------------------------------------------------------------------------

  hidesTrackers({ identity }: Session): boolean {
    return (identity.capabilities.low & CLIENT_SESSION_TRACK) === 0
  }

  allowsLocalInfile({ facts }: Session): boolean {
    return (facts.flags & StatementFlag.LOCAL_INFILE) !== 0
  }

  received(bytes: number): void {
    this.#bytes.received.value += bytes
  }

  sent(bytes: number): void {
    this.#bytes.sent.value += bytes
  }

  answered(session: Session, tracker: ResponseTracker): void {
    const { kind, sets } = session.facts
    if (AFFECTS_PREPARED.has(kind)) this.backend.epoch++
    if (kind === StatementKind.ACCOUNT || (sets & FOR_NEW_CONNECTIONS) !== 0) this.backend.generation++
    // Idle from here on, and not while it waited for this.
    session.activeAt = this.observer.answered(session, tracker)
  }

  protocolError(kind: string): void {
    this.#runtime.metrics.cell('portolan_protocol_errors_total', { listener: this.name, side: 'downstream', kind })
      .value++
  }

  #sweep(): void {
    const now = this.clock.now()
    this.observer.sweep(now)
    const { authenticationTimeout, idleTimeout, transactionIdleTimeout, writeTimeout } = this.options
    for (const session of this.#sessions.values()) {
      const quiet = now - session.activeAt
      if (session.downstream.isStalled(now, writeTimeout)) session.destroy()
      if (session.phase === 'proving' && quiet > authenticationTimeout) session.destroy()
      if (session.phase !== 'ready' && session.phase !== 'discarding') continue
      if ((idleTimeout > 0 && quiet > idleTimeout) || quiet > ownIdleMs(session.state)) session.expire()
      else if (transactionIdleTimeout > 0 && session.upstream && quiet > transactionIdleTimeout) session.expire()
    }
  }
}

/** What sessions cannot follow when it changes. */
function whoMayEnter({ users, tls, authentication }: MysqlListenerOptions): unknown {
  return [users, tls, authentication]
}
