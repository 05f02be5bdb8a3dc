/** Layotto's sequencer. */

import { allowMetadata } from '../allow-metadata.ts'
import { storeOf } from '../dapr/index.ts'
import type { Method } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'

interface Request {
  readonly store_name: string
  readonly key: string
  readonly options: { readonly increment: number } | null
  readonly metadata: Readonly<Record<string, string>>
}

const STRONG = 1

export function sequencerMethods({ services }: ServiceContext): Readonly<Record<string, Method>> {
  return {
    GetNextId({ store_name, key, options, metadata }: Request) {
      storeOf(services, 'sequencer', store_name)
      allowMetadata(metadata)
      const next = services.sequencer.next(store_name, key, options?.increment === STRONG ? 'strong' : 'weak')
      return next instanceof Promise ? next.then(answer) : answer(next)
    },
  }
}

function answer(next: bigint): object {
  return { next_id: String(next) }
}
