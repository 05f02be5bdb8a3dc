/** What Dapr's clients ask at their start, and tell about themselves. */
import { ApiError } from '../../../src/apis/index.ts'
import { VERSION } from '../../../src/version.ts'
import type { Method } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'

/** Values that an application may keep here. */
const MAX_EXTENDED = 1_000

/** Dapr's names of the APIs, the first part of a component's type. */
const TYPES = {
  configuration: 'configuration',
  lock: 'lock',
  sequencer: 'sequencer',
  secrets: 'secretstores',
  pubsub: 'pubsub',
  invoke: 'invoke',
} as const

export function metadataMethods({ services, options }: ServiceContext): Readonly<Record<string, Method>> {
  const extended = new Map<string, string>()
  return {
    GetMetadata: () => ({
      id: options().appId,
      runtime_version: VERSION,
      extended_metadata: Object.fromEntries(extended),
      registered_components: services.directory.all.map(component => ({
        name: component.name,
        type: `${TYPES[component.api]}.${component.kind.type}`,
        version: 'v1',
        capabilities: component.features,
      })),
    }),

    SetMetadata({ key, value }: { readonly key: string; readonly value: string }) {
      if (!extended.has(key) && extended.size >= MAX_EXTENDED)
        throw new ApiError('exhausted', `${MAX_EXTENDED} values are kept already`)
      extended.set(key, value)
      return {}
    },
  }
}
