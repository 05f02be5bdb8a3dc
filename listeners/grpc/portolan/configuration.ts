/** `portolan.v1.Configuration`. */
import {
  ApiError,
  type ConfigurationItem,
  type ItemChange,
  type ItemKey,
  type Selection,
} from '../../../src/apis/index.ts'
import type { ConfigurationAnswer } from '../../../src/services/index.ts'
import type { Method, Outgoing } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'

interface SelectionMessage {
  readonly component: string
  readonly keys: readonly string[]
  readonly prefix: string
  readonly group: string
  readonly label: string
}

interface GetRequest {
  readonly selection: SelectionMessage | null
  readonly from_snapshot: boolean
}

interface ChangeMessage {
  readonly key: ItemKey | null
  readonly value: string
  readonly content_type: string
  readonly expected_version: string
}

interface HistoryRequest {
  readonly component: string
  readonly key: ItemKey | null
  readonly limit: number
}

const HISTORY_LIMIT = 100

export function configurationMethods({ services }: ServiceContext): Readonly<Record<string, Method>> {
  return {
    Get({ selection, from_snapshot }: GetRequest) {
      const [component, items] = selectionOf(selection)
      if (!from_snapshot) return services.configuration.get(component, items).then(toAnswer)
      const answer = services.configuration.getFromSnapshot(component, items)
      return answer instanceof Promise ? answer.then(toAnswer) : toAnswer(answer)
    },

    async Watch({ selection }: Pick<GetRequest, 'selection'>, out: Outgoing) {
      const [component, wanted] = selectionOf(selection)
      const [items, end] = await services.configuration.watch(component, wanted, {
        onChange: (changed, gone) => out.write({ items: changed.map(toItem), gone: gone.map(toKey) }),
        onStale: stale => out.write({ stale }),
        onEnd: error => out.fail(error),
      })
      if (out.signal.aborted) return end()
      out.signal.addEventListener('abort', end, { once: true })
      out.write({ items: items.map(toItem) })
    },

    async Write({ component, changes }: { readonly component: string; readonly changes: readonly ChangeMessage[] }) {
      return { versions: await services.configuration.write(component, changes.map(toChange)) }
    },

    async History({ component, key, limit }: HistoryRequest) {
      const items = await services.configuration.history(component, keyOf(key), limit > 0 ? limit : HISTORY_LIMIT)
      return { items: items.map(toItem) }
    },
  }
}

function selectionOf(selection: SelectionMessage | null): readonly [string, Selection] {
  if (!selection) throw new ApiError('invalid-argument', 'the selection is missing')
  const { component, keys, prefix, group, label } = selection
  if (keys.length > 0 && prefix !== '')
    throw new ApiError('invalid-argument', 'a selection has keys or a prefix, not both')
  return [component, keys.length > 0 ? { group, label, keys } : { group, label, prefix }]
}

function toAnswer({ items, stale }: ConfigurationAnswer): object {
  return { items: items.map(toItem), stale }
}

function toItem({ value, version, contentType, metadata, ...key }: ConfigurationItem): object {
  return { key: toKey(key), value, version, content_type: contentType, metadata }
}

function toKey({ key, group, label }: ItemKey): object {
  return { key, group, label }
}

function keyOf(key: ItemKey | null): ItemKey {
  if (!key || key.key === '') throw new ApiError('invalid-argument', 'the key is missing')
  return { key: key.key, group: key.group, label: key.label }
}

/** What was not sent is no value and no expectation; an empty text is both. */
function toChange(change: ChangeMessage): ItemChange {
  return {
    ...keyOf(change.key),
    ...(Object.hasOwn(change, 'value') && { value: change.value }),
    ...(change.content_type !== '' && { contentType: change.content_type }),
    ...(Object.hasOwn(change, 'expected_version') && { expected: change.expected_version }),
  }
}
