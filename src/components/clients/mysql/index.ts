/** What the components on MySQL share: statements over Portolan's own backend, at the server that is written to. */
export { type Ask, MysqlClient } from './client.ts'
export { serverCode } from './failure.ts'
export { type MysqlTableOptions, tableOptions } from './options.ts'
export { all, list, type Sql, sql, table } from './sql.ts'
