/** What a server tells of itself over a control connection: product, role, replication, limits. */
import type { ControlConnection, ControlError, Row } from './control.ts'

/** Whether it can be written to, and whom it follows. */
export interface ServerRole {
  /** Refuses writes, by read_only or by what clouds have in its place. */
  readonly readOnly: boolean
  /** Its storage cannot be written to: a replica of a cloud's, whose replication SQL does not show. */
  readonly readOnlyStorage: boolean
  /** Where it replicates from; null for a server that does not, undefined where the account may not know. */
  readonly replication: Replication | null | undefined
}

export interface ServerFacts extends ServerRole {
  /** Product and version, such as `MariaDB 10.11.19`. */
  readonly product: string
  /** Global variables in lower case, as far as the server has them. */
  readonly variables: ReadonlyMap<string, string>
  readonly connections: number | undefined
}

export interface Replication {
  /** `host:port` of the primary. */
  readonly source: string
  readonly running: boolean
  /** Neither fetches nor applies: somebody has ended it, as for a server that is made the primary. */
  readonly stopped: boolean
  /** By the server's own account; null when it does not know, as when replication does not run. */
  readonly lagSeconds: number | null
}

const ROLE_VARIABLES = ['read_only', 'super_read_only', 'innodb_read_only']
const VARIABLES = [
  ...ROLE_VARIABLES,
  'version',
  'version_comment',
  'aurora_version',
  'max_connections',
  'max_user_connections',
  'max_prepared_stmt_count',
  'max_allowed_packet',
  'wait_timeout',
  'wsrep_on',
]

/** By what is said in version and version_comment; the first that fits. */
const PRODUCTS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/TiDB-v(?<version>[\d.]+)/i, 'TiDB'],
  [/OceanBase[^\d]*(?<version>[\d.]+)/i, 'OceanBase'],
  [/SingleStore/i, 'SingleStore'],
  [/Vitess/i, 'Vitess'],
  [/ProxySQL/i, 'ProxySQL'],
  [/MariaDB/i, 'MariaDB'],
  [/Percona XtraDB Cluster/i, 'Percona XtraDB Cluster'],
  [/Percona/i, 'Percona Server'],
]

/** Rejects with ControlError. */
export async function readServerFacts(connection: ControlConnection): Promise<ServerFacts> {
  const variables = await readVariables(connection, VARIABLES)
  const status = pairs(await connection.query("SHOW GLOBAL STATUS LIKE 'Threads_connected'"))
  const connections = status.get('threads_connected')
  return {
    product: productOf(variables),
    ...roleOf(variables, await readReplication(connection)),
    variables,
    connections: connections === undefined ? undefined : Number(connections),
  }
}

/** The part of it that may change at any time. Rejects with ControlError. */
export async function readServerRole(connection: ControlConnection): Promise<ServerRole> {
  return roleOf(await readVariables(connection, ROLE_VARIABLES), await readReplication(connection))
}

function roleOf(variables: ReadonlyMap<string, string>, replication: ServerRole['replication']): ServerRole {
  return {
    readOnly: ROLE_VARIABLES.some(name => isOn(variables.get(name))),
    readOnlyStorage: isOn(variables.get('innodb_read_only')),
    replication,
  }
}

async function readVariables(connection: ControlConnection, names: readonly string[]): Promise<Map<string, string>> {
  const list = names.map(name => `'${name}'`).join(',')
  return pairs(await connection.query(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${list})`))
}

/** Product and version of a server with these variables. */
export function productOf(variables: ReadonlyMap<string, string>): string {
  const version = variables.get('version') ?? ''
  const number = /\d+(\.\d+)+(-\d+)?/.exec(version.replace(/^5\.5\.5-(?=\d+\.\d+\.\d+-MariaDB)/, ''))?.[0] ?? version
  const aurora = variables.get('aurora_version')
  if (aurora !== undefined) return `Aurora MySQL ${aurora} (MySQL ${number})`
  const text = `${version} ${variables.get('version_comment') ?? ''}`
  for (const [pattern, name] of PRODUCTS) {
    const found = pattern.exec(text)
    if (found) return `${name} ${found.groups?.['version'] ?? number}`
  }
  return `MySQL ${number}`
}

/** The older word behind the newer one, which servers before MySQL 8.0.22 and MariaDB 10.5.1 do not know. */
const REPLICA_STATUS = ['SHOW REPLICA STATUS', 'SHOW SLAVE STATUS']

async function readReplication(connection: ControlConnection): Promise<Replication | null | undefined> {
  for (const sql of REPLICA_STATUS) {
    try {
      const [row] = await connection.query(sql)
      return row ? replicationOf(row) : null
    } catch (error) {
      // Refused: no such statement, or not for this account. What is left unanswered is for the caller.
      if ((error as ControlError).number === undefined) throw error
    }
  }
  return undefined
}

/** Of several sources the first. */
export function replicationOf(row: Row): Replication {
  const of = (newer: string, older: string) => row[newer] ?? row[older] ?? null
  const lag = of('Seconds_Behind_Source', 'Seconds_Behind_Master')
  const threads = [of('Replica_IO_Running', 'Slave_IO_Running'), of('Replica_SQL_Running', 'Slave_SQL_Running')]
  return {
    source: `${of('Source_Host', 'Master_Host')}:${of('Source_Port', 'Master_Port')}`,
    running: threads.every(thread => thread === 'Yes'),
    stopped: threads.every(thread => thread === 'No'),
    lagSeconds: lag === null ? null : Number(lag),
  }
}

function isOn(value: string | undefined): boolean {
  // MariaDB 12 has further values, all of them read-only.
  return value !== undefined && !/^(off|0)$/i.test(value)
}

function pairs(rows: readonly Row[]): Map<string, string> {
  return new Map(rows.map(row => [String(row['Variable_name']).toLowerCase(), row['Value'] ?? '']))
}
