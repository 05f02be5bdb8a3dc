/** Configuration in tables of PostgreSQL, which tells of changes (LISTEN); what it told while nobody listened is read. */
import * as z from 'zod/mini'
import type { ConfigurationObserver, ConfigurationWatch, Selection } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described, duration } from '../../config/index.ts'
import { type PostgresqlClient, postgresqlOptions } from '../clients/postgresql/index.ts'
import { PostgresqlTables } from './postgresql-tables.ts'
import { TableConfigurationStore, tableConfigurationFeatures, tableConfigurationLimits } from './table-store.ts'

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
    ...tableConfigurationLimits(),
  })

type Options = z.output<ReturnType<typeof options>>

export const postgresqlConfiguration: ComponentKind<'configuration'> = {
  api: 'configuration',
  type: 'postgresql',
  features: tableConfigurationFeatures,
  options,
  open: async (raw, context) => {
    const options = raw as Options
    return new PostgresqlConfigurationStore(await PostgresqlTables.open(context, options), options)
  },
}

/** After a connection that listened was lost. */
const RECONNECT_MS = 500

class PostgresqlConfigurationStore extends TableConfigurationStore {
  readonly #client: PostgresqlClient
  readonly #channel: string
  #isListening = false
  #stopListening = (): void => {}
  #closed = false

  constructor(tables: PostgresqlTables, { table, pollInterval }: Options) {
    super(tables, pollInterval)
    this.#client = tables.client
    this.#channel = table
  }

  override close(): Promise<void> {
    this.#closed = true
    this.#stopListening()
    return super.close()
  }

  override watch(selection: Selection, observer: ConfigurationObserver): ConfigurationWatch {
    if (!this.#isListening) void this.#listen()
    return super.watch(selection, observer)
  }

  /** From the first watch on, until it is closed; never rejects. */
  async #listen(): Promise<void> {
    this.#isListening = true
    const again = (): void => {
      if (this.#closed) return
      this.#stopListening = this.#client.clock.after(RECONNECT_MS, () => void this.#listen())
    }
    try {
      const listening = await this.#client.listen(this.#channel, () => this.hurry(), again)
      if (this.#closed) return listening.end()
      this.#stopListening = () => listening.end()
      // What changed before.
      this.hurry()
    } catch {
      again()
    }
  }
}
