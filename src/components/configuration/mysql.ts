/** Configuration in tables of MySQL. MySQL tells nobody of changes, so the tables are looked at again and again. */
import * as z from 'zod/mini'
import type { ComponentKind } from '../../component.ts'
import { described, duration } from '../../config/index.ts'
import { tableOptions } from '../clients/mysql/index.ts'
import { ConfigurationTables } from './mysql-tables.ts'
import { TableConfigurationStore, tableConfigurationFeatures, tableConfigurationLimits } from './table-store.ts'

const options = () =>
  z.strictObject({
    ...tableOptions(
      'portolan_configuration',
      'The table that holds the items; beside it stand two more, whose names end in `_changes` and `_head`.',
    ),
    pollInterval: duration('250ms').apply(
      described('How often the tables are looked at for changes while somebody watches: one row, by its key.'),
    ),
    ...tableConfigurationLimits(),
  })

type Options = z.output<ReturnType<typeof options>>

export const mysqlConfiguration: ComponentKind<'configuration'> = {
  api: 'configuration',
  type: 'mysql',
  backend: 'mysql',
  features: tableConfigurationFeatures,
  options,
  open: async (raw, context) => {
    const options = raw as Options
    return new TableConfigurationStore(new ConfigurationTables(context, options), options.pollInterval)
  },
}
