/**
 * One generation of the running configuration: its backends, components and listeners. A generation never changes; a reload makes
 * the next one, which shares what stays the same.
 */
import { Component } from './component.ts'
import type { AppConfig, BackendConfig, ComponentConfig, ListenerConfig, Registry } from './config/index.ts'
import { ProxyError } from './errors.ts'
import type { Logger } from './observability/logger.ts'
import type { Metrics } from './observability/metrics.ts'
import type { Backend, Clock, Inventory, Listener, Runtime } from './protocol.ts'

export interface Generation {
  readonly config: AppConfig
  readonly backends: ReadonlyMap<string, BackendUnit>
  readonly components: ReadonlyMap<string, ComponentUnit>
  readonly listeners: ReadonlyMap<string, ListenerUnit>
  /** Names by which the application calls components that bear others. */
  readonly bindings: ReadonlyMap<string, string>
}

export interface BackendUnit {
  readonly config: BackendConfig
  readonly backend: Backend
  readonly view: View
}

export interface ComponentUnit {
  readonly config: ComponentConfig
  readonly component: Component
  readonly view: View
}

export interface ListenerUnit {
  readonly config: ListenerConfig
  readonly listener: Listener
  readonly view: View
}

/** The backends and components as one unit sees them. A unit that is being retired keeps the ones it has worked with. */
export interface View {
  backends: ReadonlyMap<string, BackendUnit>
  components: ReadonlyMap<string, ComponentUnit>
  bindings: ReadonlyMap<string, string>
}

const NOTHING: Inventory = { components: [], listeners: [] }

/** The components as backends see them. */
const NO_COMPONENTS: Pick<View, 'components' | 'bindings'> = { components: new Map(), bindings: new Map() }

export interface Parts extends Registry, Partial<Pick<Runtime, 'inventory' | 'match'>> {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly clock: Clock
}

/** Something could not be built or bound; each problem is a sentence for the user. */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** Makes backends, components and listeners out of their configuration. */
export class Factory {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Builds all of a configuration, not started yet; throws one StartError with all problems. */
  generation(config: AppConfig): Generation {
    const problems: string[] = []
    const attempt = (build: () => void) => {
      try {
        build()
      } catch (error) {
        problems.push(...problemsOf(error))
      }
    }
    const backends = new Map<string, BackendUnit>()
    const components = new Map<string, ComponentUnit>()
    const listeners = new Map<string, ListenerUnit>()
    for (const each of config.backends) attempt(() => backends.set(each.name, this.backend(each, backends)))
    // What keeps its backend from being built has been said.
    const lacks = (backend: string | undefined) =>
      config.backends.some(({ name }) => name === backend && !backends.has(name))
    for (const each of config.components) {
      if (!lacks(each.backend)) attempt(() => components.set(each.name, this.component(each, backends)))
    }
    for (const each of config.listeners) {
      if (!lacks(each.backend)) attempt(() => listeners.set(each.name, this.listener(each, backends, components)))
    }
    if (problems.length > 0) throw new StartError(problems)
    return { config, backends, components, listeners, bindings: new Map() }
  }

  /** Builds a backend, not started yet; throws a StartError. */
  backend(config: BackendConfig, backends: ReadonlyMap<string, BackendUnit>): BackendUnit {
    const view: View = { backends, ...NO_COMPONENTS }
    return named(`backend ${config.name}`, () => {
      const kind = found(
        this.#parts.backendKinds,
        each => each.protocol === config.protocol,
        `there are no backends of protocol ${config.protocol}`,
      )
      return { config, view, backend: kind.build(config, this.#runtime(view, { backend: config.name })) }
    })
  }

  /** Builds a component, not started yet; throws a StartError. */
  component(config: ComponentConfig, backends: ReadonlyMap<string, BackendUnit>): ComponentUnit {
    const view: View = { backends, ...NO_COMPONENTS }
    return named(`component ${config.name}`, () => {
      const kind = found(
        this.#parts.componentKinds,
        ({ api, type }) => api === config.api && type === config.type,
        `there are no ${config.api} components of type ${config.type}`,
      )
      return { config, view, component: new Component(kind, config, this.#runtime(view, { component: config.name })) }
    })
  }

  /** Builds a listener, not bound yet; throws a StartError. */
  listener(
    config: ListenerConfig,
    backends: ReadonlyMap<string, BackendUnit>,
    components: ReadonlyMap<string, ComponentUnit>,
  ): ListenerUnit {
    // Bound once the components have shown what they can do.
    const view: View = { backends, components, bindings: new Map() }
    return named(`listener ${config.name}`, () => {
      const protocol = found(
        this.#parts.protocols,
        each => each.name === config.protocol,
        `there are no listeners of protocol ${config.protocol}`,
      )
      return { config, view, listener: protocol.build(config, this.#runtime(view, { listener: config.name })) }
    })
  }

  /** What a configuration can name. */
  get registry(): Registry {
    return this.#parts
  }

  /** Whether listeners of that protocol serve the components. */
  usesComponents(protocol: string): boolean {
    return this.#parts.protocols.some(each => each.name === protocol && each.usesComponents === true)
  }

  #runtime(view: View, fields: Readonly<Record<string, string>>): Runtime {
    const { componentKinds, metrics, logger, clock } = this.#parts
    return {
      componentKinds,
      metrics,
      clock,
      logger: logger.child(fields),
      backend(name) {
        const unit = view.backends.get(name)
        if (!unit) throw new ProxyError('unknown-backend', `no backend is named ${name}`, { source: 'portolan' })
        return unit.backend
      },
      get components() {
        return view.components
      },
      get bindings() {
        return view.bindings
      },
      inventory: () => this.#parts.inventory?.() ?? NOTHING,
      match: requirements => this.#parts.match?.(requirements) ?? [],
    }
  }
}

/** Binds all of them, or none: when one fails all are closed. Rejects with a StartError. */
export async function bindAll(units: readonly ListenerUnit[]): Promise<void> {
  const results = await Promise.allSettled(units.map(unit => unit.listener.start()))
  const problems = results.flatMap((result, i) => {
    const { name } = units[i]!.config
    return result.status === 'rejected'
      ? [bindProblem(`listener ${name}`, `listeners.${name}.address`, result.reason)]
      : []
  })
  if (problems.length === 0) return
  await Promise.all(units.map(unit => unit.listener.drain(0)))
  throw new StartError(problems)
}

/** What could not listen, why, and which setting to change; the listener's own error says what to do about it. */
export function bindProblem(what: string, setting: string, error: unknown): string {
  const reason = messageOf(error).replace(/^listener \S+: /, '')
  const isAddress = error instanceof ProxyError && error.code.startsWith('listen-')
  return isAddress ? `${what}: ${reason} (${setting} in the configuration)` : `${what}: ${reason}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Every problem of an error as a sentence of its own. */
export function problemsOf(error: unknown): readonly string[] {
  return error instanceof StartError ? error.problems : [messageOf(error)]
}

function named<T>(what: string, build: () => T): T {
  try {
    return build()
  } catch (error) {
    throw new StartError([`${what}: ${messageOf(error)}`])
  }
}

function found<T>(all: readonly T[], is: (one: T) => boolean, otherwise: string): T {
  const one = all.find(is)
  if (!one) throw new Error(otherwise)
  return one
}
