/** Layotto's configuration: get, save, delete and subscribe, with groups and labels. */
import type { ConfigurationItem, ItemKey, Selection } from '../../../src/apis/index.ts'
import { allowMetadata } from '../allow-metadata.ts'
import { storeOf } from '../dapr/index.ts'
import type { Incoming, Method, Outgoing } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'

interface Place {
  readonly store_name: string
  readonly app_id: string
  readonly group: string
  readonly label: string
  readonly keys: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
}

interface Item {
  readonly key: string
  readonly content: string
  readonly group: string
  readonly label: string
}

interface SaveRequest {
  readonly store_name: string
  readonly items: readonly Item[]
  readonly metadata: Readonly<Record<string, string>>
}

export function configurationMethods({ services }: ServiceContext): Readonly<Record<string, Method>> {
  return {
    async GetConfiguration({ store_name, metadata, ...place }: Place) {
      storeOf(services, 'configuration', store_name)
      allowMetadata(metadata)
      const { items } = await services.configuration.get(store_name, selectionOf(place))
      return { items: items.map(toItem) }
    },

    async SaveConfiguration({ store_name, items, metadata }: SaveRequest) {
      storeOf(services, 'configuration', store_name)
      allowMetadata(metadata)
      const changes = items.map(({ key, content, group, label }) => ({ key, group, label, value: content }))
      await services.configuration.write(store_name, changes)
      return {}
    },

    async DeleteConfiguration({ store_name, group, label, keys, metadata }: Place) {
      storeOf(services, 'configuration', store_name)
      allowMetadata(metadata)
      await services.configuration.write(
        store_name,
        keys.map(key => ({ key, group, label })),
      )
      return {}
    },

    /** Each message of the caller adds a subscription to the stream. */
    SubscribeConfiguration(incoming: Incoming<Place>, out: Outgoing) {
      const ends: (() => void)[] = []
      out.signal.addEventListener('abort', () => ends.splice(0).forEach(end => void end()), { once: true })
      incoming.onMessage(({ store_name, app_id, metadata, ...place }) => {
        storeOf(services, 'configuration', store_name)
        allowMetadata(metadata)
        const tell = (items: readonly object[]) => out.write({ store_name, app_id, items })
        services.configuration
          .watch(store_name, selectionOf(place), {
            // What is gone is told without content, as Layotto's stores do.
            onChange: (items, gone) => tell([...items.map(toItem), ...gone.map(toGone)]),
            onStale: () => {},
            onEnd: error => out.fail(error),
          })
          .then(
            ([, end]) => void (out.signal.aborted ? end() : ends.push(end)),
            error => out.fail(error),
          )
      })
      incoming.onEnd(() => {
        for (const end of ends.splice(0)) end()
        out.end()
      })
    },
  }
}

/** No keys are all keys. */
function selectionOf({ group, label, keys }: Pick<Place, 'group' | 'label' | 'keys'>): Selection {
  return keys.length > 0 ? { group, label, keys } : { group, label, prefix: '' }
}

function toItem({ key, value, group, label, metadata }: ConfigurationItem): object {
  return { key, content: value, group, label, metadata }
}

function toGone({ key, group, label }: ItemKey): object {
  return { key, group, label }
}
