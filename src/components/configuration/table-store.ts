/** Configuration in tables of a database, whatever its SQL. */
import type {
  ConfigurationItem,
  ConfigurationObserver,
  ConfigurationStore,
  ConfigurationWatch,
  ItemChange,
  ItemKey,
  Selection,
} from '../../apis/index.ts'
import type { ChangeTables } from './table-changes.ts'
import { ConfigurationFeed } from './table-feed.ts'

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
