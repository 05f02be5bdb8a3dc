/** `portolan.v1.Discovery`: what is there, and whether it is what an application needs. */
import { API_NAMES, ApiError, FEATURES } from '../../../src/apis/index.ts'
import { isMet, type Match, type Requirement } from '../../../src/features/index.ts'
import type { Method } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'

export function discoveryMethods({ runtime, plugins }: ServiceContext): Readonly<Record<string, Method>> {
  return {
    Discover({ api }: { readonly api: string }) {
      const { components, listeners } = runtime.inventory()
      const isWanted = (name: string) => api === '' || api === name
      return {
        apis: API_NAMES.filter(isWanted).map(name => ({
          name,
          features: Object.entries(FEATURES[name]).map(([id, meaning]) => ({ id, meaning })),
        })),
        components: components
          .filter(component => isWanted(component.api))
          .map(component => ({
            name: component.name,
            api: component.api,
            type: component.kind.type,
            state: component.status().state,
            features: component.features,
            lacks: component.lacks,
          })),
        listeners: listeners.filter(({ protocol }) => isWanted(protocol)),
        plugins: plugins.map(({ summary }) => summary).filter(({ service }) => isWanted(service)),
      }
    },

    Negotiate({ requires }: { readonly requires: readonly Requirement[] }) {
      for (const { name, api } of requires)
        if (name === '' || api === '') throw new ApiError('invalid-argument', 'a requirement needs a name and an api')
      const matches = runtime.match(requires)
      return { satisfied: matches.every(isMet), matches: matches.map(toMessage) }
    },
  }
}

function toMessage({ requirement, offer, missingMust, missingPrefer, reason }: Match): object {
  return {
    name: requirement.name,
    bound_to: offer?.name ?? '',
    missing_must: missingMust,
    missing_prefer: missingPrefer,
    reason,
  }
}
