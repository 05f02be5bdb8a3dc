/** What a generation has to offer: its components, and its listeners with what their backends can do. */
import type { ComponentUnit, Generation } from '../generation.ts'
import type { Offer } from './negotiate.ts'

export function offersOf({
  config,
  components,
  backends,
}: Pick<Generation, 'config' | 'components' | 'backends'>): Offer[] {
  const served = config.listeners.flatMap(({ name, protocol, backend }): Offer[] => {
    const unit = backend === undefined ? undefined : backends.get(backend)
    if (!unit?.backend.features) return []
    const { features, isProbed } = unit.backend.features()
    return [{ name, api: protocol, type: `backend ${backend}`, features: new Set(features), lacks: {}, isProbed }]
  })
  return [...componentOffers(components.values()), ...served]
}

export function componentOffers(units: Iterable<ComponentUnit>): Offer[] {
  return [...units].map(({ component }) => ({
    name: component.name,
    api: component.api,
    type: component.kind.type,
    features: new Set(component.features),
    lacks: component.lacks,
    isProbed: component.status().state === 'up',
  }))
}
