/** Sequences in PostgreSQL: a row for each holds the last number that is given out, and one statement reserves the next. */
import * as z from 'zod/mini'
import { ApiError, type SequencerStore } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { PostgresqlClient, type PostgresqlOptions, postgresqlOptions } from '../clients/postgresql/index.ts'

export const postgresqlSequencer: ComponentKind<'sequencer'> = {
  api: 'sequencer',
  type: 'postgresql',
  features: ['sequencer.unique', 'sequencer.monotonic-weak', 'sequencer.monotonic-strong', 'sequencer.segment'],
  options: () => z.strictObject(postgresqlOptions('portolan_sequences', 'The table that holds the sequences.')),
  open: async (raw, context) => {
    const options = raw as PostgresqlOptions
    const sequences = `"${options.schema}"."${options.table}"`
    const tables = [`CREATE TABLE IF NOT EXISTS ${sequences} (name text COLLATE "C" PRIMARY KEY, last bigint NOT NULL)`]
    return new PostgresqlSequencerStore(await PostgresqlClient.open(options, tables, context), sequences)
  },
}

const MAX_NAME_BYTES = 1024

class PostgresqlSequencerStore implements SequencerStore {
  readonly #client: PostgresqlClient
  readonly #sequences: string

  constructor(client: PostgresqlClient, sequences: string) {
    this.#client = client
    this.#sequences = sequences
  }

  check(timeoutMs: number) {
    return this.#client.check(timeoutMs)
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  async reserve(key: string, count: number): Promise<bigint> {
    if (Buffer.byteLength(key) > MAX_NAME_BYTES)
      throw new ApiError('invalid-argument', `a sequence's key has ${MAX_NAME_BYTES} bytes at most`)
    const [row] = await this.#client.write(
      `INSERT INTO ${this.#sequences} AS s (name, last) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET last = s.last + $2 RETURNING last`,
      [key, count],
    )
    return BigInt(row!['last']!) - BigInt(count) + 1n
  }
}
