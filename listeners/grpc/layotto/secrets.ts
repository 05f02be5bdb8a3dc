/** Layotto's secrets. */

import { allowMetadata } from '../allow-metadata.ts'
import { storeOf } from '../dapr/index.ts'
import type { Method } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'

interface Request {
  readonly store_name: string
  readonly key: string
  readonly metadata: Readonly<Record<string, string>>
}

export function secretMethods({ services }: ServiceContext): Readonly<Record<string, Method>> {
  return {
    async GetSecret({ store_name, key, metadata }: Request) {
      storeOf(services, 'secrets', store_name)
      allowMetadata(metadata)
      return { data: (await services.secrets.get(store_name, key)).values }
    },
    async GetBulkSecret({ store_name, metadata }: Request) {
      storeOf(services, 'secrets', store_name)
      allowMetadata(metadata)
      const all = await services.secrets.list(store_name)
      return { data: Object.fromEntries(all.map(({ name, values }) => [name, { secrets: values }])) }
    },
  }
}
