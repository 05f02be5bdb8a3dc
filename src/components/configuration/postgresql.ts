/** Configuration in tables of PostgreSQL, which tells of changes (LISTEN); what it told while nobody listened is read. */
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
import { postgresqlOptions } from '../clients/postgresql/index.ts'
import { PostgresqlTables } from './postgresql-tables.ts'
import { ConfigurationFeed } from './table-feed.ts'

const count = (preset: number) => z._default(z.int().check(z.minimum(1)), preset)

const options = () =>
  z.strictObject({
    ...postgresqlOptions(
      'portolan_configuration',
      'The table that holds the items; beside it stand two more, whose names end in `_changes` and `_head`. Changes are told on the channel of its name.',
    ),
    pollInterval: duration('5s').apply(
      described(
        'How often the tables are looked at, besides when PostgreSQL tells of a change; what a pooler keeps from us.',
      ),
    ),
    keepChanges: count(10_000).apply(
      described('Writes whose values are kept: for the history, and for watches to go on from.'),
    ),
    maxItems: count(10_000).apply(described('Items that may be read or watched by one selection.')),
  })

type Options = z.output<ReturnType<typeof options>>

export const postgresqlConfiguration: ComponentKind<'configuration'> = {
  api: 'configuration',
  type: 'postgresql',
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
    return new PostgresqlConfigurationStore(await PostgresqlTables.open(context, options), options)
  },
}

/** After a connection that listened was lost. */
const RECONNECT_MS = 500

class PostgresqlConfigurationStore implements ConfigurationStore {
  readonly #tables: PostgresqlTables
  readonly #channel: string
  readonly #feed: ConfigurationFeed
  #isListening = false
  #stopListening = (): void => {}
  #closed = false

  constructor(tables: PostgresqlTables, { table, pollInterval }: Options) {
    this.#tables = tables
    this.#channel = table
    this.#feed = new ConfigurationFeed(tables, tables.client.clock, pollInterval)
  }

  check(timeoutMs: number) {
    return this.#tables.client.check(timeoutMs)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stopListening()
    this.#feed.close()
    await this.#tables.client.close()
  }

  async get(selection: Selection): Promise<readonly ConfigurationItem[]> {
    return (await this.#tables.read(selection)).items
  }

  watch(selection: Selection, observer: ConfigurationObserver): ConfigurationWatch {
    if (!this.#isListening) void this.#listen()
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

  /** From the first watch on, until it is closed; never rejects. */
  async #listen(): Promise<void> {
    this.#isListening = true
    const again = (): void => {
      if (this.#closed) return
      this.#stopListening = this.#tables.client.clock.after(RECONNECT_MS, () => void this.#listen())
    }
    try {
      const listening = await this.#tables.client.listen(this.#channel, () => this.#feed.hurry(), again)
      if (this.#closed) return listening.end()
      this.#stopListening = () => listening.end()
      // What changed before.
      this.#feed.hurry()
    } catch {
      again()
    }
  }
}
