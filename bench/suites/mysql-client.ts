/** What the MySQL suite runs against a port: sysbench, and the `mariadb` command line for single statements. */

import { runToEnd } from '../lib/child.ts'

/** The account and the database that the backend is made with. */
export const ACCOUNT = 'bench'

/** Rows of the one table, as sysbench makes them: about 190 bytes each. */
export const TABLE_ROWS = 100_000

/** A run of sysbench: a script of its own or the path of one. */
export interface Sysbench {
  readonly script: string
  readonly threads: number
  readonly isPrepared: boolean
  readonly events: number
}

export function sysbench(port: number, { script, threads, isPrepared, events }: Sysbench): string[] {
  return [
    ...['sysbench', script, ...connection(port), `--threads=${threads}`, `--events=${events}`, '--time=0'],
    ...[`--table-size=${TABLE_ROWS}`, '--rand-type=uniform', `--db-ps-mode=${isPrepared ? 'auto' : 'disable'}`],
    ...['--histogram=on', 'run'],
  ]
}

/** Makes the table. */
export async function fill(port: number): Promise<void> {
  await runToEnd(['sysbench', 'oltp_point_select', ...connection(port), `--table-size=${TABLE_ROWS}`, 'prepare'])
}

function connection(port: number): string[] {
  const account = [`--mysql-user=${ACCOUNT}`, `--mysql-password=${ACCOUNT}`, `--mysql-db=${ACCOUNT}`]
  return ['--mysql-host=127.0.0.1', `--mysql-port=${port}`, ...account]
}

/** The command line client that prints the rows of a statement as they come. */
export function printRows(port: number, statement: string): string[] {
  return [
    ...['mariadb', '--no-defaults', '--host=127.0.0.1', `--port=${port}`, `--user=${ACCOUNT}`],
    ...[
      `--password=${ACCOUNT}`,
      '--quick',
      '--raw',
      '--batch',
      '--skip-column-names',
      ACCOUNT,
      `--execute=${statement}`,
    ],
  ]
}

/** Queries and percentiles out of what sysbench prints with --histogram. */
export function parseSysbench(output: string): { rps: number; p50Ms: number; p99Ms: number } {
  const queries = /^ +queries: +\d+ +\(([\d.]+) per sec\.\)/m.exec(output)?.[1]
  const buckets = Array.from(output.matchAll(/^ +([\d.]+) \|\** +(\d+)$/gm), ([, ms, count]) => ({
    ms: Number(ms),
    count: Number(count),
  }))
  if (queries === undefined || !(Number(queries) > 0) || buckets.length === 0) {
    throw new Error(`sysbench printed no result: ${output.slice(-500)}`)
  }
  return { rps: Number(queries), p50Ms: percentile(buckets, 0.5), p99Ms: percentile(buckets, 0.99) }
}

/** The middle of the first bucket below or in which this share of the events lies: buckets are 1.8 % wide. */
function percentile(buckets: readonly { ms: number; count: number }[], share: number): number {
  let left = buckets.reduce((sum, { count }) => sum + count, 0) * share
  for (const { ms, count } of buckets) {
    left -= count
    if (left <= 0) return ms
  }
  return buckets.at(-1)?.ms ?? 0
}
