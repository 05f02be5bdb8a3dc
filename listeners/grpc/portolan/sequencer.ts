/** `portolan.v1.Sequencer`. */
import type { Method } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'

interface Request {
  readonly component: string
  readonly key: string
  readonly order: number
  readonly count: number
}

const STRONG = 1

export function sequencerMethods({ services }: ServiceContext): Readonly<Record<string, Method>> {
  return {
    Next({ component, key, order, count }: Request) {
      const first = services.sequencer.next(component, key, order === STRONG ? 'strong' : 'weak', count || 1)
      return first instanceof Promise ? first.then(answer) : answer(first)
    },
  }
}

function answer(first: bigint): object {
  return { first: String(first) }
}
