/** The MySQL suite: sysbench direct and through HAProxy, MySQL Router and Portolan in session and transaction mode. */

import { join } from 'node:path'
import { runToEnd } from '../lib/child.ts'
import type { AbsentPeer, Goal, LoadRow, Peer, Row, Suite, SuiteOptions, TransferRow } from '../lib/suite.ts'
import { fill, parseSysbench, printRows, sysbench, TABLE_ROWS } from './mysql-client.ts'
import { haproxy, portolans } from './mysql-peers.ts'
import { mariadb, mysql9, mysqlRouter, unpackedRoot } from './mysql-servers.ts'

const ROUTER = 'mysql-router'
/** What every row is measured on but those for many clients on few connections. */
const PEERS = ['direct', 'haproxy', ROUTER, 'portolan-session*', 'portolan-transaction*']
const MANY_PEERS = ['direct', 'haproxy', 'portolan-pool20*']

/** The scripts of sysbench, how many queries an event of each has, and about how many queries a second there are. */
const SCRIPTS = {
  point: { script: 'oltp_point_select', title: 'point selects', queries: 1, expectedRps: 25_000 },
  mix: { script: 'oltp_read_write', title: 'read/write mix', queries: 20, expectedRps: 15_000 },
} as const

interface Load {
  readonly script: keyof typeof SCRIPTS
  readonly isPrepared?: boolean
  readonly threads: number
  readonly peers?: readonly string[]
  readonly pinned?: boolean
}

function load({ script: key, isPrepared = false, threads, peers = PEERS, pinned = true }: Load): LoadRow {
  const { script, title, queries, expectedRps } = SCRIPTS[key]
  const how = isPrepared ? 'prepared' : 'text'
  return {
    kind: 'load',
    name: `${key}-${how}-t${threads}${pinned ? '' : '-unpinned'}`,
    title: `${title}, ${how}, ${threads} thread${threads === 1 ? '' : 's'}${pinned ? '' : ', unpinned'}`,
    peers,
    pinned,
    expectedRps: threads === 1 ? 5000 : expectedRps,
    begins: 'Threads started!',
    command: (port, requests) => sysbench(port, { script, threads, isPrepared, events: Math.ceil(requests / queries) }),
    parse: parseSysbench,
  }
}

/** The whole table in one result. */
function wholeTable(root: string): LoadRow {
  const script = join(root, 'bench/suites/mysql-rows.lua')
  return {
    kind: 'load',
    name: 'rows-100k',
    title: `a result of ${TABLE_ROWS.toLocaleString('en-US')} rows, 19 MB, text, 1 thread`,
    peers: PEERS,
    pinned: true,
    expectedRps: 5,
    leastRequests: 3,
    begins: 'Threads started!',
    command: (port, requests) => sysbench(port, { script, threads: 1, isPrepared: false, events: requests }),
    parse: parseSysbench,
  }
}

function gigabyte(quick: boolean): TransferRow {
  const bytes = quick ? 2 ** 26 : 2 ** 30
  const each = Math.floor(bytes / TABLE_ROWS)
  return {
    kind: 'transfer',
    name: 'rows-1gib',
    title: `a result of ${quick ? '64 MiB' : '1 GiB'} in ${TABLE_ROWS.toLocaleString('en-US')} rows`,
    peers: PEERS,
    probe,
    bytes: each * TABLE_ROWS,
    command: port => printRows(port, `SELECT REPEAT('x', ${each}) FROM sbtest1`),
  }
}

const BUSY_ROWS = [16, 64].flatMap(threads => [
  load({ script: 'point', threads }),
  load({ script: 'point', threads, isPrepared: true }),
  load({ script: 'mix', threads }),
  load({ script: 'mix', threads, isPrepared: true }),
])
const ALONE = load({ script: 'point', threads: 1 })
const MANY_ROWS = [true, false].map(pinned => load({ script: 'point', threads: 1000, peers: MANY_PEERS, pinned }))

function rows(root: string, quick: boolean): Row[] {
  return [ALONE, ...BUSY_ROWS, wholeTable(root), gigabyte(quick), ...MANY_ROWS]
}

/** What Portolan wants to reach, as ratios within one run. */
function goals(): Goal[] {
  const cpu = { title: 'CPU per query', metric: 'cpuUs' } as const
  const busy = BUSY_ROWS.map(({ name }) => name)
  const of = (mode: string) => `portolan-${mode}`
  const session = of('session')
  const transaction = of('transaction')
  return [
    ...busy.map(row => ({ ...cpu, row, of: session, against: 'haproxy', atMost: 1.15 })),
    ...busy.map(row => ({ ...cpu, row, of: transaction, against: 'haproxy', atMost: 1.3 })),
    ...busy.map(row => ({ ...cpu, row, of: transaction, against: ROUTER, atMost: 1 })),
    ...[session, transaction].flatMap((peer): Goal[] => [
      ...busy
        .filter(row => row.endsWith('-t64'))
        .map((row): Goal => ({ title: 'queries/s', row, metric: 'rps', of: peer, against: 'haproxy', atLeast: 1 })),
      { title: 'CPU per result', row: 'rows-100k', metric: 'cpuUs', of: peer, against: 'haproxy', atMost: 1.4 },
      { title: 'memory growth', row: 'rows-1gib', metric: 'growthMb', of: peer, atMost: 32 },
      // Both have the server's own time in them: what is added is no more exactly when the whole is no more.
      { title: 'latency of one client', row: ALONE.name, metric: 'p50Ms', of: peer, against: 'haproxy', atMost: 1 },
    ]),
    ...MANY_ROWS.map(({ name: row }): Goal => {
      return { title: 'queries/s, 20 connections', row, metric: 'rps', of: of('pool20'), against: 'direct', atLeast: 1 }
    }),
  ]
}

/** One statement and its answer. */
async function probe(port: number): Promise<void> {
  const printed = await runToEnd(printRows(port, 'SELECT COUNT(*) FROM sbtest1'))
  if (printed !== `${TABLE_ROWS}\n`) throw new Error(`a count of rows was answered with ${JSON.stringify(printed)}`)
}

export function mysqlSuite({ root, quick, backend, variants }: SuiteOptions): Suite {
  const unpacked = unpackedRoot(process.env)
  const router: Peer[] = unpacked === undefined ? [] : [mysqlRouter(unpacked)]
  const absent: AbsentPeer[] =
    unpacked === undefined ? [{ name: ROUTER, reason: 'as MYSQL9_ROOT does not name a folder that has it' }] : []
  return {
    name: 'mysql',
    title: backend === 'mysql9' ? 'MySQL (MySQL 9)' : 'MySQL',
    backend: chosenBackend(backend, unpacked),
    fill,
    peers: [
      { name: 'direct' },
      haproxy,
      ...router,
      ...portolans(root),
      ...variants.flatMap(({ name, path }) => portolans(path, name)),
    ],
    absent,
    rows: rows(root, quick),
    goals: goals(),
    probe,
  }
}

function chosenBackend(name: string, unpacked: string | undefined): Suite['backend'] {
  if (name === '' || name === 'mariadb') return mariadb
  if (name !== 'mysql9') throw new Error(`the MySQL suite has the backends mariadb and mysql9, not "${name}"`)
  if (unpacked === undefined) throw new Error('mysql9 wants MYSQL9_ROOT to name the folder that it was unpacked into')
  return mysql9(unpacked)
}
