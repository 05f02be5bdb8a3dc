/**
 * Locks in PostgreSQL: a row for each resource, with the owner, the end of the lease by the server's clock and the last
 * fencing token. The row stays when the lock is given back, so that tokens only grow. A failover may lose a grant that no
 * replica had yet, so the lock is not linearizable. (Advisory locks would end with their session, and have no lease.)
 */
import * as z from 'zod/mini'
import type { LockHolder, LockRequest } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { PostgresqlClient, type PostgresqlOptions, postgresqlOptions } from '../clients/postgresql/index.ts'
import { type LockTable, TableLockStore, tableLockFeatures, tableLockPolling } from './table-lock.ts'

const options = () =>
  z.strictObject({
    ...postgresqlOptions('portolan_locks', 'The table that holds the locks; a row stays for each resource.'),
    ...tableLockPolling(),
  })

type Options = PostgresqlOptions & { readonly pollInterval: number }

export const postgresqlLock: ComponentKind<'lock'> = {
  api: 'lock',
  type: 'postgresql',
  features: tableLockFeatures,
  options,
  open: async (raw, context) => {
    const options = raw as Options
    const locks = `"${options.schema}"."${options.table}"`
    const tables = [
      `CREATE TABLE IF NOT EXISTS ${locks} (resource text COLLATE "C" PRIMARY KEY, owner text NOT NULL, token bigint NOT NULL, until timestamptz NOT NULL)`,
    ]
    const client = await PostgresqlClient.open(options, tables, context)
    return new TableLockStore(new PostgresqlLockTable(client, locks), options.pollInterval)
  },
}

/** As time goes on within a statement that waits: now() is when its transaction began. */
const NOW = 'clock_timestamp()'
/** The end of a lease of so many milliseconds. */
const endOf = (parameter: string) => `${NOW} + ${parameter}::float8 * interval '1 millisecond'`

class PostgresqlLockTable implements LockTable {
  readonly #client: PostgresqlClient
  readonly #locks: string

  constructor(client: PostgresqlClient, locks: string) {
    this.#client = client
    this.#locks = locks
  }

  get clock() {
    return this.#client.clock
  }

  check(timeoutMs: number) {
    return this.#client.check(timeoutMs)
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  async grant({ resource, owner, leaseMs }: LockRequest): Promise<bigint | undefined> {
    const [row] = await this.#client.write(
      `INSERT INTO ${this.#locks} AS l (resource, owner, token, until) VALUES ($1, $2, 1, ${endOf('$3')}) ON CONFLICT (resource) DO UPDATE SET owner = $2, token = l.token + 1, until = ${endOf('$3')} WHERE l.until <= ${NOW} RETURNING token`,
      [resource, owner, leaseMs],
    )
    return row && BigInt(row['token']!)
  }

  async end(resource: string, owner: string): Promise<boolean> {
    const rows = await this.#client.write(
      `UPDATE ${this.#locks} SET owner = '', until = '-infinity' WHERE resource = $1 AND owner = $2 AND until > ${NOW} RETURNING token`,
      [resource, owner],
    )
    return rows.length > 0
  }

  async extend({ resource, owner, leaseMs }: LockRequest): Promise<boolean> {
    const rows = await this.#client.write(
      `UPDATE ${this.#locks} SET until = ${endOf('$3')} WHERE resource = $1 AND owner = $2 AND until > ${NOW} RETURNING token`,
      [resource, owner, leaseMs],
    )
    return rows.length > 0
  }

  async holder(resource: string): Promise<Required<LockHolder> | undefined> {
    const [row] = await this.#client.read(
      `SELECT owner, token, extract(epoch FROM until - ${NOW}) * 1000 AS remaining FROM ${this.#locks} WHERE resource = $1 AND until > ${NOW}`,
      [resource],
    )
    return (
      row && { owner: row['owner']!, token: BigInt(row['token']!), remainingMs: Math.max(0, Number(row['remaining'])) }
    )
  }
}
