/**
 * Locks in MySQL: a row for each resource, with the owner, the end of the lease by the server's clock and the last fencing
 * token. The row stays when the lock is given back, so that tokens only grow. A failover may lose a grant that no replica
 * had yet, so the lock is not linearizable. (GET_LOCK() would end with its session, and hold a connection for each lock.)
 */
import * as z from 'zod/mini'
import type { LockHolder, LockRequest } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { MysqlClient, type MysqlTableOptions, type Sql, sql, table, tableOptions } from '../clients/mysql/index.ts'
import { type LockTable, MAX_NAME_BYTES, TableLockStore, tableLockFeatures, tableLockPolling } from './table-lock.ts'

const options = () =>
  z.strictObject({
    ...tableOptions('portolan_locks', 'The table that holds the locks; a row stays for each resource.'),
    ...tableLockPolling(),
  })

type Options = MysqlTableOptions & { readonly pollInterval: number }

export const mysqlLock: ComponentKind<'lock'> = {
  api: 'lock',
  type: 'mysql',
  backend: 'mysql',
  features: tableLockFeatures,
  options,
  open: async (raw, context) => {
    const options = raw as Options
    const locks = table(options.database, options.table)
    const client = new MysqlClient(context, {
      ...options,
      statements: [
        sql`CREATE TABLE IF NOT EXISTS ${locks} (resource VARBINARY(${MAX_NAME_BYTES}) NOT NULL PRIMARY KEY,
          owner VARBINARY(${MAX_NAME_BYTES}) NOT NULL, token BIGINT NOT NULL, until_utc DATETIME(6) NOT NULL)
          ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      ],
      look: sql`SELECT 1 FROM ${locks} LIMIT 0`,
    })
    return new TableLockStore(new MysqlLockTable(client, locks), options.pollInterval)
  },
}

/** Of the session's time zone, and its changes twice a year, this knows nothing. */
const NOW = sql`UTC_TIMESTAMP(6)`
/** Of a lock that was given back. Not the present: a statement that began before may have waited for this one. */
const LONG_AGO = sql`'2000-01-01 00:00:00'`

class MysqlLockTable implements LockTable {
  readonly #client: MysqlClient
  readonly #locks: Sql

  constructor(client: MysqlClient, locks: Sql) {
    this.#client = client
    this.#locks = locks
  }

  get clock() {
    return this.#client.clock
  }

  check(timeoutMs: number) {
    return this.#client.check(timeoutMs)
  }

  async close(): Promise<void> {
    this.#client.close()
  }

  async grant({ resource, owner, leaseMs }: LockRequest): Promise<bigint | undefined> {
    const until = endOf(leaseMs)
    const isFree = sql`until_utc <= ${NOW}`
    // From left to right, each from what stands there by then: the end comes last.
    const { affectedRows, insertId } = await this.#client.write(
      sql`INSERT INTO ${this.#locks} (resource, owner, token, until_utc) VALUES (${resource}, ${owner}, 1, ${until})
        ON DUPLICATE KEY UPDATE token = IF(${isFree}, LAST_INSERT_ID(token + 1), token),
          owner = IF(${isFree}, ${owner}, owner), until_utc = IF(${isFree}, ${until}, until_utc)`,
    )
    // 1: a new row. 2: one that has changed.
    if (affectedRows === 1) return 1n
    return affectedRows === 2 ? BigInt(insertId) : undefined
  }

  end(resource: string, owner: string): Promise<boolean> {
    return this.#change(resource, owner, sql`owner = '', until_utc = ${LONG_AGO}`)
  }

  extend({ resource, owner, leaseMs }: LockRequest): Promise<boolean> {
    return this.#change(resource, owner, sql`until_utc = ${endOf(leaseMs)}`)
  }

  async holder(resource: string): Promise<Required<LockHolder> | undefined> {
    const { rows } = await this.#client.read(
      sql`SELECT owner, token, TIMESTAMPDIFF(MICROSECOND, ${NOW}, until_utc) FROM ${this.#locks}
        WHERE resource = ${resource} AND until_utc > ${NOW}`,
    )
    const [row] = rows
    return row && { owner: row[0]!, token: BigInt(row[1]!), remainingMs: Number(row[2]) / 1000 }
  }

  /** Changes a lock that this owner holds; false when it holds none. */
  async #change(resource: string, owner: string, change: Sql): Promise<boolean> {
    const { affectedRows } = await this.#client.write(
      sql`UPDATE ${this.#locks} SET ${change}
        WHERE resource = ${resource} AND owner = ${owner} AND until_utc > ${NOW}`,
    )
    return affectedRows !== 0
  }
}

function endOf(leaseMs: number): Sql {
  return sql`${NOW} + INTERVAL ${Math.max(1, Math.round(leaseMs * 1000))} MICROSECOND`
}
