/**
 * From one generation to the next while clients are being served: everything new is built, probed and bound beside the
 * old, then the two are swapped; whatever fails before or during the swap leaves the old generation in service.
 */
import { isDeepStrictEqual } from 'node:util'
import { type AppConfig, type ListenerConfig, sameConfig } from './config/index.ts'
import {
  type BackendUnit,
  bindAll,
  type Factory,
  type Generation,
  type ListenerUnit,
  problemsOf,
  StartError,
} from './generation.ts'
import { formatAddress } from './net/index.ts'
import type { ProbeReport } from './protocol.ts'

export interface Change {
  readonly kind: 'backend' | 'listener' | 'admin' | 'settings'
  readonly name: string
  readonly action: 'added' | 'removed' | 'updated' | 'replaced'
}

export interface ReloadReport {
  readonly outcome: 'applied' | 'unchanged' | 'refused'
  readonly changes: readonly Change[]
  /** What does not work yet, but did not stand in the way. */
  readonly warnings: readonly string[]
  /** Why it was refused. */
  readonly errors: readonly string[]
}

export interface PrepareOptions {
  /** Takes a changed backend even if its probe fails. */
  readonly force: boolean
  readonly probeTimeoutMs: number
}

/** What commit() leaves in service: the next generation, or the old one with the reasons. */
export interface Committed {
  readonly generation: Generation
  readonly problems: readonly string[]
  /** Lets go of what is no longer in service, within graceMs each for listeners and backends. Never rejects. */
  retire(graceMs: number): Promise<void>
}

/** A next generation whose parts stand ready beside the current one. */
export interface Prepared {
  readonly changes: readonly Change[]
  readonly warnings: readonly string[]
  /** Puts it in service. From the call until the first wait nothing else runs, so no request sees half of it. */
  commit(graceMs: number): Promise<Committed>
  /** Throws it away; the current generation stays as it is. */
  abandon(): Promise<void>
}

/** Builds, probes and binds what is new. Rejects with a StartError, and then nothing has changed. */
export async function prepare(
  factory: Factory,
  current: Generation,
  config: AppConfig,
  options: PrepareOptions,
): Promise<Prepared> {
  const { backends, fresh, warnings } = await prepareBackends(factory, current, config, options)
  try {
    const swap = new Swap(factory, current, config, backends, fresh, warnings)
    await swap.bindEarly()
    return swap
  } catch (error) {
    await closeAll(fresh, 0)
    throw error
  }
}

async function prepareBackends(factory: Factory, current: Generation, config: AppConfig, options: PrepareOptions) {
  const backends = new Map<string, BackendUnit>()
  const fresh: BackendUnit[] = []
  try {
    for (const wanted of config.backends) {
      const old = current.backends.get(wanted.name)
      const kept = old && sameConfig(old.config, wanted) ? old : undefined
      const unit = kept ?? factory.backend(wanted, backends)
      backends.set(wanted.name, unit)
      if (!kept) fresh.push(unit)
    }
    await Promise.all(fresh.map(unit => unit.backend.start()))
    const reports = await Promise.all(fresh.map(unit => unit.backend.probe(options.probeTimeoutMs)))
    const failures = fresh.flatMap((unit, i) =>
      reports[i]!.ok ? [] : [{ unit, text: probeFailure(unit, reports[i]!) }],
    )
    // A backend that is new may come up later, as at a start; one that worked must not be swapped for one that does not.
    const errors = failures.filter(({ unit }) => current.backends.has(unit.config.name) && !options.force)
    if (errors.length > 0) throw new StartError(errors.map(({ text }) => text))
    return { backends, fresh, warnings: failures.map(({ text }) => text) }
  } catch (error) {
    await closeAll(fresh, 0)
    throw error
  }
}

function probeFailure(unit: BackendUnit, report: ProbeReport): string {
  const reasons = report.endpoints.flatMap(({ address, failure }) =>
    failure ? [`${address} failed to ${failure.stage}: ${failure.cause}; ${failure.next}`] : [],
  )
  return `backend ${unit.config.name}: ${reasons.join('; ') || 'the probe failed'}`
}

class Swap implements Prepared {
  readonly changes: Change[] = []
  readonly warnings: readonly string[]
  readonly #factory: Factory
  readonly #current: Generation
  readonly #config: AppConfig
  readonly #backends: ReadonlyMap<string, BackendUnit>
  readonly #fresh: readonly BackendUnit[]
  readonly #listeners = new Map<string, ListenerUnit>()
  /** New listeners whose address is free already. */
  readonly #early: ListenerUnit[] = []
  /** Listeners whose address another one holds until the swap. */
  readonly #late: ListenerConfig[] = []
  /** Listeners that are asked to take a change as they are. */
  readonly #updating: { readonly old: ListenerUnit; readonly config: ListenerConfig }[] = []
  readonly #leaving = new Set<ListenerUnit>()
  readonly #drains = new Map<ListenerUnit, Promise<void>>()

  constructor(
    factory: Factory,
    current: Generation,
    config: AppConfig,
    backends: ReadonlyMap<string, BackendUnit>,
    fresh: readonly BackendUnit[],
    warnings: readonly string[],
  ) {
    this.#factory = factory
    this.#current = current
    this.#config = config
    this.#backends = backends
    this.#fresh = fresh
    this.warnings = warnings
    this.#planBackends()
    this.#planListeners()
  }

  #planBackends(): void {
    const before = this.#current.backends
    for (const { config } of this.#fresh) {
      this.changes.push({ kind: 'backend', name: config.name, action: before.has(config.name) ? 'replaced' : 'added' })
    }
    for (const name of before.keys()) {
      if (!this.#backends.has(name)) this.changes.push({ kind: 'backend', name, action: 'removed' })
    }
  }

  #planListeners(): void {
    const wanted = new Map(this.#config.listeners.map(config => [config.name, config]))
    for (const [name, old] of this.#current.listeners) {
      const config = wanted.get(name)
      if (!config) this.changes.push({ kind: 'listener', name, action: 'removed' })
      if (!config || mustReplace(old.config, config)) this.#leaving.add(old)
    }
    for (const [name, config] of wanted) {
      const old = this.#current.listeners.get(name)
      if (!old || this.#leaving.has(old)) {
        this.changes.push({ kind: 'listener', name, action: old ? 'replaced' : 'added' })
        this.#planNew(config)
      } else if (sameConfig(old.config, config) && !this.#backendMoved(config)) {
        this.#listeners.set(name, old)
      } else {
        this.#updating.push({ old, config })
      }
    }
  }

  #planNew(config: ListenerConfig): void {
    const held = [...this.#current.listeners.values()].some(unit => collide(unit.config, config))
    if (held) this.#late.push(config)
    else this.#early.push(this.#factory.listener(config, this.#backends))
  }

  #backendMoved({ backend }: ListenerConfig): boolean {
    return backend !== undefined && this.#current.backends.get(backend) !== this.#backends.get(backend)
  }

  bindEarly(): Promise<void> {
    return bindAll(this.#early)
  }

  async abandon(): Promise<void> {
    await Promise.allSettled(this.#early.map(unit => unit.listener.drain(0)))
    await closeAll(this.#fresh, 0)
  }

  async commit(graceMs: number): Promise<Committed> {
    this.#look(this.#backends)
    const updated: ListenerUnit[] = []
    try {
      for (const { old, config } of this.#updating) this.#update(old, config, updated)
      for (const unit of this.#early) this.#listeners.set(unit.config.name, unit)
      await this.#bindLate(graceMs)
    } catch (error) {
      return this.#rollBack(updated, error)
    }
    const generation = { config: this.#config, backends: this.#backends, listeners: this.#listeners }
    return { generation, problems: [], retire: grace => this.#retire(grace) }
  }

  /** Points what stays in service to these backends. */
  #look(backends: ReadonlyMap<string, BackendUnit>): void {
    for (const unit of this.#current.listeners.values()) if (!this.#leaving.has(unit)) unit.view.backends = backends
    for (const unit of this.#current.backends.values()) {
      if (this.#backends.get(unit.config.name) === unit) unit.view.backends = backends
    }
  }

  #update(old: ListenerUnit, config: ListenerConfig, updated: ListenerUnit[]): void {
    const { name } = config
    if (old.listener.update(config)) {
      updated.push(old)
      this.#listeners.set(name, { ...old, config })
      this.changes.push({ kind: 'listener', name, action: 'updated' })
      return
    }
    old.view.backends = this.#current.backends
    this.#leaving.add(old)
    this.#late.push(config)
    this.changes.push({ kind: 'listener', name, action: 'replaced' })
  }

  /** drain() gives the address up before its first wait, so the new listener can have it at once. */
  async #bindLate(graceMs: number): Promise<void> {
    if (this.#late.length === 0) return
    for (const unit of this.#leaving) {
      if (this.#late.some(config => collide(unit.config, config))) this.#drain(unit, graceMs)
    }
    const units = this.#late.map(config => this.#factory.listener(config, this.#backends))
    await bindAll(units)
    for (const unit of units) this.#listeners.set(unit.config.name, unit)
  }

  /** Everything as it was; a listener that has given up its address already is built anew. */
  async #rollBack(updated: readonly ListenerUnit[], error: unknown): Promise<Committed> {
    const problems = [...problemsOf(error)]
    this.#look(this.#current.backends)
    for (const unit of updated) unit.listener.update(unit.config)
    const listeners = new Map(this.#current.listeners)
    for (const { config } of this.#drains.keys()) {
      try {
        const again = this.#factory.listener(config, this.#current.backends)
        await bindAll([again])
        listeners.set(config.name, again)
      } catch (lost) {
        listeners.delete(config.name)
        problems.push(...problemsOf(lost).map(problem => `could not be restored: ${problem}`))
      }
    }
    await this.abandon()
    const drained = Promise.allSettled(this.#drains.values()).then(() => {})
    return { generation: { ...this.#current, listeners }, problems, retire: () => drained }
  }

  /** Backends go last: a listener that is being drained still needs the ones it has worked with. */
  async #retire(graceMs: number): Promise<void> {
    await Promise.allSettled([...this.#leaving].map(unit => this.#drain(unit, graceMs)))
    const old = [...this.#current.backends.values()].filter(unit => this.#backends.get(unit.config.name) !== unit)
    await closeAll(old, graceMs)
  }

  #drain(unit: ListenerUnit, graceMs: number): Promise<void> {
    let drain = this.#drains.get(unit)
    if (!drain) this.#drains.set(unit, (drain = unit.listener.drain(graceMs)))
    return drain
  }
}

/** Closes backends, also those that fail to. */
export async function closeAll(units: Iterable<BackendUnit>, graceMs: number): Promise<void> {
  await Promise.allSettled([...units].map(unit => unit.backend.close(graceMs)))
}

function mustReplace(old: ListenerConfig, config: ListenerConfig): boolean {
  return old.protocol !== config.protocol || !isDeepStrictEqual(old.address, config.address)
}

/** True when the two cannot be bound at the same time, as far as their addresses tell. */
function collide({ address: a }: ListenerConfig, { address: b }: ListenerConfig): boolean {
  if ('path' in a || 'path' in b) return formatAddress(a) === formatAddress(b)
  if (a.port !== b.port || a.port === 0) return false
  return a.host === b.host || isWildcard(a.host) || isWildcard(b.host)
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
