/**
 * Servers that replicate by GTID: a primary, and replicas that are read-only and follow it. Each has a table app.which of
 * its own, with the number of the server. They are MariaDB, or MySQL 9 where there is one (mysql9-server.ts).
 */
import { type Connection, createConnection } from 'mysql2/promise'
import { startMariadb } from './mariadb-server.ts'
import type { MysqlServer } from './mysql-server.ts'
import { hasMysql9, startMysql9 } from './mysql9-server.ts'

const ROOT = { host: '127.0.0.1', user: 'root' }

/** Rights of an application and of one who looks at roles; none that read_only does not hold for. */
const ACCOUNT = [
  "CREATE USER IF NOT EXISTS portolan@'%' IDENTIFIED BY 'portolan'",
  "GRANT ALL ON app.* TO portolan@'%'",
]

/** How a product says it. */
interface Dialect {
  start(options: { args: readonly string[]; sql: readonly string[] }): Promise<MysqlServer>
  readonly args: readonly string[]
  readonly rights: string
  /** A replica. */
  readonly replica: string
  source(port: number): string
  delay(seconds: number): string
  /** All that is in a server's own log. */
  readonly position: string
  wait(position: string): string
  /** Of SHOW REPLICA STATUS: what has been fetched. */
  readonly fetched: string
  /** Commits are acknowledged when a replica has them. */
  readonly acknowledge: Readonly<Record<'primary' | 'replica', readonly string[]>>
}

const MARIADB: Dialect = {
  start: startMariadb,
  args: ['--log-slave-updates', '--gtid-strict-mode=ON'],
  rights: 'REPLICATION SLAVE, SLAVE MONITOR, BINLOG MONITOR',
  replica: 'SLAVE',
  source: port =>
    `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${port}, MASTER_USER='root', MASTER_USE_GTID=slave_pos,
     MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=1`,
  delay: seconds => `CHANGE MASTER TO MASTER_DELAY=${seconds}`,
  position: '@@gtid_binlog_pos',
  wait: position => `SELECT MASTER_GTID_WAIT('${position}', 20)`,
  fetched: 'Gtid_IO_Pos',
  acknowledge: {
    primary: ['SET GLOBAL rpl_semi_sync_master_enabled = ON'],
    replica: ['SET GLOBAL rpl_semi_sync_slave_enabled = ON'],
  },
}

const MYSQL: Dialect = {
  start: startMysql9,
  args: ['--gtid-mode=ON', '--enforce-gtid-consistency=ON', '--log-bin-trust-function-creators=ON'],
  rights: 'REPLICATION SLAVE, REPLICATION CLIENT',
  replica: 'REPLICA',
  source: port =>
    `CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=${port}, SOURCE_USER='root', SOURCE_AUTO_POSITION=1,
     SOURCE_CONNECT_RETRY=1, SOURCE_HEARTBEAT_PERIOD=1, GET_SOURCE_PUBLIC_KEY=1`,
  delay: seconds => `CHANGE REPLICATION SOURCE TO SOURCE_DELAY=${seconds}`,
  position: '@@GLOBAL.gtid_executed',
  wait: position => `SELECT WAIT_FOR_EXECUTED_GTID_SET('${position}', 20)`,
  fetched: 'Retrieved_Gtid_Set',
  acknowledge: {
    primary: [
      "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'",
      'SET GLOBAL rpl_semi_sync_source_enabled = ON',
    ],
    replica: [
      "INSTALL PLUGIN rpl_semi_sync_replica SONAME 'semisync_replica.so'",
      'SET GLOBAL rpl_semi_sync_replica_enabled = ON',
    ],
  },
}

const DIALECT = hasMysql9 ? MYSQL : MARIADB
const { replica: REPLICA } = DIALECT

export class ReplicationSet {
  readonly servers: readonly MysqlServer[]

  /** The first one is the primary. `server_id` is a server's place, from 1. */
  static async start(count: number): Promise<ReplicationSet> {
    // What was committed outlives the process, in the tables as in the log.
    const common = ['--log-bin=bin', '--innodb-flush-log-at-trx-commit=2', ...DIALECT.args]
    const account = [...ACCOUNT, `GRANT ${DIALECT.rights} ON *.* TO portolan@'%'`]
    const starting = Array.from({ length: count }, (_, index) =>
      DIALECT.start({ args: [`--server-id=${index + 1}`, ...common], sql: index === 0 ? account : [] }),
    )
    const set = new ReplicationSet(await Promise.all(starting))
    await Promise.all(set.servers.slice(1).map(replica => set.follow(replica, set.servers[0]!)))
    const own = ['SET sql_log_bin = OFF', 'CREATE TABLE app.which AS SELECT @@server_id AS server']
    await Promise.all(set.servers.map(server => set.run(server, ...own)))
    return set
  }

  private constructor(servers: readonly MysqlServer[]) {
    this.servers = servers
  }

  get ports(): number[] {
    return this.servers.map(({ port }) => port)
  }

  /** Makes a server a read-only replica of another one, and waits until it has what that has now. */
  async follow(replica: MysqlServer, primary: MysqlServer): Promise<void> {
    const source = DIALECT.source(primary.port)
    await this.run(replica, `STOP ${REPLICA}`, 'SET GLOBAL read_only = ON', source, `START ${REPLICA}`)
    await this.catchUp(replica, primary)
  }

  /** Waits until a replica has what its primary has now. */
  async catchUp(replica: MysqlServer, primary: MysqlServer): Promise<void> {
    const rows = await this.run(primary, `SELECT ${DIALECT.position} AS position`)
    await this.run(replica, DIALECT.wait((rows as { position: string }[])[0]!.position))
  }

  /** Waits until a replica has what it has fetched, and fetches no more. */
  async applyFetched(replica: MysqlServer): Promise<void> {
    await this.run(replica, `STOP ${REPLICA} IO_THREAD`)
    const [status] = (await this.run(replica, `SHOW ${REPLICA} STATUS`)) as [Record<string, string>]
    await this.run(replica, DIALECT.wait(status[DIALECT.fetched]!))
  }

  /** From now on a client of the primary is told of a commit when the replica has it. */
  async acknowledge(replica: MysqlServer, primary: MysqlServer): Promise<void> {
    await this.run(replica, ...DIALECT.acknowledge.replica, `STOP ${REPLICA}`, `START ${REPLICA}`)
    await this.run(primary, ...DIALECT.acknowledge.primary)
    await this.catchUp(replica, primary)
  }

  /** The replicas stay that far behind; with 0 they do not replicate until they follow() again. */
  async delayReplicas(seconds: number): Promise<void> {
    const start = seconds > 0 ? [`START ${REPLICA}`] : []
    const statements = [`STOP ${REPLICA}`, DIALECT.delay(seconds), ...start]
    await Promise.all(this.servers.slice(1).map(replica => this.run(replica, ...statements)))
  }

  /** What is fetched stays unapplied. */
  async stopApplying(replica: MysqlServer): Promise<void> {
    await this.run(replica, `STOP ${REPLICA} SQL_THREAD`)
  }

  async startApplying(replica: MysqlServer): Promise<void> {
    await this.run(replica, `START ${REPLICA} SQL_THREAD`)
  }

  /** Makes a replica the primary: it has applied what it has fetched. */
  async promote(replica: MysqlServer): Promise<void> {
    const leave = [`STOP ${REPLICA} IO_THREAD`, `STOP ${REPLICA}`, `RESET ${REPLICA} ALL`]
    await this.run(replica, ...leave, 'SET GLOBAL read_only = OFF')
  }

  /** Runs statements as root; returns the rows of the last one. */
  async run(server: MysqlServer, ...statements: string[]): Promise<unknown> {
    const connection: Connection = await createConnection({ ...ROOT, port: server.port })
    try {
      let rows: unknown
      for (const statement of statements) [rows] = await connection.query(statement)
      return rows
    } finally {
      connection.destroy()
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map(server => server.stop()))
  }
}
