/**
 * Configuration in etcd v3. An item stands at `<prefix>/<group>/<label>/<key>`, as in Layotto when the prefix is `/` and
 * the name of the application, or at `<prefix>/<key>` without groups. Its version is the revision of its last write.
 */
import * as z from 'zod/mini'
import {
  ApiError,
  type ConfigurationItem,
  type ConfigurationObserver,
  type ConfigurationStore,
  type ConfigurationWatch,
  type ItemChange,
  type ItemKey,
  type Selection,
} from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import {
  COMPARE,
  type Compare,
  EtcdClient,
  type EtcdOptions,
  EtcdWatch,
  etcdOptions,
  isCompacted,
  type KeyValue,
  prefixRange,
  RANGE,
  type RequestOp,
  readKeys,
  readRange,
  TXN,
} from '../clients/etcd/index.ts'
import { ItemPaths, pathOptions } from './item-paths.ts'

const options = () =>
  z.strictObject({
    ...etcdOptions(),
    ...pathOptions('/portolan/configuration'),
    maxItems: z
      ._default(z.int().check(z.minimum(1)), 10_000)
      .apply(described('Items that are read or watched at a time at most.')),
  })

type Options = z.output<ReturnType<typeof options>>

export const etcdConfiguration: ComponentKind<'configuration'> = {
  api: 'configuration',
  type: 'etcd',
  features: [
    'configuration.get',
    'configuration.list',
    'configuration.prefix',
    'configuration.subscribe',
    'configuration.delete-event',
    'configuration.write',
    'configuration.delete',
    'configuration.cas',
    'configuration.group',
    'configuration.label',
    'configuration.history',
  ],
  options,
  open: async (raw, context) => {
    const options = raw as Options
    return new EtcdConfigurationStore(await EtcdClient.open(options as EtcdOptions, context), options)
  },
}

class EtcdConfigurationStore implements ConfigurationStore {
  readonly #client: EtcdClient
  readonly #paths: ItemPaths
  readonly #maxItems: number

  constructor(client: EtcdClient, { maxItems, ...paths }: Options) {
    this.#client = client
    this.#paths = new ItemPaths(paths)
    this.#maxItems = maxItems
  }

  async check(timeoutMs: number) {
    return { ...(await this.#client.check(timeoutMs)), ...this.#paths.facts }
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  async get(selection: Selection): Promise<readonly ConfigurationItem[]> {
    const { kvs } = await this.#read(selection)
    return this.#items(kvs, selection)
  }

  watch(selection: Selection, observer: ConfigurationObserver): ConfigurationWatch {
    const { keys, prefix } = selection
    const ranges =
      keys === undefined
        ? [prefixRange(this.#paths.pathOf({ ...selection, key: prefix }))]
        : keys.map(key => ({ key: Buffer.from(this.#paths.pathOf({ ...selection, key })) }))
    return new EtcdWatch(this.#client, ranges, () => this.#read(selection), {
      onContents: kvs => observer.onItems(this.#items(kvs, selection)),
      onPut: kv => observer.onItem(this.#item(kv, selection)),
      onDelete: key => observer.onGone(this.#key(key, selection)),
      onOutage: error => observer.onOutage(error),
    })
  }

  async write(changes: readonly ItemChange[]): Promise<readonly string[]> {
    const compare: Compare[] = []
    const success: RequestOp[] = []
    for (const change of changes) {
      const key = Buffer.from(this.#paths.pathOf(change))
      if (change.expected === '') compare.push({ key, target: COMPARE.create, createRevision: 0n })
      else if (change.expected !== undefined)
        compare.push({ key, target: COMPARE.mod, modRevision: revisionOf(change.expected) })
      if (change.value === undefined) success.push({ delete: { key } })
      else success.push({ put: { key, value: Buffer.from(change.value) } })
    }
    const { succeeded, header } = await this.#client.call(TXN, { compare, success, failure: [] })
    if (!succeeded) throw new ApiError('conflict', 'an item has another version than was expected')
    return changes.map(({ value }) => (value === undefined ? '' : String(header.revision)))
  }

  /** As far back as etcd keeps revisions, and as the item exists without a break. */
  async history(itemKey: ItemKey, limit: number): Promise<readonly ConfigurationItem[]> {
    const key = Buffer.from(this.#paths.pathOf(itemKey))
    const items: ConfigurationItem[] = []
    let revision = 0n
    while (items.length < limit) {
      try {
        const { kvs } = await this.#client.call(RANGE, { key, revision })
        const kv = kvs[0]
        if (!kv) break
        items.push(this.#item(kv, itemKey))
        if (kv.version === 1n) break
        revision = kv.modRevision - 1n
      } catch (error) {
        if (isCompacted(error)) break
        throw error
      }
    }
    return items
  }

  #read(selection: Selection) {
    const { keys, prefix } = selection
    if (keys !== undefined)
      return readKeys(
        this.#client,
        keys.map(key => this.#paths.pathOf({ ...selection, key })),
      )
    const range = prefixRange(this.#paths.pathOf({ ...selection, key: prefix }))
    return readRange(this.#client, range, this.#maxItems, () => tooMany(this.#maxItems))
  }

  #items(kvs: readonly KeyValue[], selection: Selection): ConfigurationItem[] {
    return kvs.map(kv => this.#item(kv, selection))
  }

  #item(kv: KeyValue, within: Omit<ItemKey, 'key'>): ConfigurationItem {
    const version = String(kv.modRevision)
    return { ...this.#key(kv.key, within), value: kv.value.toString(), version, contentType: '', metadata: {} }
  }

  #key(path: Buffer, { group, label }: Omit<ItemKey, 'key'>): ItemKey {
    return { key: this.#paths.keyOf(path.toString()), group, label }
  }
}

/** A version of ours; what was never one matches no revision. */
function revisionOf(version: string): bigint {
  return /^\d{1,18}$/.test(version) ? BigInt(version) : -1n
}

function tooMany(max: number): ApiError {
  return new ApiError('exhausted', `there are more than ${max} items; raise maxItems, or ask for fewer`)
}
