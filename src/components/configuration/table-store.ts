/** Configuration in tables of a database, whatever its SQL. */
import * as z from 'zod/mini'
import type {
  ConfigurationItem,
  ConfigurationObserver,
  ConfigurationStore,
  ConfigurationWatch,
  FeatureId,
  ItemChange,
  ItemKey,
  Selection,
} from '../../apis/index.ts'
import { described } from '../../config/index.ts'
import type { ChangeTables } from './table-changes.ts'
import { ConfigurationFeed } from './table-feed.ts'

export const tableConfigurationFeatures: readonly FeatureId[] = [
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
]

const count = (preset: number) => z._default(z.int().check(z.minimum(1)), preset)

/** The options that bound them. */
export const tableConfigurationLimits = () => ({
  keepChanges: count(10_000).apply(
    described('Writes whose values are kept: for the history, and for watches to go on from.'),
  ),
  maxItems: count(10_000).apply(described('Items that may be read or watched by one selection.')),
})

export class TableConfigurationStore implements ConfigurationStore {
  readonly #tables: ChangeTables
  readonly #feed: ConfigurationFeed

  /** `pollMs`: how often the tables are looked at for those who watch, besides at each `hurry`. */
  constructor(tables: ChangeTables, pollMs: number) {
    this.#tables = tables
    this.#feed = new ConfigurationFeed(tables, tables.client.clock, pollMs)
  }

  check(timeoutMs: number) {
    return this.#tables.client.check(timeoutMs)
  }

  async close(): Promise<void> {
    this.#feed.close()
    await this.#tables.client.close()
  }

  async get(selection: Selection): Promise<readonly ConfigurationItem[]> {
    return (await this.#tables.read(selection)).items
  }

  watch(selection: Selection, observer: ConfigurationObserver): ConfigurationWatch {
    return this.#feed.watch(selection, observer)
  }

  async write(changes: readonly ItemChange[]): Promise<readonly string[]> {
    try {
      return await this.#tables.write(changes)
    } finally {
      this.#feed.hurry()
    }
  }

  history(key: ItemKey, limit: number): Promise<readonly ConfigurationItem[]> {
    return this.#tables.history(key, limit)
  }

  /** Something may have changed. */
  protected hurry(): void {
    this.#feed.hurry()
  }
}
