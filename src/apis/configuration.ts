/** The API of configuration: items under keys, read, watched and written. */
import type { Features, Store } from './api.ts'

export const configurationFeatures = {
  'configuration.get': 'Items are read by key.',
  'configuration.list': 'All items are read, without naming keys.',
  'configuration.prefix': 'Items are read and watched by the beginning of their keys.',
  'configuration.subscribe': 'Changes are told as they happen.',
  'configuration.delete-event': 'A subscriber is told that an item is gone.',
  'configuration.write': 'Items are written.',
  'configuration.delete': 'Items are deleted.',
  'configuration.cas': 'A write or deletion can be bound to the version that is expected to be there.',
  'configuration.group': 'The same key can stand in several groups.',
  'configuration.label': 'The same key can have a value for each label.',
  'configuration.content-type': 'An item keeps the type of its content.',
  'configuration.history': 'Earlier values of an item can be read.',
  'configuration.snapshot': 'While the store cannot be reached, the last values that were read are served.',
} as const satisfies Features

/** What the sidecar adds to every store, whatever its type. */
export const configurationLayer = ['configuration.snapshot'] as const

/** Where an item stands. Group and label are empty where nothing is said of them. */
export interface ItemKey {
  readonly key: string
  readonly group: string
  readonly label: string
}

export interface ConfigurationItem extends ItemKey {
  readonly value: string
  /** Changes with every write of the item; to be compared for equality only. Empty where the store has none. */
  readonly version: string
  /** Such as `application/json`; empty where nothing is said of it. */
  readonly contentType: string
  readonly metadata: Readonly<Record<string, string>>
}

/** Which items: some keys, or all whose key begins so (`prefix: ''` is all). */
export type Selection = { readonly group: string; readonly label: string } & (
  | { readonly keys: readonly string[]; readonly prefix?: undefined }
  | { readonly prefix: string; readonly keys?: undefined }
)

/** A write where `value` stands, a deletion where it does not. */
export interface ItemChange extends ItemKey {
  readonly value?: string
  readonly contentType?: string
  /** Only if the item has this version now; `''`: only if it does not exist. */
  readonly expected?: string
}

/**
 * What a store tells of the selected items. It may tell too much (what is known already, an item that is no longer
 * there), never too little: whoever listens compares.
 */
export interface ConfigurationObserver {
  /** All of the selected items as they are: once at the beginning, and again whenever changes may have been missed. */
  onItems(items: readonly ConfigurationItem[]): void
  onItem(item: ConfigurationItem): void
  onGone(key: ItemKey): void
  /** The store cannot be reached; said once for each outage. The watch goes on by itself and then says onItems. */
  onOutage(error: Error): void
}

export interface ConfigurationWatch {
  /** Nothing is told any more once this was called. */
  close(): void
}

export interface ConfigurationStore extends Store {
  /** The items that exist, in any order. */
  get(selection: Selection): Promise<readonly ConfigurationItem[]>
  /** Begins at once and goes on over outages until it is closed. */
  watch(selection: Selection, observer: ConfigurationObserver): ConfigurationWatch
  /**
   * Applies all changes, at once where the store can; the new version of each (empty for deletions). Rejects with
   * `conflict` when an expectation does not hold; then nothing of that item has changed.
   */
  write?(changes: readonly ItemChange[]): Promise<readonly string[]>
  /** Earlier values, the newest first, the present one included. */
  history?(key: ItemKey, limit: number): Promise<readonly ConfigurationItem[]>
}
