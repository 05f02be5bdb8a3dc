/** The swap of one generation for the next: which parts stay, take a change, come or leave, and the way back. */
import { isDeepStrictEqual } from 'node:util'
import { type AppConfig, collide, type ListenerConfig, sameConfig } from './config/index.ts'
import {
  type BackendUnit,
  bindAll,
  type Factory,
  type Generation,
  type ListenerUnit,
  problemsOf,
} from './generation.ts'
import type { Change } from './reload-report.ts'
import { closeAll, type Leaving } from './retire.ts'

/** What commit() leaves in service: the next generation, or the old one with the reasons. */
export interface Committed {
  readonly generation: Generation
  readonly problems: readonly string[]
  /** What is no longer in service. */
  readonly leaving: Leaving
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

export class Swap implements Prepared {
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
  /** Listeners that have given up their address already. */
  readonly #drained = new Set<ListenerUnit>()

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
    const held = [...this.#current.listeners.values()].some(unit => collide(unit.config.address, config.address))
    if (held) this.#late.push(config)
    else this.#early.push(this.#factory.listener(config, this.#backends))
  }

  #backendMoved({ backend, otherBackends = [] }: ListenerConfig): boolean {
    const named = backend === undefined ? otherBackends : [backend, ...otherBackends]
    return named.some(name => this.#current.backends.get(name) !== this.#backends.get(name))
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
    // Backends go last: a listener that is being drained still needs the ones it has worked with.
    const backends = [...this.#current.backends.values()].filter(unit => this.#backends.get(unit.config.name) !== unit)
    return { generation, problems: [], leaving: { listeners: [...this.#leaving], backends } }
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
      if (!this.#late.some(config => collide(unit.config.address, config.address))) continue
      void unit.listener.drain(graceMs)
      this.#drained.add(unit)
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
    for (const { config } of this.#drained) {
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
    const leaving = { listeners: [...this.#drained], backends: [] }
    return { generation: { ...this.#current, listeners }, problems, leaving }
  }
}

function mustReplace(old: ListenerConfig, config: ListenerConfig): boolean {
  return old.protocol !== config.protocol || !isDeepStrictEqual(old.address, config.address)
}
