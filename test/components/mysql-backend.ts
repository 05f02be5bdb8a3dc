/** A mysql backend of Portolan's before a server that loses nothing it has committed, for components that work on it. */
import { type Connection, createConnection } from 'mysql2/promise'
import { expect } from 'vitest'
import { MysqlBackend, mysqlBackendKind } from '../../src/backends/mysql/index.ts'
import { silentLogger } from '../../src/observability/logger.ts'
import { Metrics } from '../../src/observability/metrics.ts'
import { type Runtime, systemClock } from '../../src/protocol.ts'
import { startMariadb } from '../support/mariadb-server.ts'
import type { MysqlServer } from '../support/mysql-server.ts'
import { hasMysql9, startMysql9 } from '../support/mysql9-server.ts'

export interface MysqlBench {
  readonly server: MysqlServer
  readonly backend: MysqlBackend
  /** Kills the server, and waits until the backend has noticed. */
  kill(): Promise<void>
  /** Another one before the same server, as another sidecar has it. */
  openBackend(options?: Readonly<Record<string, unknown>>): Promise<MysqlBackend>
  /** Statements that run now and begin so. */
  running(beginning: string): Promise<number>
  /** A connection in a transaction that has run the statement. */
  hold(sql: string): Promise<Connection>
  /** Runs a statement as root; its rows. */
  root(sql: string): Promise<Record<string, unknown>[]>
  stop(): Promise<void>
}

export async function openMysqlBackend(options: Readonly<Record<string, unknown>>): Promise<MysqlBackend> {
  const runtime = { metrics: new Metrics(), logger: silentLogger, clock: systemClock } as unknown as Runtime
  const parsed = mysqlBackendKind.options.parse(options)
  const backend = new MysqlBackend({ name: 'store', protocol: 'mysql', options: parsed }, runtime)
  await backend.start()
  return backend
}

export async function startMysqlBench(): Promise<MysqlBench> {
  const start = hasMysql9 ? startMysql9 : startMariadb
  // What was committed outlives the process.
  const server = await start({ args: ['--innodb-flush-log-at-trx-commit=2'] })
  const account = { username: 'app', password: { command: ['echo', 'app'] } }
  const open = (written: Readonly<Record<string, unknown>> = {}) =>
    openMysqlBackend({ endpoints: [`127.0.0.1:${server.port}`], credentials: account, ...written })
  const connect = () => createConnection({ host: '127.0.0.1', port: server.port, user: 'root' })
  const backend = await open()
  const root: MysqlBench['root'] = async sql => {
    const connection = await connect()
    try {
      const [rows] = await connection.query(sql)
      return rows as Record<string, unknown>[]
    } finally {
      connection.destroy()
    }
  }
  return {
    server,
    backend,
    openBackend: open,
    root,
    async kill() {
      await server.kill()
      await expect.poll(() => backend.pool.idle + backend.pool.lent).toBe(0)
    },
    async hold(sql) {
      const connection = await connect()
      connection.on('error', () => {})
      await connection.query('START TRANSACTION')
      await connection.query(sql)
      return connection
    },
    async running(beginning) {
      const processes = await root('SHOW FULL PROCESSLIST')
      return processes.filter(({ Info }) => String(Info).startsWith(beginning)).length
    },
    async stop() {
      await backend.close(0)
      await server.stop()
    },
  }
}
