/** What is in service, for whoever tells an application of it. */
import type { Generation } from './generation.ts'
import type { Inventory } from './protocol.ts'

export function inventoryOf({ components, listeners, backends }: Generation): Inventory {
  return {
    components: [...components.values()].map(({ component }) => component),
    listeners: [...listeners.values()].map(({ config: { name, protocol, backend = '' }, listener }) => ({
      name,
      protocol,
      address: listener.address,
      backend,
      features: backends.get(backend)?.backend.features?.().features ?? [],
    })),
  }
}
