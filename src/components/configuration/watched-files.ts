/** Configuration that is read from files as a whole: what the kinds `file` and `kubernetes` share. */
import { createHash } from 'node:crypto'
import {
  ApiError,
  type ConfigurationItem,
  type ConfigurationObserver,
  type ConfigurationStore,
  type ConfigurationWatch,
  type FeatureId,
  type Selection,
  type StoreFacts,
} from '../../apis/index.ts'
import type { FileSource } from '../clients/files/index.ts'

/** Keys to values. */
export type Items = ReadonlyMap<string, string>

export class WatchedFilesConfigurationStore implements ConfigurationStore {
  readonly write?: NonNullable<ConfigurationStore['write']>
  readonly #name: string
  readonly #source: FileSource<Items>
  #closed = false

  constructor(name: string, source: FileSource<Items>, write?: NonNullable<ConfigurationStore['write']>) {
    this.#name = name
    this.#source = source
    if (write) {
      this.write = async changes => {
        this.#checkOpen()
        return write(changes)
      }
    }
  }

  async get(selection: Selection): Promise<readonly ConfigurationItem[]> {
    this.#checkOpen()
    return selected(await this.#source.read(), selection)
  }

  watch(selection: Selection, observer: ConfigurationObserver): ConfigurationWatch {
    this.#checkOpen()
    const end = this.#source.observe({
      onValue: items => observer.onItems(selected(items, selection)),
      onOutage: error => observer.onOutage(error),
    })
    return { close: end }
  }

  async check(): Promise<StoreFacts> {
    this.#checkOpen()
    const items = await this.#source.read()
    const why = 'the component is not configured with write: true'
    const lacks: Record<FeatureId, string> = { 'configuration.write': why, 'configuration.delete': why }
    return { facts: { items: String(items.size) }, ...(!this.write && { lacks }) }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#source.close()
  }

  #checkOpen(): void {
    if (this.#closed) throw new ApiError('unavailable', `component ${this.#name} is closed`)
  }
}

/** Tells values apart; files have no versions of their keys. */
export function versionOf(value: string): string {
  return createHash('sha256').update(value).digest('base64url').slice(0, 16)
}

function selected(items: Items, { keys, prefix, group, label }: Selection): ConfigurationItem[] {
  if (group !== '' || label !== '') return []
  const names = keys === undefined ? [...items.keys()].filter(key => key.startsWith(prefix)) : [...new Set(keys)]
  return names.flatMap(key => {
    const value = items.get(key)
    if (value === undefined) return []
    return { key, group, label, value, version: versionOf(value), contentType: '', metadata: {} }
  })
}
