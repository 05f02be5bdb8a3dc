/** An S3 listener: accepts connections, keeps what all its requests share, and watches over them. */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import type { ProtocolError } from '../../codecs/codec.ts'
import { HEAD_LIMITS, type HeadLimits } from '../../codecs/http1/index.ts'
import { type BaseDomains, baseDomains, OPERATIONS, S3Error, type SignedRequest } from '../../codecs/s3/index.ts'
import { S3Backend } from '../../src/backends/s3/index.ts'
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
} from '../../src/net/index.ts'
import type { Clock, Listener, ListenerStatus, Runtime } from '../../src/protocol.ts'
import { lastWords } from './answers.ts'
import { Cors } from './cors.ts'
import { Door } from './door.ts'
import type { Exchange } from './exchange.ts'
import type { TlsFacts } from './exchange-host.ts'
import { Observer } from './observer.ts'
import type { S3ListenerOptions } from './options.ts'
import { RefusalLog } from './refusal-log.ts'
import { type Route, Routes } from './routes.ts'
import type { S3Request } from './s3-request.ts'
import { Session, type SessionHost } from './session.ts'

const SWEEP_MS = 1000
const TOO_MANY = new S3Error('SlowDown', 'The listener has as many connections as it takes.')

export class S3Listener implements Listener, SessionHost {
  readonly name: string
  readonly clock: Clock
  door!: Door
  domains: BaseDomains = []
  cors: Cors = new Cors([])
  isDraining = false
  headLimits: HeadLimits = HEAD_LIMITS
  readonly #runtime: Runtime
  readonly #sessions = new Set<Session>()
  readonly #buffers = new RelayBuffers()
  readonly #observer: Observer
  readonly #refusals: RefusalLog
  /** Bytes of all connections. */
  readonly received: { value: number }
  readonly sent: { value: number }
  /** Ids of requests: of this process, and then counted. */
  readonly #idPrefix = randomBytes(4).toString('hex').toUpperCase()
  #requests = 0
  #date = ''
  #dateSeconds = 0
  #config: ListenerConfig
  #options: S3ListenerOptions
  #routes!: Routes
  #tls: ServerTls | undefined
  #bound: Bound | undefined
  #cancelSweep = (): void => {}
  #draining: Promise<void> | undefined
  #onEmpty = (): void => {}

  constructor(config: ListenerConfig, runtime: Runtime) {
    this.name = config.name
    this.clock = runtime.clock
    this.#runtime = runtime
    this.#config = config
    this.#options = config.options as S3ListenerOptions
    const listener = this.name
    const cell = (direction: string) => runtime.metrics.cell('portolan_downstream_bytes_total', { listener, direction })
    this.received = cell('received')
    this.sent = cell('sent')
    this.#observer = new Observer(listener, runtime, [...OPERATIONS.keys()])
    this.#refusals = new RefusalLog(listener, runtime.logger)
    this.#apply(this.#options)
  }

  // --- Listener ------------------------------------------------------------------------------------------------------

  get address(): string {
    return this.#bound?.address ?? formatAddress(this.#config.address)
  }

  async start(): Promise<void> {
    const { logger, metrics } = this.#runtime
    this.door = await Door.open(this.#options, this.#runtime)
    if (this.#options.tls) this.#tls = openServerTls(this.#options.tls, logger, hostNames(this.#options))
    this.#observer.apply(this.#options)
    this.#bound = await listen(
      { name: this.name, address: this.#config.address, logger, metrics, limits: this.#limits() },
      {
        onConnection: accepted => this.#accept(accepted),
        refuse: socket => socket.end(lastWords(TOO_MANY, this.nextRequestId())),
      },
    )
    this.#cancelSweep = this.clock.every(SWEEP_MS, () => this.#sweep())
  }

  update(config: ListenerConfig): boolean {
    const options = config.options as S3ListenerOptions
    if (!sameAddress(config.address, this.#config.address)) return false
    if (!isDeepStrictEqual(outside(options), outside(this.#options))) return false
    this.#config = config
    this.#options = options
    this.#apply(options)
    this.#observer.apply(options)
    this.#bound?.update(this.#limits())
    return true
  }

  async reread(): Promise<void> {
    await this.door.reread()
    this.#observer.reopen()
  }

  drain(graceMs: number): Promise<void> {
    const cancel = this.clock.after(graceMs, () => {
      for (const session of [...this.#sessions]) session.destroy()
    })
    this.#draining ??= this.#drain()
    return this.#draining.finally(cancel)
  }

  async #drain(): Promise<void> {
    this.isDraining = true
    await this.#bound?.close()
    for (const session of [...this.#sessions]) session.drain()
    if (this.#sessions.size > 0) await new Promise<void>(resolve => (this.#onEmpty = resolve))
    this.#cancelSweep()
    this.#tls?.close()
    this.door?.close()
    await this.#observer.close()
  }

  status(): ListenerStatus {
    return { connections: this.#bound?.connections ?? 0 }
  }

  /** What may change while it is bound. */
  #apply(options: S3ListenerOptions): void {
    this.domains = baseDomains(options.domains)
    this.cors = new Cors(options.cors)
    this.headLimits = { maxHeadBytes: options.maxHead, maxHeaders: HEAD_LIMITS.maxHeaders }
    const named = (name: string) => this.#backend(name)
    this.#routes = new Routes(options.routes, this.#backend(this.#config.backend), named)
  }

  #backend(name: string | undefined): S3Backend {
    const found = name === undefined ? undefined : this.#runtime.backend(name)
    if (found instanceof S3Backend) return found
    throw new Error(`listener ${this.name} has no s3 backend ${name}; the configuration should have been refused`)
  }

  #limits(): ListenLimits {
    const { maxConnections, headTimeout } = this.#options
    return { maxConnections, handshakeTimeoutMs: headTimeout, keepAliveMs: 60_000, tls: this.#tls }
  }

  // --- Connections ---------------------------------------------------------------------------------------------------

  #accept(accepted: Accepted): Socket {
    const remote = accepted.source()
    const intake = new Intake(this.#buffers)
    const adopted = accepted.pristine ? adopt(accepted.socket, intake.onread) : null
    const socket = adopted ?? accepted.socket
    socket.on('error', () => {})
    const remoteIp = remote && 'host' in remote ? remote.host : ''
    const session = new Session(this, socket, adopted ? intake : undefined, remoteIp, tlsFactsOf(socket))
    this.#sessions.add(session)
    socket.once('close', () => session.destroy())
    session.open()
    return socket
  }

  onClosed(session: Session): void {
    this.#sessions.delete(session)
    if (this.#sessions.size === 0) this.#onEmpty()
  }

  #sweep(): void {
    const now = this.clock.now()
    for (const session of [...this.#sessions]) session.check(now)
    this.#observer.sweep()
    this.#refusals.sweep()
  }

  // --- What sessions and their exchanges ask and tell ----------------------------------------------------------------

  get headTimeoutMs(): number {
    return this.#options.headTimeout
  }

  get idleTimeoutMs(): number {
    return this.#options.idleTimeout
  }

  get bodyTimeoutMs(): number {
    return this.#options.bodyTimeout
  }

  get maxDocumentBytes(): number {
    return this.#options.maxDocument
  }

  get region(): string {
    return this.#options.region
  }

  get isSecure(): boolean {
    return this.#options.tls !== undefined
  }

  get maxChunkBytes(): number {
    return this.#options.maxChunk
  }

  nextRequestId(): string {
    this.#requests = (this.#requests + 1) % 0x1_0000_0000
    return this.#idPrefix + this.#requests.toString(16).toUpperCase().padStart(8, '0')
  }

  wallTime(): number {
    return Date.now()
  }

  date(): string {
    const seconds = Math.floor(Date.now() / 1000)
    if (seconds !== this.#dateSeconds) {
      this.#dateSeconds = seconds
      this.#date = new Date(seconds * 1000).toUTCString()
    }
    return this.#date
  }

  routeOf(bucket: string, accessKey: string): Route {
    return this.#routes.of(bucket, accessKey)
  }

  inChargeOf(bucket: string, accessKey: string): S3Backend {
    return this.#routes.of(bucket, accessKey).backends[0]!
  }

  inCharge(accessKey: string): readonly Route[] {
    return this.#routes.inCharge(accessKey)
  }

  answered(exchange: Exchange): void {
    this.#observer.answered(exchange, this.clock.now())
  }

  protocolError(kind: string): void {
    this.#runtime.metrics.cell('portolan_protocol_errors_total', { listener: this.name, side: 'downstream', kind })
      .value++
  }

  malformed(error: ProtocolError): Buffer {
    return lastWords(new S3Error('BadRequest', error.message), this.nextRequestId())
  }

  missigned({ id: requestId, remoteIp }: S3Request, request: SignedRequest, error: S3Error): void {
    const secret = this.door.secretOf(error.fields['AWSAccessKeyId'] ?? '')
    const port = /:\d+$/.exec(this.address)?.[0] ?? ''
    const names = ['localhost', '127.0.0.1', ...this.#options.domains]
    const hosts = [...names, ...names.map(name => name + port), this.address]
    this.#refusals.add({ requestId, remoteIp, request, error, secret, hosts })
  }

  bug(error: unknown): void {
    this.#runtime.logger.error({ listener: this.name, reason: (error as Error).stack }, 'a bug in a request')
  }
}

/** What connections and their secrets cannot follow when it changes. */
function outside({ keys, anonymous, passUnsigned, tls }: S3ListenerOptions): unknown {
  return { keys, anonymous, passUnsigned, tls }
}

function tlsFactsOf(socket: Socket): TlsFacts | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  return { version: socket.getProtocol() ?? '', cipherSuite: socket.getCipher().name }
}

/** What a generated certificate has to name beside this machine. */
function hostNames({ domains }: S3ListenerOptions): string[] {
  return domains.flatMap(domain => [domain, `*.${domain}`])
}
