/** Dapr's secrets. */

import { allowMetadata } from '../allow-metadata.ts'
import type { Method } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'
import { storeOf } from './stores.ts'

interface Request {
  readonly store_name: string
  readonly key: string
  readonly metadata: Readonly<Record<string, string>>
}

export function secretMethods({ services }: ServiceContext): Readonly<Record<string, Method>> {
  return {
    async GetSecret({ store_name, key, metadata }: Request) {
      storeOf(services, 'secrets', store_name)
      // Dapr's own name of it, in the stores that have versions.
      allowMetadata(metadata, ['version_id'])
      const { values } = await services.secrets.get(store_name, key, metadata['version_id'] ?? '')
      return { data: values }
    },

    async GetBulkSecret({ store_name, metadata }: Request) {
      storeOf(services, 'secrets', store_name)
      allowMetadata(metadata)
      const all = await services.secrets.list(store_name)
      return { data: Object.fromEntries(all.map(({ name, values }) => [name, { secrets: values }])) }
    },
  }
}
