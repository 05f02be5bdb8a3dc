/**
 * Servers that replicate by GTID: a primary, and replicas that are read-only and follow it. Each has a table app.which of
 * its own, with the number of the server.
 */
import { type Connection, createConnection } from 'mysql2/promise'
import { type MariadbServer, startMariadb } from './mariadb-server.ts'

const ROOT = { host: '127.0.0.1', user: 'root' }

/** Rights of an application and of one who looks at roles; none that read_only does not hold for. */
const ACCOUNT = [
  "CREATE USER IF NOT EXISTS portolan@'%' IDENTIFIED BY 'portolan'",
  "GRANT ALL ON app.* TO portolan@'%'",
  "GRANT REPLICATION SLAVE, SLAVE MONITOR, BINLOG MONITOR ON *.* TO portolan@'%'",
]

export class ReplicationSet {
  readonly servers: readonly MariadbServer[]

  /** The first one is the primary. `server_id` is a server's place, from 1. */
  static async start(count: number): Promise<ReplicationSet> {
    // What was committed outlives the process, in the tables as in the log.
    const lasting = '--innodb-flush-log-at-trx-commit=2'
    const starting = Array.from({ length: count }, (_, index) =>
      startMariadb({
        args: [`--server-id=${index + 1}`, '--log-bin=bin', '--log-slave-updates', '--gtid-strict-mode=ON', lasting],
        sql: index === 0 ? ACCOUNT : [],
      }),
    )
    const set = new ReplicationSet(await Promise.all(starting))
    await Promise.all(set.servers.slice(1).map(replica => set.follow(replica, set.servers[0]!)))
    const own = ['SET sql_log_bin = OFF', 'CREATE TABLE app.which AS SELECT @@server_id AS server']
    await Promise.all(set.servers.map(server => set.run(server, ...own)))
    return set
  }

  private constructor(servers: readonly MariadbServer[]) {
    this.servers = servers
  }

  get ports(): number[] {
    return this.servers.map(({ port }) => port)
  }

  /** Makes a server a read-only replica of another one, and waits until it has what that has now. */
  async follow(replica: MariadbServer, primary: MariadbServer): Promise<void> {
    const position = await this.run(primary, 'SELECT @@gtid_binlog_pos AS position')
    await this.run(
      replica,
      'STOP SLAVE',
      'SET GLOBAL read_only = ON',
      `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${primary.port}, MASTER_USER='root', MASTER_USE_GTID=slave_pos,
       MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=1`,
      'START SLAVE',
      `SELECT MASTER_GTID_WAIT('${(position as { position: string }[])[0]!.position}', 10)`,
    )
  }

  /** Makes a replica the primary: it has applied what it has fetched. */
  async promote(replica: MariadbServer): Promise<void> {
    await this.run(replica, 'STOP SLAVE IO_THREAD', 'STOP SLAVE', 'RESET SLAVE ALL', 'SET GLOBAL read_only = OFF')
  }

  /** Runs statements as root; returns the rows of the last one. */
  async run(server: MariadbServer, ...statements: string[]): Promise<unknown> {
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
