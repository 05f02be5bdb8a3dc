/** Finds the component that a call names, and tells whether it can do what the call asks for. */
import { ApiError, type ApiName, FEATURES, type FeatureId } from '../apis/index.ts'
import type { Component } from '../component.ts'
import { nearest } from '../config/index.ts'
import { typesWith } from '../features/index.ts'
import type { Runtime } from '../protocol.ts'

export class Directory {
  readonly #runtime: Pick<Runtime, 'components' | 'bindings' | 'componentKinds'>

  constructor(runtime: Pick<Runtime, 'components' | 'bindings' | 'componentKinds'>) {
    this.#runtime = runtime
  }

  /** All components, as they are now. */
  get all(): readonly Component[] {
    return [...this.#runtime.components.values()].map(({ component }) => component)
  }

  /** Undefined when there is none of that name and API. */
  peek<Api extends ApiName>(api: Api, name: string): Component<Api> | undefined {
    const component = this.#named(name)
    return component?.api === api ? (component as unknown as Component<Api>) : undefined
  }

  /** Throws `not-found`, with the names that there are. */
  find<Api extends ApiName>(api: Api, name: string): Component<Api> {
    const component = this.peek(api, name)
    if (component) return component
    const names = this.all.filter(each => each.api === api).map(each => each.name)
    if (names.length === 0) throw new ApiError('not-found', `no ${api} component is configured`)
    const other = this.#named(name)
    const meant = nearest(name, names)
    const hint = other
      ? `${name} is a ${other.api} component`
      : meant
        ? `did you mean ${meant}?`
        : `there is no ${name || 'name given'}`
    throw new ApiError(
      'not-found',
      `no ${api} component is named ${JSON.stringify(name)}: ${hint}; configured: ${names.join(', ')}`,
    )
  }

  /** Throws `feature-missing` when the component lacks one of the features, and says who has it. */
  require(component: Component, ...features: readonly FeatureId[]): void {
    for (const feature of features) if (!component.has(feature)) throw this.#missing(component, feature)
  }

  /** The components that have a feature, and the types that would have it. */
  whoHas(feature: FeatureId): { readonly components: readonly string[]; readonly types: readonly string[] } {
    return {
      components: this.all.filter(each => each.has(feature)).map(({ name }) => name),
      types: typesWith(this.#runtime)(feature),
    }
  }

  /** A component's own name counts before one that it is bound to. */
  #named(name: string): Component | undefined {
    const { components, bindings } = this.#runtime
    return (components.get(name) ?? components.get(bindings.get(name) ?? ''))?.component
  }

  #missing(component: Component, feature: FeatureId): ApiError {
    const { name, api, kind } = component
    const { components, types } = this.whoHas(feature)
    const why = component.lacks[feature]
    const reason = why ? `because ${why}` : `as no ${api} of type ${kind.type} has it`
    const others = components.length > 0 ? `these components have it: ${components.join(', ')}` : undefined
    const possible = types.length > 0 ? `these types have it: ${types.join(', ')}` : 'no type has it'
    const meaning = FEATURES[api][feature]
    return new ApiError(
      'feature-missing',
      `component ${name} lacks ${feature} (${meaning}) ${reason}; ${others ?? possible}`,
      {
        feature,
        component: name,
        alternatives: { components, types },
      },
    )
  }
}
