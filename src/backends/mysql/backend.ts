/** A MySQL backend: its servers, and the pool of connections to them that clients share. */
import type { Greeting } from '../../../codecs/mysql/index.ts'
import type { BackendConfig } from '../../config/index.ts'
import { ProxyError } from '../../errors.ts'
import { openClientTls } from '../../net/index.ts'
import type { Backend, BackendStatus, ProbeReport, Runtime } from '../../protocol.ts'
import type { PrivateServer } from '../../supervise/index.ts'
import { Alignment } from './alignment.ts'
import type { Call } from './call.ts'
import { Controls } from './controls.ts'
import { Dialer, type DialerParts, type Identity } from './dialer.ts'
import { embeddedMysql } from './embedded.ts'
import { featuresOf, mysqlFeatures } from './features.ts'
import { observeMembers, observePool } from './gauges.ts'
import type { Member } from './member.ts'
import { Opener } from './opener.ts'
import type { MysqlBackendOptions } from './options.ts'
import { OwnAccount } from './own-account.ts'
import { closeAt, reset } from './own-statements.ts'
import { type Open, Pool, type Waiter } from './pool.ts'
import type { SessionState } from './session-state.ts'
import { topologyOf } from './topologies.ts'
import type { Purpose, Topology } from './topology.ts'
import type { Upstream } from './upstream.ts'
import type { Home } from './upstream-parties.ts'

/** One that waits, as the pool and the dialler see it. */
export interface Client extends Waiter {
  readonly identity: Identity
  readonly state: SessionState
}

const SWEEP_MS = 250
/** While a new primary is looked for, unless the configuration says otherwise. */
const FAILOVER_HOLD_MS = 10_000

export class MysqlBackend implements Backend, Home {
  readonly name: string
  readonly options: MysqlBackendOptions
  readonly pool: Pool
  /** Reads may go to replicas, at all. */
  readonly splitsReads: boolean
  /** Another server can take the place of the one that is written to. */
  readonly failsOver: boolean
  /** How long clients wait for a server. */
  readonly holdMs: number
  /** Rises with every DDL that passes: what was learnt of prepared statements before may be out of date. */
  epoch = 0
  /** Rises when new connections find what older ones do not: other rights, other defaults of variables. */
  generation = 0
  readonly align: Alignment['align']
  readonly #parts: DialerParts
  readonly #embedded: PrivateServer | null
  readonly #dialer: Dialer
  readonly #opener: Opener
  readonly #controls: Controls
  readonly #all = new Set<Upstream>()
  readonly #release: (() => void)[] = []
  readonly #repeats: { value: number }
  /** Without a member until an embedded server has started. */
  #topology: Topology
  #closed = false

  constructor(config: BackendConfig, runtime: Runtime) {
    const options = config.options as MysqlBackendOptions
    const { name } = config
    const { pool, readFrom, replicaWait, topology } = options
    this.name = name
    this.options = options
    this.failsOver = topology === 'primary-replica'
    this.splitsReads = this.failsOver && readFrom !== 'primary'
    this.holdMs = options.holdTime ?? (this.failsOver ? FAILOVER_HOLD_MS : 0)
    const tls = options.tls && openClientTls(options.tls, runtime.logger)
    const own = OwnAccount.of(options, runtime)
    this.#parts = { name, options, runtime, own, tls, tracksGtids: this.splitsReads && replicaWait > 0 }
    this.#embedded = options.embedded ? embeddedMysql(embeddedOptions(options), runtime) : null
    this.#controls = new Controls(this.#parts)
    this.#topology = this.#topologyOf(options.endpoints ?? [])
    this.#dialer = new Dialer(this.#parts, this)
    this.#opener = new Opener(this.#dialer, () => this.#topology, this.holdMs, this.now)
    const alignment = new Alignment(variable =>
      runtime.logger.warn({ backend: name, variable }, 'a client had a variable that this server does not have'),
    )
    this.align = alignment.align.bind(alignment)
    const calls = {
      open: (waiter: Waiter, done: Parameters<Open>[1]) => void this.#open(waiter as Client, done),
      onShortage: () => this.#onShortage(),
      away: () => this.#opener.away(),
    }
    const limits = { max: pool.max, waitMs: pool.waitTimeout, holdMs: this.holdMs, maxWaiting: pool.maxWaiting }
    this.pool = new Pool(calls, runtime.clock, { ...limits, idleMs: pool.idleTimeout })
    const { metrics } = runtime
    this.#repeats = metrics.cell('portolan_upstream_repeats_total', { backend: name })
    this.#release.push(
      ...observePool(name, metrics, this.pool, () => this.status().state === 'up'),
      ...observeMembers(name, metrics, () => this.#topology.members),
    )
  }

  async start(): Promise<void> {
    if (this.#embedded) this.#topology = this.#topologyOf([{ address: await this.#embedded.start() }])
    if (this.#closed) return
    this.#release.push(this.#parts.runtime.clock.every(SWEEP_MS, () => this.pool.sweep()))
    this.#topology.start()
    void this.learn().catch(() => {})
  }

  /** There is an account of our own; else clients log in with what they have, and nobody else can. */
  get hasAccount(): boolean {
    return this.#dialer.hasAccount
  }

  /** The greeting of the server, as it was last; null while no server was reached. */
  get greeting(): Greeting | null {
    return this.#dialer.greeting
  }

  features() {
    const { greeting } = this.#dialer
    return { features: greeting ? featuresOf(greeting) : Object.keys(mysqlFeatures), isProbed: greeting !== null }
  }

  /** Reaches a server for its greeting. Rejects with the reason. */
  learn(): Promise<void> {
    return this.#opener.learn()
  }

  /** Whether a read should be taken to a replica now. */
  get readsFromReplica(): boolean {
    return this.splitsReads && (this.options.readFrom === 'replica' || this.#topology.hasReplica)
  }

  isPrimary(member: Member): boolean {
    return this.#topology.serves(member, 'write')
  }

  /** The pool's group for a client, but for whether it has a database. */
  groupOf(identity: Identity, state: SessionState, purpose: Purpose): string {
    return `${this.#dialer.keyOf(identity, purpose)}${state.schema === null ? '-' : '+'}`
  }

  readonly now = (): number => this.#parts.runtime.clock.now()

  /** The server of this connection has refused to write: another one may be the primary now. */
  onReadOnly({ facts }: Upstream): void {
    this.#topology.onReadOnly(facts.member)
  }

  /** Closes the statements of all connections that serve nobody now; how many. */
  closeIdleStatements(): number {
    let count = 0
    for (const upstream of this.#all) {
      if (!upstream.idle) continue
      const closed = upstream.statements.takeAll(false)
      for (const statement of closed) closeAt(upstream, statement)
      count += closed.length
    }
    return count
  }

  /** A request that had not run is sent again. */
  noteRepeat(): void {
    this.#repeats.value++
  }

  // --- Connections that come back ----------------------------------------------------------------------------------

  release(upstream: Upstream): void {
    upstream.holder = null
    if (upstream.closed || upstream.kills > 0) return
    if (upstream.suspect) return this.recycle(upstream)
    if (this.#serves(upstream)) this.pool.release(upstream)
    else upstream.destroy()
  }

  recycle(upstream: Upstream): void {
    upstream.holder = null
    if (upstream.closed) return
    if (upstream.kills > 0) return
    const isOutdated = upstream.facts.generation !== this.generation
    if (!upstream.tracks || isOutdated || !this.#serves(upstream)) return upstream.destroy()
    reset(upstream, error => (error ? upstream.destroy(error) : this.release(upstream)))
  }

  abandon(upstream: Upstream): void {
    upstream.holder = null
    const { facts } = upstream
    upstream.destroy()
    void this.#controls.kill(facts, { queryOnly: false })
  }

  killQuery(upstream: Upstream): void {
    upstream.kills++
    void this.#controls.kill(upstream.facts, { queryOnly: true }).then(() => {
      upstream.kills--
      upstream.suspect = true
      // Given back meanwhile.
      if (upstream.kills === 0 && upstream.holder === null) this.recycle(upstream)
    })
  }

  onClosed(upstream: Upstream, lost: boolean): void {
    this.#all.delete(upstream)
    upstream.facts.member.endpoint.connections--
    if (lost) this.#topology.onTrouble()
    if (upstream.facts.pooled) this.pool.onClosed(upstream)
  }

  #serves({ facts }: Upstream): boolean {
    return this.#topology.serves(facts.member, facts.purpose)
  }

  /** One of those who keep a connection without need gives it back. */
  #onShortage(): void {
    for (const { holder } of this.#all) if (holder?.yieldConnection()) return
  }

  /** Servers have changed their roles: what leads to the wrong ones is closed, at once or when it comes back. */
  #onTopologyChange(): void {
    this.pool.closeIdle(upstream => !this.#serves(upstream))
    if (this.#topology.isLost) return
    // Nobody will ever hear from a server that is gone and has been replaced.
    for (const upstream of [...this.#all]) {
      if (upstream.facts.member.endpoint.health === 'down' && !this.#serves(upstream)) upstream.destroy(REPLACED())
    }
  }

  // --- As the core sees it -----------------------------------------------------------------------------------------

  async probe(timeoutMs: number): Promise<ProbeReport> {
    const { members } = this.#topology
    if (this.#embedded && members.length === 0)
      return this.#embedded.visit(address => this.#controls.probe([address], timeoutMs), timeoutMs)
    return this.#controls.probe(
      members.map(({ endpoint }) => endpoint.address),
      timeoutMs,
    )
  }

  /** Reads again what stands outside of the configuration. */
  async reread(): Promise<void> {
    await this.#parts.own?.refresh()
  }

  status(): BackendStatus {
    const { greeting, lastError } = this.#dialer
    const isLost = this.#topology.isLost
    const up = !isLost && (this.#all.size > 0 || (greeting !== null && lastError === null))
    const error = lastError ?? (isLost && greeting !== null ? this.#opener.away() : null)
    const state = this.#closed ? 'closed' : up ? 'up' : error ? 'down' : 'connecting'
    return {
      state,
      endpoints: this.#topology.members.map(member => member.status()),
      ...(state === 'down' && error ? { lastError: error.message } : {}),
    }
  }

  async close(graceMs: number): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#opener.close()
    this.pool.close(new ProxyError('upstream-closed', 'the backend is closed', { source: 'portolan', retryable: true }))
    const { clock } = this.#parts.runtime
    const deadline = clock.now() + graceMs
    while (this.pool.lent > 0 && clock.now() < deadline) {
      await new Promise<void>(resolve => setTimeout(resolve, 10).unref())
    }
    for (const release of this.#release) release()
    this.#topology.close()
    for (const upstream of [...this.#all]) upstream.destroy()
    this.#parts.own?.close()
    this.#parts.tls?.close()
    await this.#embedded?.close(Math.max(1000, deadline - clock.now()))
  }

  // --- New connections ---------------------------------------------------------------------------------------------

  async #open({ identity, state, purpose }: Client, done: Parameters<Open>[1]): Promise<void> {
    let upstream: Upstream
    try {
      upstream = await this.#opener.open({ identity, schema: state.schema, purpose, pooled: true })
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error
      return done(null, error)
    }
    this.#all.add(upstream)
    if (this.#closed) upstream.destroy()
    done(upstream)
  }

  /** Reaches a server for a client that logs in itself. Rejects with ProxyError. */
  call(): Promise<Call> {
    return this.#opener.call()
  }

  /** The client of the call has logged in: the connection is its own. */
  connect(call: Call, schema: string | null): Upstream {
    const upstream = call.connect(schema, this)
    this.#all.add(upstream)
    if (this.#closed) upstream.destroy()
    return upstream
  }

  #topologyOf(endpoints: MysqlBackendOptions['endpoints'] & {}): Topology {
    return topologyOf(endpoints, this.#parts, {
      open: member => this.#controls.open(member),
      onChange: () => this.#onTopologyChange(),
    })
  }
}

const REPLACED = () =>
  new ProxyError('upstream-lost', 'the server is gone, another one has taken its place', { source: 'upstream' })

function embeddedOptions({ embedded }: MysqlBackendOptions) {
  return typeof embedded === 'object' ? embedded : { dataDirectory: '.portolan/mysql', binary: 'mariadbd' }
}
