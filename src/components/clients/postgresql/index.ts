/** What the components on PostgreSQL share: statements over a few connections, tables made when missed, notifications. */
export { type Ask, PostgresqlClient, type Row, type SqlValue } from './client.ts'
export { type PostgresqlOptions, postgresqlOptions } from './options.ts'
