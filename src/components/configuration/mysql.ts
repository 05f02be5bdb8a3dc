/** Configuration in tables of MySQL. MySQL tells nobody of changes, so the tables are looked at again and again. */
import * as z from 'zod/mini'
import type {
  ConfigurationItem,
  ConfigurationObserver,
  ConfigurationStore,
  ConfigurationWatch,
  ItemChange,
  ItemKey,
  Selection,
} from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described, duration } from '../../config/index.ts'
import { tableOptions } from '../clients/mysql/index.ts'
import { ConfigurationTables } from './mysql-tables.ts'
import { ConfigurationFeed } from './table-feed.ts'

const count = (preset: number) => z._default(z.int().check(z.minimum(1)), preset)

const options = () =>
  z.strictObject({
    ...tableOptions(
      'portolan_configuration',
      'The table that holds the items; beside it stand two more, whose names end in `_changes` and `_head`.',
    ),
    pollInterval: duration('250ms').apply(
      described('How often the tables are looked at for changes while somebody watches: one row, by its key.'),
    ),
    keepChanges: count(10_000).apply(
      described('Writes whose values are kept: for the history, and for watches to go on from.'),
    ),
    maxItems: count(10_000).apply(described('Items that may be read or watched by one selection.')),
  })

type Options = z.output<ReturnType<typeof options>>

export const mysqlConfiguration: ComponentKind<'configuration'> = {
  api: 'configuration',
  type: 'mysql',
  backend: 'mysql',
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
  options,
  open: async (raw, context) => {
    const options = raw as Options
    return new MysqlConfigurationStore(new ConfigurationTables(context, options), options.pollInterval)
  },
}

class MysqlConfigurationStore implements ConfigurationStore {
  readonly #tables: ConfigurationTables
  readonly #feed: ConfigurationFeed

  constructor(tables: ConfigurationTables, pollMs: number) {
    this.#tables = tables
    this.#feed = new ConfigurationFeed(tables, tables.client.clock, pollMs)
  }

  check(timeoutMs: number) {
    return this.#tables.client.check(timeoutMs)
  }

  async close(): Promise<void> {
    this.#feed.close()
    this.#tables.client.close()
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
}
