/** Sequences in MySQL: a row for each holds the last number that is given out, and one statement reserves the next. */
import * as z from 'zod/mini'
import { ApiError, type SequencerStore } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { MysqlClient, type MysqlTableOptions, type Sql, sql, table, tableOptions } from '../clients/mysql/index.ts'

const options = () => z.strictObject(tableOptions('portolan_sequences', 'The table that holds the sequences.'))

export const mysqlSequencer: ComponentKind<'sequencer'> = {
  api: 'sequencer',
  type: 'mysql',
  backend: 'mysql',
  features: ['sequencer.unique', 'sequencer.monotonic-weak', 'sequencer.monotonic-strong', 'sequencer.segment'],
  options,
  open: async (raw, context) => {
    const options = raw as MysqlTableOptions
    const sequences = table(options.database, options.table)
    const client = new MysqlClient(context, {
      ...options,
      statements: [
        sql`CREATE TABLE IF NOT EXISTS ${sequences} (name VARBINARY(${MAX_NAME_BYTES}) NOT NULL PRIMARY KEY,
          last BIGINT NOT NULL) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      ],
      look: sql`SELECT 1 FROM ${sequences} LIMIT 0`,
    })
    return new MysqlSequencerStore(client, sequences)
  },
}

const MAX_NAME_BYTES = 1024

class MysqlSequencerStore implements SequencerStore {
  readonly #client: MysqlClient
  readonly #sequences: Sql

  constructor(client: MysqlClient, sequences: Sql) {
    this.#client = client
    this.#sequences = sequences
  }

  check(timeoutMs: number) {
    return this.#client.check(timeoutMs)
  }

  async close(): Promise<void> {
    this.#client.close()
  }

  async reserve(key: string, count: number): Promise<bigint> {
    if (Buffer.byteLength(key) > MAX_NAME_BYTES)
      throw new ApiError('invalid-argument', `a sequence's key has ${MAX_NAME_BYTES} bytes at most`)
    const { insertId } = await this.#client.write(
      sql`INSERT INTO ${this.#sequences} (name, last) VALUES (${key}, LAST_INSERT_ID(${count}))
        ON DUPLICATE KEY UPDATE last = LAST_INSERT_ID(last + ${count})`,
    )
    return BigInt(insertId) - BigInt(count) + 1n
  }
}
