/** The swap of one generation for the next: which parts stay, take a change, come or leave, and the way back. */
import { isDeepStrictEqual } from 'node:util'
import { type AppConfig, collide, type ListenerConfig, sameConfig } from './config/index.ts'
import {
  type BackendUnit,
  bindAll,
  type ComponentUnit,
  type Factory,
  type Generation,
  type ListenerUnit,
  problemsOf,
} from './generation.ts'
import type { Change } from './reload-report.ts'
import { closeAll, closeComponents, type Leaving } from './retire.ts'

/** The backends and components of the next generation, the new ones among them ready. */
export interface Upstream {
  readonly backends: ReadonlyMap<string, BackendUnit>
  readonly freshBackends: readonly BackendUnit[]
  readonly components: ReadonlyMap<string, ComponentUnit>
  readonly freshComponents: readonly ComponentUnit[]
  readonly bindings: ReadonlyMap<string, string>
  /** What does not work yet. */
  readonly warnings: readonly string[]
}

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
  readonly #upstream: Upstream
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

  constructor(factory: Factory, current: Generation, config: AppConfig, upstream: Upstream) {
    this.#factory = factory
    this.#current = current
    this.#config = config
    this.#upstream = upstream
    this.warnings = upstream.warnings
    const { backends, freshBackends, components, freshComponents } = upstream
    this.#planUpstream('backend', current.backends, backends, freshBackends)
    this.#planUpstream('component', current.components, components, freshComponents)
    this.#planListeners()
  }

  #planUpstream(
    kind: 'backend' | 'component',
    before: ReadonlyMap<string, unknown>,
    after: ReadonlyMap<string, unknown>,
    fresh: readonly { readonly config: { readonly name: string } }[],
  ): void {
    for (const { config } of fresh) {
      this.changes.push({ kind, name: config.name, action: before.has(config.name) ? 'replaced' : 'added' })
    }
    for (const name of before.keys()) {
      if (!after.has(name)) this.changes.push({ kind, name, action: 'removed' })
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
      } else if (sameConfig(old.config, config) && !this.#backendMoved(config) && !this.#componentsMoved(config)) {
        this.#listeners.set(name, old)
      } else {
        this.#updating.push({ old, config })
      }
    }
  }

  #planNew(config: ListenerConfig): void {
    const held = [...this.#current.listeners.values()].some(unit => collide(unit.config.address, config.address))
    if (held) this.#late.push(config)
    else this.#early.push(this.#listener(config))
  }

  #backendMoved({ backend, otherBackends = [] }: ListenerConfig): boolean {
    const named = backend === undefined ? otherBackends : [backend, ...otherBackends]
    return named.some(name => this.#current.backends.get(name) !== this.#upstream.backends.get(name))
  }

  #componentsMoved({ protocol }: ListenerConfig): boolean {
    const { components, freshComponents, bindings } = this.#upstream
    const moved =
      freshComponents.length > 0 ||
      components.size !== this.#current.components.size ||
      !isDeepStrictEqual(bindings, this.#current.bindings)
    return moved && this.#factory.usesComponents(protocol)
  }

  #listener(config: ListenerConfig): ListenerUnit {
    return this.#factory.listener(config, this.#upstream.backends, this.#upstream.components)
  }

  bindEarly(): Promise<void> {
    return bindAll(this.#early)
  }

  async abandon(): Promise<void> {
    await Promise.allSettled(this.#early.map(unit => unit.listener.drain(0)))
    await closeComponents(this.#upstream.freshComponents, 0)
    await closeAll(this.#upstream.freshBackends, 0)
  }

  async commit(graceMs: number): Promise<Committed> {
    this.#look(this.#upstream)
    const updated: ListenerUnit[] = []
    try {
      for (const { old, config } of this.#updating) this.#update(old, config, updated)
      for (const unit of this.#early) this.#listeners.set(unit.config.name, unit)
      await this.#bindLate(graceMs)
    } catch (error) {
      return this.#rollBack(updated, error)
    }
    const { backends, components, bindings } = this.#upstream
    for (const { view } of this.#listeners.values()) view.bindings = bindings
    const generation = { config: this.#config, backends, components, listeners: this.#listeners, bindings }
    // These go last: a listener that is being drained still needs the ones it has worked with.
    const leaving = {
      listeners: [...this.#leaving],
      components: replaced(this.#current.components, components),
      backends: replaced(this.#current.backends, backends),
    }
    return { generation, problems: [], leaving }
  }

  /** Points what stays in service to these backends and components. */
  #look({ backends, components, bindings }: Pick<Upstream, 'backends' | 'components' | 'bindings'>): void {
    for (const unit of this.#current.listeners.values()) {
      if (!this.#leaving.has(unit)) Object.assign(unit.view, { backends, components, bindings })
    }
    for (const unit of this.#current.backends.values()) {
      if (this.#upstream.backends.get(unit.config.name) === unit) unit.view.backends = backends
    }
    for (const unit of this.#current.components.values()) {
      if (this.#upstream.components.get(unit.config.name) === unit) unit.view.backends = backends
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
    const { backends, components, bindings } = this.#current
    Object.assign(old.view, { backends, components, bindings })
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
    const units = this.#late.map(config => this.#listener(config))
    await bindAll(units)
    for (const unit of units) this.#listeners.set(unit.config.name, unit)
  }

  /** Everything as it was; a listener that has given up its address already is built anew. */
  async #rollBack(updated: readonly ListenerUnit[], error: unknown): Promise<Committed> {
    const problems = [...problemsOf(error)]
    this.#look(this.#current)
    for (const unit of updated) unit.listener.update(unit.config)
    const listeners = new Map(this.#current.listeners)
    for (const { config } of this.#drained) {
      try {
        const again = this.#factory.listener(config, this.#current.backends, this.#current.components)
        await bindAll([again])
        listeners.set(config.name, again)
      } catch (lost) {
        listeners.delete(config.name)
        problems.push(...problemsOf(lost).map(problem => `could not be restored: ${problem}`))
      }
    }
    await this.abandon()
    const leaving = { listeners: [...this.#drained], components: [], backends: [] }
    return { generation: { ...this.#current, listeners }, problems, leaving }
  }
}

/** The units that are not in service any more. */
function replaced<Unit extends { readonly config: { readonly name: string } }>(
  before: ReadonlyMap<string, Unit>,
  after: ReadonlyMap<string, Unit>,
): Unit[] {
  return [...before.values()].filter(unit => after.get(unit.config.name) !== unit)
}

function mustReplace(old: ListenerConfig, config: ListenerConfig): boolean {
  return old.protocol !== config.protocol || !isDeepStrictEqual(old.address, config.address)
}
