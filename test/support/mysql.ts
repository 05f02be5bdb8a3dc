/** Clients of mysql2 to a Portolan over a real server, closed after each test. */
import mysql, { type Connection, type ConnectionOptions, type RowDataPacket } from 'mysql2/promise'
import { Portolan, type PortolanSetup } from './portolan.ts'

export class MysqlRig {
  readonly #connections: Connection[] = []
  readonly #portolans: Portolan[] = []

  /** A Portolan that has started, over a server on this machine with the account app. */
  async portolan(port: number, setup: Partial<PortolanSetup> = {}): Promise<Portolan> {
    const portolan = new Portolan({ main: { protocol: 'mysql', endpoints: [port], ...setup } })
    this.#portolans.push(portolan)
    await portolan.app.start()
    return portolan
  }

  /** A client, as user app in database app. */
  async client(to: Portolan | number, options: ConnectionOptions = {}): Promise<Connection> {
    const port = typeof to === 'number' ? to : to.port()
    const account = { user: 'app', password: 'app', database: 'app' }
    const connection = await mysql.createConnection({ host: '127.0.0.1', port, ...account, ...options })
    this.#connections.push(connection)
    connection.on('error', () => {})
    return connection
  }

  clients(count: number, to: Portolan | number, options: ConnectionOptions = {}): Promise<Connection[]> {
    return Promise.all(Array.from({ length: count }, () => this.client(to, options)))
  }

  async close(): Promise<void> {
    for (const connection of this.#connections.splice(0)) connection.destroy()
    await Promise.all(this.#portolans.splice(0).map(portolan => portolan.app.close()))
  }
}

/** The first row of a query. */
export async function row(connection: Connection, sql: string, values: unknown[] = []): Promise<RowDataPacket> {
  const [rows] = await connection.query<RowDataPacket[]>(sql, values)
  return rows[0]!
}

/** The value of a query with one. */
export async function value(connection: Connection, sql: string, values: unknown[] = []): Promise<unknown> {
  return Object.values(await row(connection, sql, values))[0]
}
