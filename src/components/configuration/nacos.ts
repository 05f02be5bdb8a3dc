/**
 * Configuration in Nacos, by its open HTTP API with long polling. The npm package `nacos` speaks the same for
 * configuration, beside naming, snapshots in the home folder and a request library of its own, none of which serves here.
 */
import type {
  ConfigurationItem,
  ConfigurationObserver,
  ConfigurationStore,
  ConfigurationWatch,
  ItemChange,
  Selection,
  StoreFacts,
} from '../../apis/index.ts'
import { ApiError } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import type { Clock } from '../../protocol.ts'
import { HttpClient } from '../clients/http/index.ts'
import { md5Of, NacosClient, type NacosItem, type NacosOptions, nacosOptions } from '../clients/nacos/index.ts'
import { follow } from './nacos-watch.ts'

export const nacosConfiguration: ComponentKind<'configuration'> = {
  api: 'configuration',
  type: 'nacos',
  features: [
    'configuration.get',
    'configuration.list',
    'configuration.prefix',
    'configuration.subscribe',
    'configuration.delete-event',
    'configuration.write',
    'configuration.delete',
    'configuration.group',
  ],
  options: nacosOptions,
  async open(config, { logger, clock }) {
    const { address, tls, requestTimeout, listEvery, ...rest } = config as NacosOptions
    const http = new HttpClient('Nacos', address, tls, logger)
    return new NacosConfigurationStore(
      new NacosClient({ http, clock, timeoutMs: requestTimeout, ...rest }),
      listEvery,
      clock,
    )
  },
}

const DEFAULT_GROUP = 'DEFAULT_GROUP'
/** What Nacos takes as the id of an item. */
const KEY = /^[\w.:-]{1,255}$/

class NacosConfigurationStore implements ConfigurationStore {
  readonly #client: NacosClient
  readonly #listEveryMs: number
  readonly #clock: Clock
  readonly #watches = new Set<() => void>()

  constructor(client: NacosClient, listEveryMs: number, clock: Clock) {
    this.#client = client
    this.#listEveryMs = listEveryMs
    this.#clock = clock
  }

  async get(selection: Selection): Promise<readonly ConfigurationItem[]> {
    return (await this.#read(selection)).map(item => itemOf(item, selection))
  }

  watch(selection: Selection, observer: ConfigurationObserver): ConfigurationWatch {
    const { keys, group } = selection
    const end = follow(
      this.#client,
      {
        group: group || DEFAULT_GROUP,
        keys: keys?.filter(key => KEY.test(key)) ?? [],
        listEveryMs: keys ? undefined : this.#listEveryMs,
        read: () => this.#read(selection),
        onItems: items => observer.onItems(items.map(item => itemOf(item, selection))),
        onOutage: error => observer.onOutage(error),
      },
      this.#clock,
    )
    this.#watches.add(end)
    return {
      close: () => {
        this.#watches.delete(end)
        end()
      },
    }
  }

  /** One after another: Nacos has no transactions. */
  async write(changes: readonly ItemChange[]): Promise<readonly string[]> {
    for (const change of changes) checkChange(change)
    const versions: string[] = []
    for (const { key, group, value } of changes) {
      const place = { dataId: key, group: group || DEFAULT_GROUP }
      if (value === undefined) await this.#client.remove(place)
      else await this.#client.publish({ ...place, content: value })
      versions.push(value === undefined ? '' : md5Of(value))
    }
    return versions
  }

  async check(timeoutMs: number): Promise<StoreFacts> {
    const version = await this.#client.check(timeoutMs)
    return version ? { version: `Nacos ${version}` } : {}
  }

  async close(): Promise<void> {
    for (const end of this.#watches) end()
    this.#watches.clear()
    this.#client.close()
  }

  async #read({ keys, prefix, group, label }: Selection): Promise<readonly NacosItem[]> {
    if (label !== '') return []
    const place = group || DEFAULT_GROUP
    if (keys === undefined) return this.#client.list(place, prefix)
    const items: NacosItem[] = []
    for (const dataId of new Set(keys)) {
      const content = KEY.test(dataId) ? await this.#client.get({ dataId, group: place }) : undefined
      if (content !== undefined) items.push({ dataId, group: place, content })
    }
    return items
  }
}

function itemOf({ dataId, content }: NacosItem, { group, label }: Selection): ConfigurationItem {
  return { key: dataId, group, label, value: content, version: md5Of(content), contentType: '', metadata: {} }
}

function checkChange({ key, group, label, value, expected }: ItemChange): void {
  const missing = label !== '' ? 'configuration.label' : expected !== undefined ? 'configuration.cas' : undefined
  if (missing) throw new ApiError('feature-missing', `Nacos has no ${missing}`, { feature: missing })
  if (!KEY.test(key)) throw new ApiError('invalid-argument', 'a key in Nacos has letters, digits and . _ : - only')
  if (group !== '' && !KEY.test(group))
    throw new ApiError('invalid-argument', 'a group in Nacos has letters, digits and . _ : - only')
  if (value === '') throw new ApiError('invalid-argument', 'Nacos keeps no empty values')
}
