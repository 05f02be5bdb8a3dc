/** Configuration in the memory of this process: for tests, and for applications that tell each other through one sidecar. */
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
import { type DataUse, GrowingNumbers, SharedData } from '../clients/memory/index.ts'

export const memoryConfigurationOptions = () =>
  z.strictObject({
    items: z
      ._default(z.record(z.string(), z.string()), {})
      .apply(described('Items that are there at the start, key to value.')),
    maxItems: z
      ._default(z.int().check(z.minimum(1)), 100_000)
      .apply(described('Items that may be there; more are refused.')),
    historyLength: z
      ._default(z.int().check(z.minimum(1)), 10)
      .apply(described('How many values of an item are kept, the present one included.')),
  })

export type MemoryConfigurationOptions = z.output<ReturnType<typeof memoryConfigurationOptions>>

/** Values of an item, the newest first; the item is deleted when `present` is false. */
export interface Entry {
  readonly values: ConfigurationItem[]
  present: boolean
}

interface Watcher {
  readonly selection: Selection
  readonly observer: ConfigurationObserver
}

/** Where the changes of the data are kept, if anywhere. */
export interface EntryKeeper {
  keep(place: string, entry: Entry): void
  forget(place: string): void
}

export class ConfigurationData {
  keeper: EntryKeeper | undefined
  readonly entries = new Map<string, Entry>()
  readonly watchers = new Set<Watcher>()
  readonly versions = new GrowingNumbers()
}

const shared = new SharedData(() => new ConfigurationData())

export const memoryConfiguration: ComponentKind<'configuration'> = {
  api: 'configuration',
  type: 'memory',
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
    'configuration.content-type',
    'configuration.history',
  ],
  options: memoryConfigurationOptions,
  async open(config, { name }) {
    return new MemoryConfigurationStore(shared.use(name), config as MemoryConfigurationOptions)
  },
}

export class MemoryConfigurationStore implements ConfigurationStore {
  readonly #use: DataUse<ConfigurationData>
  readonly #options: MemoryConfigurationOptions
  readonly #watchers = new Set<Watcher>()

  constructor(use: DataUse<ConfigurationData>, options: MemoryConfigurationOptions) {
    this.#use = use
    this.#options = options
    const { entries } = use.data
    for (const [key, value] of Object.entries(options.items)) {
      const item = { key, group: '', label: '', value }
      if (!entries.has(placeOf(item))) this.#set(item)
    }
  }

  async get(selection: Selection): Promise<readonly ConfigurationItem[]> {
    return selected(this.#use.data, selection)
  }

  watch(selection: Selection, observer: ConfigurationObserver): ConfigurationWatch {
    const { watchers } = this.#use.data
    const watcher = { selection, observer }
    watchers.add(watcher)
    this.#watchers.add(watcher)
    observer.onItems(selected(this.#use.data, selection))
    return {
      close: () => {
        watchers.delete(watcher)
        this.#watchers.delete(watcher)
      },
    }
  }

  async write(changes: readonly ItemChange[]): Promise<readonly string[]> {
    const { entries } = this.#use.data
    for (const change of changes) {
      if (change.expected === undefined) continue
      const entry = entries.get(placeOf(change))
      const version = entry?.present ? entry.values[0]!.version : ''
      if (version !== change.expected)
        throw new ApiError('conflict', `${change.key} has ${version ? `version ${version}` : 'no value'}`)
    }
    const added = changes.filter(change => change.value !== undefined && !entries.has(placeOf(change))).length
    if (entries.size + added > this.#options.maxItems) this.#forgetDeleted()
    if (entries.size + added > this.#options.maxItems)
      throw new ApiError('exhausted', `there may be ${this.#options.maxItems} items`)
    return changes.map(change => (change.value === undefined ? this.#delete(change) : this.#set(change)))
  }

  async history(key: ItemKey, limit: number): Promise<readonly ConfigurationItem[]> {
    return this.#use.data.entries.get(placeOf(key))?.values.slice(0, limit) ?? []
  }

  async check() {
    return this.#use.check()
  }

  async close(): Promise<void> {
    for (const watcher of this.#watchers) this.#use.data.watchers.delete(watcher)
    this.#watchers.clear()
    this.#use.close()
  }

  #set({ key, group, label, value, contentType = '' }: ItemChange): string {
    const { entries, versions, watchers, keeper } = this.#use.data
    const version = versions.next().toString()
    const item = { key, group, label, value: value!, version, contentType, metadata: {} }
    const place = placeOf(item)
    const entry = entries.get(place) ?? { values: [], present: true }
    entry.values.unshift(item)
    entry.values.length = Math.min(entry.values.length, this.#options.historyLength)
    entry.present = true
    entries.set(place, entry)
    keeper?.keep(place, entry)
    for (const { selection, observer } of [...watchers]) if (selects(selection, item)) observer.onItem(item)
    return version
  }

  #delete({ key, group, label }: ItemChange): string {
    const { entries, watchers, keeper } = this.#use.data
    const gone = { key, group, label }
    const entry = entries.get(placeOf(gone))
    if (!entry?.present) return ''
    entry.present = false
    keeper?.keep(placeOf(gone), entry)
    for (const { selection, observer } of [...watchers]) if (selects(selection, gone)) observer.onGone(gone)
    return ''
  }

  /** The history of what is deleted goes first when it gets crowded. */
  #forgetDeleted(): void {
    const { entries, keeper } = this.#use.data
    for (const [place, { present }] of entries) {
      if (present) continue
      entries.delete(place)
      keeper?.forget(place)
    }
  }
}

function placeOf({ key, group, label }: ItemKey): string {
  return JSON.stringify([group, label, key])
}

function selects({ keys, prefix, group, label }: Selection, item: ItemKey): boolean {
  if (item.group !== group || item.label !== label) return false
  return keys === undefined ? item.key.startsWith(prefix) : keys.includes(item.key)
}

function selected({ entries }: ConfigurationData, selection: Selection): ConfigurationItem[] {
  const { keys, group, label } = selection
  const candidates =
    keys === undefined ? entries.values() : [...new Set(keys)].map(key => entries.get(placeOf({ key, group, label })))
  const items: ConfigurationItem[] = []
  for (const entry of candidates) {
    if (entry?.present && selects(selection, entry.values[0]!)) items.push(entry.values[0]!)
  }
  return items
}
