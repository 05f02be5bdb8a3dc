/** A Redis backend: lanes of shared pipelines, a pool of private ones, subscriptions, and how it is doing. */
import { type CommandTable, encodeCommand, loadCommands } from '../../../codecs/redis/index.ts'
import { type Address, type BackendConfig, LiveSecret } from '../../config/index.ts'
import { type ClientTls, connectFailure, openClientTls, sharedTurn, type Turn } from '../../net/index.ts'
import { OutageLog } from '../../observability/outage-log.ts'
import type { Backend, BackendStatus, ProbeReport, Runtime } from '../../protocol.ts'
import { sameSecret } from '../../same-secret.ts'
import type { PrivateServer } from '../../supervise/index.ts'
import { Dialer } from './dialer.ts'
import { embeddedRedis } from './embedded.ts'
import { Endpoint } from './endpoint.ts'
import { featuresOf, redisFeatures } from './features.ts'
import { authentication, type ServerIdentity } from './handshake.ts'
import type { Lane } from './lane.ts'
import { Lanes } from './lanes.ts'
import { learnCommands } from './learn-commands.ts'
import type { RedisBackendOptions } from './options.ts'
import type { Pipeline } from './pipeline.ts'
import { PrivatePool } from './private-pool.ts'
import { probe } from './probe.ts'
import { Subscriptions } from './subscriptions.ts'
import { WritePause } from './write-pause.ts'

/** What is said of a server that has not been reached yet. */
const UNKNOWN: ServerIdentity = { server: 'redis', version: '7.0.0', mode: 'standalone', role: 'master', modules: [] }

/** How often waiting requests are looked at; a lane that is stuck is found within twice this time. */
const SWEEP_MS = 75
const RENEW_MS = 1000

export class RedisBackend implements Backend {
  readonly name: string
  readonly pool: PrivatePool
  readonly subscriptions: Subscriptions
  readonly writePause: WritePause
  readonly options: RedisBackendOptions
  readonly #runtime: Runtime
  readonly #turn: Turn
  readonly #dialer: Dialer
  readonly #endpoints: Endpoint[]
  readonly #tls: ClientTls | undefined
  readonly #embedded: PrivateServer | null
  readonly #lanes: Lanes
  readonly #outages: OutageLog
  readonly #password: LiveSecret | undefined
  readonly #release: (() => void)[] = []
  #commands: CommandTable | undefined
  #identity: ServerIdentity | null = null
  #closing: Promise<void> | undefined
  #closeBy = Number.POSITIVE_INFINITY
  #renewedAt = Number.NEGATIVE_INFINITY

  constructor(config: BackendConfig, runtime: Runtime) {
    const options = config.options as RedisBackendOptions
    this.name = config.name
    this.options = options
    this.#runtime = runtime
    this.#turn = sharedTurn
    this.#embedded = options.embedded ? embeddedRedis(embeddedOptions(options), runtime) : null
    // An embedded server's address is known when it has started.
    this.#endpoints = this.#embedded ? [] : options.endpoints!.map(address => new Endpoint(address, runtime.clock))
    this.#tls = options.tls && openClientTls(options.tls, runtime.logger)
    const outcomes = {
      ok: runtime.metrics.cell('portolan_upstream_connects_total', { backend: this.name, outcome: 'ok' }),
      failed: runtime.metrics.cell('portolan_upstream_connects_total', { backend: this.name, outcome: 'failed' }),
    }
    const { credentials } = options
    this.#password =
      credentials &&
      new LiveSecret(credentials.password, {
        name: 'the password of the backend',
        logger: runtime.logger,
        clock: runtime.clock,
        onChange: password => this.#authenticateAgain(password),
      })
    this.#outages = new OutageLog(runtime.logger)
    this.#dialer = new Dialer(
      {
        endpoints: this.#endpoints,
        tls: this.#tls,
        connectTimeoutMs: options.connectTimeout,
        username: credentials?.username,
        password: async () => this.#password?.read(),
        onIdentity: (identity, endpoint) => this.#onIdentity(identity, endpoint),
        onRefused: () => this.#password?.expire(),
        onReadOnly: () => this.#onReadOnly(),
        onOutcome: error => {
          outcomes[error ? 'failed' : 'ok'].value++
          if (!error) this.#outages.over()
          // What one client alone has asked for in vain, while no endpoint is away, is its own affair.
          else if (this.#dialer.lastError) this.#outages.tell(error, connectFailure(error)?.next)
        },
      },
      runtime.clock,
    )
    this.#lanes = new Lanes(this.#dialer, this.#turn, runtime.clock, {
      holdMs: options.holdTime,
      requestTimeoutMs: options.requestTimeout,
    })
    const { max, spare, waitTimeout } = options.exclusive
    this.pool = new PrivatePool(this.#dialer, this.#turn, runtime.clock, { max, spare, waitMs: waitTimeout })
    this.subscriptions = new Subscriptions(this.#dialer, this.#turn, runtime.clock)
    this.writePause = new WritePause(runtime.clock)
    this.#observe()
  }

  /** Facts about the backend's commands: what is shipped, and what the backend itself tells. Made at first use. */
  get commands(): CommandTable {
    return (this.#commands ??= loadCommands())
  }

  async start(): Promise<void> {
    if (this.#embedded) this.#endpoints.push(new Endpoint(await this.#embedded.start(), this.#runtime.clock))
    if (this.#closing) return
    // Behind the listeners' binding, which comes in this turn of the event loop: dialling takes time that nobody waits for.
    setImmediate(() => this.lane(2, 0).pipeline)
    this.#release.push(this.#runtime.clock.every(SWEEP_MS, () => this.#sweep()))
  }

  /** What the server is may change with every reconnect; its commands are asked for when it has. */
  #onIdentity(identity: ServerIdentity, endpoint: Endpoint): void {
    const known = this.#identity
    this.#identity = identity
    const modules = JSON.stringify(identity.modules)
    if (known?.version === identity.version && JSON.stringify(known.modules) === modules) return
    const { credentials, connectTimeout } = this.options
    const { logger } = this.#runtime
    const password = this.#password?.value
    const target = { address: endpoint.address, tls: this.#tls, username: credentials?.username, password }
    learnCommands({ ...target, timeoutMs: connectTimeout }, this.commands).then(
      added => logger.debug({ backend: this.name, added: added.length }, 'commands learnt from the backend'),
      error => logger.debug({ backend: this.name, reason: error.message }, 'the backend does not tell its commands'),
    )
  }

  /** The shared pipeline of a RESP version and database; scripts, which may take long, have one of their own. */
  lane(protocol: 2 | 3, database: number, scripts = false): Lane {
    return this.#lanes.get(protocol, database, scripts)
  }

  /** Opens another connection for what is to come on a shared pipeline. */
  replace(pipeline: Pipeline): void {
    this.#lanes.replace(pipeline)
  }

  get identity(): ServerIdentity {
    return this.#identity ?? UNKNOWN
  }

  /** Whether it is known by now if the server speaks RESP3: its answer to HELLO tells. */
  get resp3Known(): boolean {
    return this.#identity !== null || this.lane(2, 0).connected || this.lane(2, 0).pipeline === null
  }

  get resp3(): boolean {
    return this.#identity !== null || !this.lane(2, 0).connected
  }

  /** Whether HELLO sets a name as soon as it reads it, even if the rest of it fails: Redis before 7.2. */
  get namesAtOnce(): boolean {
    const [major = 0, minor = 0] = this.identity.version.split('.').map(Number)
    return major < 7 || (major === 7 && minor < 2)
  }

  /** Connections to the endpoints, of whatever use. */
  get connections(): number {
    return this.#endpoints.reduce((sum, endpoint) => sum + endpoint.connections, 0)
  }

  /** Whether somebody claims to be the user that Portolan itself is at the backend, and has the password. */
  isOwnUser(user: string, password: Buffer): boolean {
    const own = this.options.credentials?.username ?? 'default'
    const secret = this.#password?.value
    const equal = sameSecret(password, secret ?? '')
    return secret !== undefined && own === user && equal
  }

  /** Calls back when the server has been reached, or cannot be. */
  settleIdentity(callback: () => void): void {
    this.lane(2, 0).settle(() => process.nextTick(callback))
  }

  async probe(timeoutMs: number): Promise<ProbeReport> {
    if (this.#embedded && this.#endpoints.length === 0) {
      return this.#embedded.visit(address => this.#probe([address], timeoutMs), timeoutMs)
    }
    return this.#probe(
      this.#endpoints.map(endpoint => endpoint.address),
      timeoutMs,
    )
  }

  #probe(addresses: readonly Address[], timeoutMs: number): Promise<ProbeReport> {
    const password = async () => this.#password?.read()
    return probe(addresses, { tls: this.#tls, username: this.options.credentials?.username, password, timeoutMs })
  }

  status(): BackendStatus {
    const main = this.lane(2, 0)
    const error = main.lastError ?? this.#dialer.lastError
    const state = this.#closing ? 'closed' : this.#lanes.connected > 0 ? 'up' : error ? 'down' : 'connecting'
    return {
      state,
      endpoints: this.#endpoints.map(endpoint => endpoint.status),
      ...(state === 'down' && error ? { lastError: error.message } : {}),
    }
  }

  features() {
    const identity = this.#identity
    return { features: identity ? featuresOf(identity) : Object.keys(redisFeatures), isProbed: identity !== null }
  }

  /** Reaches a server for its identity. Rejects with the reason. */
  learn(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.lane(2, 0).settle(error => (error ? reject(error) : resolve()))
    })
  }

  /** Reads again what stands outside of the configuration. */
  async reread(): Promise<void> {
    await this.#password?.refresh()
  }

  close(graceMs: number): Promise<void> {
    this.#closeBy = Math.min(this.#closeBy, this.#runtime.clock.now() + graceMs)
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const { clock } = this.#runtime
    this.pool.drain()
    this.#lanes.drain()
    while (this.#busy && clock.now() < this.#closeBy) await this.#pause()
    for (const release of this.#release) release()
    this.subscriptions.close()
    this.pool.close()
    this.#lanes.close()
    this.#tls?.close()
    this.#password?.close()
    await this.#embedded?.close(Math.max(1000, this.#closeBy - clock.now()))
  }

  /** After a failover behind one address the same name leads to another server; at most once a second. */
  #onReadOnly(): void {
    const now = this.#runtime.clock.now()
    if (now - this.#renewedAt < RENEW_MS) return
    this.#renewedAt = now
    this.#runtime.logger.warn({ backend: this.name }, 'the backend is read-only: connections are renewed')
    this.pool.renew()
    this.#lanes.replace()
  }

  /**
   * A token ends with its connections, unless they are shown the next one in time. If that is refused they stay what
   * they were. The one of the subscriptions cannot be asked (RESP2) and is opened anew when the server closes it.
   */
  #authenticateAgain(password: string): void {
    const request = encodeCommand(authentication(this.options.credentials?.username, password))
    this.#lanes.sendToEach(request)
    this.pool.sendToIdle(request)
  }

  get #busy(): boolean {
    return this.pool.lent > 0 || this.subscriptions.size > 0 || this.#lanes.pending > 0
  }

  #pause(): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, 10)
      timer.unref()
    })
  }

  #sweep(): void {
    this.#lanes.sweep()
    this.pool.sweep(this.options.requestTimeout)
  }

  #observe(): void {
    const { metrics } = this.#runtime
    const backend = this.name
    const gauge = (value: () => number) => () => [{ labels: { backend }, value: value() }]
    this.#release.push(
      metrics.source(
        'portolan_upstream_up',
        gauge(() => (this.status().state === 'up' ? 1 : 0)),
      ),
      metrics.source(
        'portolan_upstream_in_flight',
        gauge(() => this.#lanes.pending),
      ),
      metrics.source(
        'portolan_upstream_queue',
        gauge(() => this.pool.queued),
      ),
      metrics.source('portolan_upstream_connections', () => [
        { labels: { backend, use: 'shared' }, value: this.#lanes.connected },
        { labels: { backend, use: 'exclusive' }, value: this.pool.lent },
        { labels: { backend, use: 'spare' }, value: this.pool.size - this.pool.lent },
      ]),
    )
  }
}

function embeddedOptions(options: RedisBackendOptions) {
  const given = options.embedded
  return typeof given === 'object' ? given : { dataDirectory: '.portolan/redis', binary: 'redis-server' }
}
