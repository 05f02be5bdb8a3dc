/** What every component on MySQL can be told. */
import * as z from 'zod/mini'
import { described } from '../../../config/index.ts'

const name = (preset: string) => z._default(z.string().check(z.regex(/^\w{1,48}$/)), preset)

/** `preset`: the table's name, or what the names of several begin with. */
export const tableOptions = (preset: string, meaning: string) => ({
  database: name('portolan').apply(described('The database that the tables are in.')),
  table: name(preset).apply(described(meaning)),
  create: z
    ._default(z.boolean(), true)
    .apply(described('Creates what is missing, which takes the rights to. false: somebody else does.')),
})

export interface MysqlTableOptions {
  readonly database: string
  readonly table: string
  readonly create: boolean
}
