/** Dapr's configuration: get, subscribe and unsubscribe, each under its Alpha1 name too. */
import { randomUUID } from 'node:crypto'
import type { ConfigurationItem, ItemKey, Selection } from '../../../src/apis/index.ts'
import { allowMetadata } from '../allow-metadata.ts'
import type { Method, Outgoing } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'
import { storeOf } from './stores.ts'

interface Request {
  readonly store_name: string
  readonly keys: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
}

interface UnsubscribeRequest {
  readonly store_name: string
  readonly id: string
}

export function configurationMethods({ services }: ServiceContext): Readonly<Record<string, Method>> {
  /** By id: what ends a subscription. */
  const subscriptions = new Map<string, () => void>()

  async function get({ store_name, keys, metadata }: Request) {
    storeOf(services, 'configuration', store_name)
    allowMetadata(metadata)
    const { items } = await services.configuration.get(store_name, selectionOf(keys))
    return { items: itemsOf(items) }
  }

  async function subscribe({ store_name, keys, metadata }: Request, out: Outgoing): Promise<void> {
    storeOf(services, 'configuration', store_name)
    allowMetadata(metadata)
    const id = randomUUID()
    const [, end] = await services.configuration.watch(store_name, selectionOf(keys), {
      onChange: (items, gone) => out.write({ id, items: { ...itemsOf(items), ...goneOf(gone) } }),
      onStale: () => {},
      onEnd: error => out.fail(error),
    })
    if (out.signal.aborted) return end()
    const stop = () => {
      subscriptions.delete(id)
      end()
    }
    out.signal.addEventListener('abort', stop, { once: true })
    subscriptions.set(id, () => {
      stop()
      out.end()
    })
    // Clients wait for the id; what changes from here on is told.
    out.write({ id })
  }

  function unsubscribe({ store_name, id }: UnsubscribeRequest) {
    storeOf(services, 'configuration', store_name)
    const stop = subscriptions.get(id)
    if (!stop) return { ok: false, message: `subscription ${id} does not exist` }
    stop()
    return { ok: true }
  }

  return {
    GetConfiguration: get,
    GetConfigurationAlpha1: get,
    SubscribeConfiguration: subscribe,
    SubscribeConfigurationAlpha1: subscribe,
    UnsubscribeConfiguration: unsubscribe,
    UnsubscribeConfigurationAlpha1: unsubscribe,
  }
}

/** No keys are all keys. */
function selectionOf(keys: readonly string[]): Selection {
  return keys.length > 0 ? { group: '', label: '', keys } : { group: '', label: '', prefix: '' }
}

function itemsOf(items: readonly ConfigurationItem[]): Record<string, object> {
  return Object.fromEntries(items.map(({ key, value, version, metadata }) => [key, { value, version, metadata }]))
}

/** Dapr has no words for what is gone: its Redis store tells an item without value and version. */
function goneOf(gone: readonly ItemKey[]): Record<string, object> {
  return Object.fromEntries(gone.map(({ key }) => [key, {}]))
}
