/** A MySQL backend: its endpoints, and the pool of connections to them that clients share. */
import { CLIENT_PROTOCOL_41, CLIENT_RESERVED2, type Greeting } from '../../../codecs/mysql/index.ts'
import type { Address, BackendConfig } from '../../config/index.ts'
import { ProxyError } from '../../errors.ts'
import { type ClientTls, type Endpoint, Endpoints, openClientTls } from '../../net/index.ts'
import type { Backend, BackendStatus, ProbeReport, Runtime } from '../../protocol.ts'
import type { PrivateServer } from '../../supervise/index.ts'
import { Alignment } from './alignment.ts'
import { ControlConnection } from './control.ts'
import { Dialer, type Identity } from './dialer.ts'
import { embeddedMysql } from './embedded.ts'
import { observePool } from './gauges.ts'
import type { MysqlBackendOptions } from './options.ts'
import { OwnAccount } from './own-account.ts'
import { reset } from './own-statements.ts'
import { type Open, Pool, type Waiter } from './pool.ts'
import { probe } from './probe.ts'
import { ServerRefusal } from './server-refusal.ts'
import type { SessionState } from './session-state.ts'
import type { Upstream } from './upstream.ts'
import type { Home, UpstreamFacts } from './upstream-parties.ts'

/** One that waits, as the pool and the dialler see it. */
export interface Client extends Waiter {
  readonly identity: Identity
  readonly state: SessionState
}

const SWEEP_MS = 250

export class MysqlBackend implements Backend, Home {
  readonly name: string
  readonly options: MysqlBackendOptions
  readonly pool: Pool
  /** Rises with every DDL that passes: what was learnt of prepared statements before may be out of date. */
  epoch = 0
  /** Rises when new connections find what older ones do not: other rights, other defaults of variables. */
  generation = 0
  readonly align: Alignment['align']
  readonly #runtime: Runtime
  readonly #embedded: PrivateServer | null
  /** Empty until an embedded server has started. */
  #endpoints: Endpoints
  readonly #tls: ClientTls | undefined
  readonly #own: OwnAccount | null
  readonly #dialer: Dialer
  readonly #all = new Set<Upstream>()
  readonly #release: (() => void)[] = []
  #learning: Promise<void> | null = null
  #closed = false

  constructor(config: BackendConfig, runtime: Runtime) {
    const options = config.options as MysqlBackendOptions
    const { name } = config
    this.name = name
    this.options = options
    this.#runtime = runtime
    this.#endpoints = new Endpoints(options.endpoints ?? [], runtime.clock)
    this.#tls = options.tls && openClientTls(options.tls, runtime.logger)
    this.#own = OwnAccount.of(options, runtime)
    this.#embedded = options.embedded ? embeddedMysql(embeddedOptions(options), runtime) : null
    this.#dialer = new Dialer({ name, options, runtime, own: this.#own, tls: this.#tls }, this)
    const alignment = new Alignment()
    this.align = alignment.align.bind(alignment)
    const { pool } = options
    const calls = {
      open: (waiter: Waiter, done: Parameters<Open>[1]) => void this.#open(waiter as Client, done),
      onShortage: () => this.#onShortage(),
    }
    this.pool = new Pool(calls, runtime.clock, {
      max: pool.max,
      waitMs: pool.waitTimeout,
      idleMs: pool.idleTimeout,
    })
    this.#release.push(...observePool(name, runtime.metrics, this.pool, () => this.status().state === 'up'))
  }

  async start(): Promise<void> {
    if (this.#embedded) this.#endpoints = new Endpoints([await this.#embedded.start()], this.#runtime.clock)
    if (this.#closed) return
    this.#release.push(this.#runtime.clock.every(SWEEP_MS, () => this.pool.sweep()))
    void this.learn().catch(() => {})
  }

  /** The greeting of the server, as it was last; null while no server was reached. */
  get greeting(): Greeting | null {
    return this.#dialer.greeting
  }

  /** Reaches a server for its greeting. Rejects with the reason. */
  learn(): Promise<void> {
    this.#learning ??= this.#learn().finally(() => {
      this.#learning = null
    })
    return this.#learning
  }

  /** The pool's group for a client, but for whether it has a database. */
  groupOf(identity: Identity, state: SessionState): string {
    return `${this.#dialer.keyOf(identity)}${state.schema === null ? '-' : '+'}`
  }

  readonly now = (): number => this.#runtime.clock.now()

  release(upstream: Upstream): void {
    upstream.holder = null
    if (!upstream.closed) this.pool.release(upstream)
  }

  recycle(upstream: Upstream): void {
    upstream.holder = null
    if (upstream.closed) return
    if (!upstream.tracks || upstream.facts.generation !== this.generation) return upstream.destroy()
    reset(upstream, error => (error ? upstream.destroy(error) : this.pool.release(upstream)))
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

  /** Ends what a connection runs, or the connection, by a connection of its own. Never rejects. */
  async kill({ endpoint, account, threadId }: UpstreamFacts, { queryOnly }: { queryOnly: boolean }): Promise<void> {
    let control: ControlConnection | undefined
    try {
      control = await ControlConnection.open({
        address: endpoint.address,
        tls: this.#tls,
        timeoutMs: this.options.connectTimeout,
        ...account,
      })
      await control.query(`KILL ${queryOnly ? 'QUERY' : 'CONNECTION'} ${threadId}`)
    } catch (error) {
      const reason = (error as Error).message
      this.#runtime.logger.debug({ backend: this.name, reason }, 'a statement could not be killed')
    } finally {
      control?.close()
    }
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
    const { greeting, lastError } = this.#dialer
    const up = this.#all.size > 0 || (greeting !== null && lastError === null)
    const state = this.#closed ? 'closed' : up ? 'up' : lastError ? 'down' : 'connecting'
    return {
      state,
      endpoints: this.#endpoints.all.map(endpoint => endpoint.status()),
      ...(state === 'down' && lastError ? { lastError: lastError.message } : {}),
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
    let upstream: Upstream
    try {
      upstream = await this.#dial(client.identity, client.state.schema, true)
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error
      return done(null, error)
    }
    done(upstream)
  }

  async #learn(): Promise<void> {
    if (this.#own) (await this.#dial(NOBODY, null, false)).destroy()
    else await this.#first(endpoint => this.#dialer.greet(endpoint))
  }

  /** Connects to the first endpoint that can be reached, and logs in. */
  async #dial(identity: Identity, schema: string | null, pooled: boolean): Promise<Upstream> {
    const upstream = await this.#first(endpoint => this.#dialer.dial(endpoint, { identity, schema, pooled }))
    this.#all.add(upstream)
    if (this.#closed) upstream.destroy()
    return upstream
  }

  /** Tries the endpoints in their order. A server that refuses is one that was reached. */
  async #first<Result>(attempt: (endpoint: Endpoint) => Promise<Result>): Promise<Result> {
    let failure =
      this.#dialer.lastError ??
      new ProxyError('upstream-circuit', 'every endpoint has failed lately', { source: 'upstream', retryable: true })
    for (const endpoint of this.#endpoints.all) {
      if (!endpoint.circuit.allows) continue
      try {
        return await attempt(endpoint)
      } catch (error) {
        if (!(error instanceof ProxyError) || error instanceof ServerRefusal) throw error
        failure = error
      }
    }
    throw failure
  }
}

/** For a look at the server that is for no client. */
const NOBODY: Identity = {
  username: '',
  password: '',
  capabilities: { low: (CLIENT_PROTOCOL_41 | CLIENT_RESERVED2) >>> 0, mariadb: 0 },
  collation: 33,
  generation: 0,
}

function embeddedOptions({ embedded }: MysqlBackendOptions) {
  return typeof embedded === 'object' ? embedded : { dataDirectory: '.portolan/mysql', binary: 'mariadbd' }
}
