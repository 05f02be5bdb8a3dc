/** A MySQL backend: its endpoints, the pool of connections to them, and what makes a connection right for a client. */
import { randomInt } from 'node:crypto'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  type Capabilities,
  CLIENT_MULTI_STATEMENTS,
  CLIENT_PROTOCOL_41,
  CLIENT_RESERVED2,
  COM_QUERY,
  capabilityKey,
  decodeGreeting,
  type Greeting,
} from '../../../codecs/mysql/index.ts'
import type { Address, BackendConfig } from '../../config/index.ts'
import { ProxyError } from '../../errors.ts'
import {
  type ClientTls,
  connected,
  type Endpoint,
  Endpoints,
  Intake,
  openClientTls,
  RelayBuffers,
} from '../../net/index.ts'
import type { Backend, BackendStatus, ProbeReport, Runtime } from '../../protocol.ts'
import type { PrivateServer } from '../../supervise/index.ts'
import { embeddedMysql } from './embedded.ts'
import { type LoggedIn, logIn, ServerRefusal } from './handshake.ts'
import type { MysqlBackendOptions } from './options.ts'
import { OwnAccount } from './own-account.ts'
import { PacketWire } from './packet-wire.ts'
import { type Open, Pool, type Waiter } from './pool.ts'
import { probe } from './probe.ts'
import type { SessionState } from './session-state.ts'
import { type Account, type Home, Upstream, type UpstreamFacts } from './upstream.ts'

/** Who a client is at the backend, and what its connection must be like. */
export interface Identity {
  /** At the listener; also at the backend when that has no credentials of its own. */
  readonly username: string
  readonly password: string
  readonly capabilities: Capabilities
  readonly collation: number
}

/** One that waits, as the pool and the dialler see it. */
export interface Client extends Waiter {
  readonly identity: Identity
  readonly state: SessionState
}

interface DialOptions {
  /** Counts as one of the pool's. */
  readonly pooled: boolean
  /** Not whatever endpoint is next but this one. */
  readonly to?: Endpoint
}

const SWEEP_MS = 250
/** Statements of ours that a server has accepted once, and so will again: they go out in one write with the request. */
const MAX_PROVEN = 1000

export class MysqlBackend implements Backend, Home {
  readonly name: string
  readonly options: MysqlBackendOptions
  readonly pool: Pool
  /** Rises with every DDL that passes: what was learnt of prepared statements before may be out of date. */
  epoch = 0
  readonly #runtime: Runtime
  readonly #embedded: PrivateServer | null
  /** Empty until an embedded server has started. */
  #endpoints: Endpoints
  readonly #tls: ClientTls | undefined
  readonly #own: OwnAccount | null
  readonly #buffers = new RelayBuffers()
  readonly #all = new Set<Upstream>()
  readonly #proven = new Set<string>()
  readonly #release: (() => void)[] = []
  readonly #outcomes: { readonly ok: { value: number }; readonly failed: { value: number } }
  #greeting: Greeting | null = null
  #lastError: ProxyError | null = null
  #learning: Promise<void> | null = null
  #closed = false

  constructor(config: BackendConfig, runtime: Runtime) {
    const options = config.options as MysqlBackendOptions
    this.name = config.name
    this.options = options
    this.#runtime = runtime
    this.#endpoints = new Endpoints(options.endpoints ?? [], runtime.clock)
    this.#tls = options.tls && openClientTls(options.tls, runtime.logger)
    this.#own = OwnAccount.of(options, runtime)
    this.#embedded = options.embedded ? embeddedMysql(embeddedOptions(options), runtime) : null
    const { pool } = options
    const { metrics } = runtime
    this.#outcomes = {
      ok: metrics.cell('portolan_upstream_connects_total', { backend: this.name, outcome: 'ok' }),
      failed: metrics.cell('portolan_upstream_connects_total', { backend: this.name, outcome: 'failed' }),
    }
    const calls = {
      open: (waiter: Waiter, done: Parameters<Open>[1]) => void this.#open(waiter as Client, done),
      onShortage: () => this.#onShortage(),
    }
    this.pool = new Pool(calls, runtime.clock, {
      max: pool.max,
      waitMs: pool.waitTimeout,
      idleMs: pool.idleTimeout,
    })
    this.#observe()
  }

  async start(): Promise<void> {
    if (this.#embedded) this.#endpoints = new Endpoints([await this.#embedded.start()], this.#runtime.clock)
    if (this.#closed) return
    this.#release.push(this.#runtime.clock.every(SWEEP_MS, () => this.pool.sweep()))
    void this.learn().catch(() => {})
  }

  /** The greeting of the server, as it was last; null while no server was reached. */
  get greeting(): Greeting | null {
    return this.#greeting
  }

  /** Reaches a server for its greeting. Rejects with the reason. */
  learn(): Promise<void> {
    this.#learning ??= this.#learn().finally(() => {
      this.#learning = null
    })
    return this.#learning
  }

  /** The pool's group for a client, but for whether it has a database. */
  groupOf({ username, capabilities, collation }: Identity, state: SessionState): string {
    const account = this.#own ? '' : username
    return `${groupPrefix(account, { capabilities, collation })}${state.schema === null ? '-' : '+'}`
  }

  /** Brings a connection into a client's state. The callback may come at once. */
  align(upstream: Upstream, state: SessionState, done: (error: ProxyError | null) => void): void {
    const { schema } = state
    if (schema !== null && upstream.state.schema !== schema) {
      // Awaited: a statement must not run in another database because this one is gone.
      upstream.useSchema(schema, error => (error ? done(error) : this.align(upstream, state, done)))
      return
    }
    const sql = upstream.state.changeTo(state, upstream.facts.baseline)
    if (sql === '') return done(null)
    if (this.#proven.has(sql)) {
      upstream.run(COM_QUERY, sql, error => {
        if (error) upstream.destroy(error)
      })
      upstream.state.copy(state)
      return done(null)
    }
    upstream.run(COM_QUERY, sql, error => {
      if (!error && this.#proven.size < MAX_PROVEN) this.#proven.add(sql)
      done(error)
    })
  }

  readonly now = (): number => this.#runtime.clock.now()

  release(upstream: Upstream): void {
    upstream.holder = null
    if (!upstream.closed) this.pool.release(upstream)
  }

  recycle(upstream: Upstream): void {
    upstream.holder = null
    if (upstream.closed) return
    if (!upstream.tracks) return upstream.destroy()
    upstream.reset(error => (error ? upstream.destroy(error) : this.pool.release(upstream)))
  }

  abandon(upstream: Upstream): void {
    upstream.holder = null
    const { facts } = upstream
    upstream.destroy()
    void this.kill(facts, { queryOnly: false })
  }

  /** One of those who keep a connection without need gives it back. */
  #onShortage(): void {
    for (const { holder } of this.#all) if (holder?.yieldConnection()) return
  }

  onClosed(upstream: Upstream): void {
    this.#all.delete(upstream)
    upstream.facts.endpoint.connections--
    if (upstream.facts.pooled) this.pool.onClosed(upstream)
  }

  /** Ends what a connection runs, or the connection, by a connection of its own. */
  kill({ endpoint, account, threadId }: UpstreamFacts, { queryOnly }: { queryOnly: boolean }): Promise<void> {
    const sql = `KILL ${queryOnly ? 'QUERY' : 'CONNECTION'} ${threadId}`
    return this.#control(endpoint, account, sql).catch(error =>
      this.#runtime.logger.debug(
        { backend: this.name, reason: (error as Error).message },
        'a statement could not be killed',
      ),
    )
  }

  async probe(timeoutMs: number): Promise<ProbeReport> {
    const own = this.#own
    const account = own ? { username: own.username, password: () => own.password() } : undefined
    const look = (addresses: readonly Address[]) => probe(addresses, { account, tls: this.#tls, timeoutMs })
    const { all } = this.#endpoints
    if (this.#embedded && all.length === 0) return this.#embedded.visit(address => look([address]), timeoutMs)
    return look(all.map(endpoint => endpoint.address))
  }

  /** Reads again what stands outside of the configuration. */
  async reread(): Promise<void> {
    await this.#own?.refresh()
  }

  status(): BackendStatus {
    const up = this.#all.size > 0 || (this.#greeting !== null && this.#lastError === null)
    const error = this.#lastError
    const state = this.#closed ? 'closed' : up ? 'up' : error ? 'down' : 'connecting'
    return {
      state,
      endpoints: this.#endpoints.all.map(endpoint => endpoint.status()),
      ...(state === 'down' && error ? { lastError: error.message } : {}),
    }
  }

  async close(graceMs: number): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.pool.close(new ProxyError('upstream-closed', 'the backend is closed', { source: 'portolan', retryable: true }))
    const deadline = this.#runtime.clock.now() + graceMs
    while (this.pool.lent > 0 && this.#runtime.clock.now() < deadline) {
      await new Promise<void>(resolve => setTimeout(resolve, 10).unref())
    }
    for (const release of this.#release) release()
    for (const upstream of [...this.#all]) upstream.destroy()
    this.#own?.close()
    this.#tls?.close()
    await this.#embedded?.close(Math.max(1000, deadline - this.#runtime.clock.now()))
  }

  // --- Connections -------------------------------------------------------------------------------------------------

  async #open(client: Client, done: (upstream: Upstream | null, error?: ProxyError) => void): Promise<void> {
    try {
      done(await this.#dial(client.identity, client.state.schema, { pooled: true }))
    } catch (error) {
      done(null, asProxyError(error))
    }
  }

  async #learn(): Promise<void> {
    if (this.#own) {
      const upstream = await this.#dial({ ...PLAIN, username: '', password: '' }, null, { pooled: false })
      upstream.quit()
      return
    }
    // Without an account of ours the greeting is all that can be had.
    const { wire } = await this.#connect()
    const payload = await wire.read()
    this.#greeting = decodeGreeting(payload, 0, payload.length)
    wire.socket.destroy()
  }

  /** Connects to the endpoint that is next and logs in. Rejects with ProxyError or ProtocolError. */
  async #dial(identity: Identity, schema: string | null, { pooled, to }: DialOptions): Promise<Upstream> {
    const account = await this.#account(identity)
    const { wire, intake, endpoint } = await this.#connect(to)
    const cancel = this.#runtime.clock.after(this.options.connectTimeout, () =>
      wire.fail(
        new ProxyError('upstream-timeout', 'the backend accepted the connection but the login did not end', {
          source: 'upstream',
          retryable: true,
        }),
      ),
    )
    let loggedIn: LoggedIn
    try {
      loggedIn = await logIn(wire, { ...identity, ...account, schema }, this.#tls, endpoint.address)
      this.#succeeded(endpoint, loggedIn.greeting)
    } catch (error) {
      wire.socket.destroy()
      endpoint.connections--
      this.#failed(endpoint, asProxyError(error))
      throw error
    } finally {
      cancel()
    }
    const { pool } = this.options
    const { greeting, capabilities, baseline, setup } = loggedIn
    const upstream = new Upstream(
      wire.release(),
      wire.secure ? undefined : intake,
      {
        group: groupPrefix(this.#own ? '' : identity.username, identity),
        endpoint,
        account,
        threadId: greeting.connectionId,
        capabilities,
        baseline,
        setup,
        expiresAt: this.now() + pool.maxLifetime * (0.9 + randomInt(200) / 1000),
        maxStatements: pool.maxStatements,
        schema,
        pooled,
      },
      this,
    )
    this.#all.add(upstream)
    if (this.#closed) upstream.destroy()
    return upstream
  }

  /** Reaches the given endpoint, or the first one in their order that answers. */
  async #connect(to?: Endpoint): Promise<{ wire: PacketWire; intake: Intake; endpoint: Endpoint }> {
    const candidates = to ? [to] : this.#endpoints.all.filter(({ circuit }) => circuit.allows)
    let failure: unknown =
      this.#lastError ??
      new ProxyError('upstream-circuit', 'every endpoint has failed lately', { source: 'upstream', retryable: true })
    for (const endpoint of candidates) {
      const intake = new Intake(this.#buffers)
      endpoint.circuit.begin()
      endpoint.connections++
      try {
        const socket = await connected({
          address: endpoint.address,
          connectTimeoutMs: this.options.connectTimeout,
          keepAliveMs: 60_000,
          ...(this.#tls ? {} : { onread: intake.onread }),
        })
        return { wire: new PacketWire(socket, this.#tls ? undefined : intake), intake, endpoint }
      } catch (error) {
        endpoint.connections--
        this.#failed(endpoint, asProxyError(error))
        failure = error
      }
    }
    throw failure
  }

  async #account({ username, password }: Identity): Promise<Account> {
    const own = this.#own
    return own ? { username: own.username, password: await own.password() } : { username, password }
  }

  #succeeded(endpoint: Endpoint, greeting: Greeting): void {
    endpoint.circuit.succeeded()
    endpoint.health = 'up'
    endpoint.lastError = undefined
    this.#greeting = greeting
    this.#lastError = null
    this.#outcomes.ok.value++
  }

  #failed(endpoint: Endpoint, error: ProxyError): void {
    this.#outcomes.failed.value++
    // A wrong password or database is no fault of the endpoint.
    if (error instanceof ServerRefusal) {
      endpoint.circuit.succeeded()
      this.#own?.expire()
    } else {
      endpoint.circuit.failed()
      endpoint.lastError = error.message
    }
    this.#lastError = error
  }

  async #control(endpoint: Endpoint, account: Account, sql: string): Promise<void> {
    const upstream = await this.#dial({ ...PLAIN, ...account }, null, { pooled: false, to: endpoint })
    await new Promise<void>((resolve, reject) =>
      upstream.run(COM_QUERY, sql, error => (error ? reject(error) : resolve())),
    )
    upstream.quit()
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
        gauge(() => this.pool.lent),
      ),
      metrics.source(
        'portolan_upstream_queue',
        gauge(() => this.pool.waiting),
      ),
      metrics.source('portolan_upstream_connections', () => [
        { labels: { backend, use: 'exclusive' }, value: this.pool.lent },
        { labels: { backend, use: 'spare' }, value: this.pool.idle },
      ]),
    )
  }
}

/** What a connection of our own is like. */
const PLAIN = { capabilities: { low: (CLIENT_PROTOCOL_41 | CLIENT_RESERVED2) >>> 0, mariadb: 0 }, collation: 33 }

function groupPrefix(
  account: string,
  { capabilities, collation }: Pick<Identity, 'capabilities' | 'collation'>,
): string {
  const multi = capabilities.low & CLIENT_MULTI_STATEMENTS ? 'm' : ''
  return `${account}\0${capabilityKey(capabilities)}${multi}\0${collation}`
}

function asProxyError(error: unknown): ProxyError {
  if (error instanceof ProxyError) return error
  if (!(error instanceof ProtocolError)) throw error
  return new ProxyError('upstream-protocol', `the backend does not answer as MySQL does: ${error.message}`, {
    source: 'upstream',
    cause: error,
  })
}

function embeddedOptions({ embedded }: MysqlBackendOptions) {
  return typeof embedded === 'object' ? embedded : { dataDirectory: '.portolan/mysql', binary: 'mariadbd' }
}
