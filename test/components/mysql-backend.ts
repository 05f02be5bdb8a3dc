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
  /** Runs a statement as root; its rows. */
  root(sql: string): Promise<Record<string, unknown>[]>
  stop(): Promise<void>
}

export async function openBackend(options: Readonly<Record<string, unknown>>): Promise<MysqlBackend> {
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
  const backend = await openBackend({
    endpoints: [`127.0.0.1:${server.port}`],
    credentials: { username: 'app', password: { command: ['echo', 'app'] } },
  })
  return {
    server,
    backend,
    async kill() {
      await server.kill()
      await expect.poll(() => backend.pool.idle + backend.pool.lent).toBe(0)
    },
    async root(sql) {
      const connection: Connection = await createConnection({ host: '127.0.0.1', port: server.port, user: 'root' })
      try {
        const [rows] = await connection.query(sql)
        return rows as Record<string, unknown>[]
      } finally {
        connection.destroy()
      }
    },
    async stop() {
      await backend.close(0)
      await server.stop()
    },
  }
}
