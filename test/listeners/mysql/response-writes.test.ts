/** How often the listener writes to a client: system calls are what a proxy costs (bench/README.md). */
import { afterEach, expect, test, vi } from 'vitest'
import { Downstream } from '../../../listeners/mysql/downstream.ts'
import { startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig } from '../../support/mysql.ts'

const rig = new MysqlRig()
afterEach(() => {
  vi.restoreAllMocks()
  return rig.close()
})

test('a result is one write, also where the server tells of the transaction and the client does not hear of it', async () => {
  const server = await startMariadb()
  try {
    process.env['MYSQL_TEST_PASSWORD'] = 'app'
    const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
    const portolan = await rig.portolan(server.port, { backend: { credentials } })
    for (const flags of [['-SESSION_TRACK'], ['SESSION_TRACK']]) {
      const client = await rig.client(portolan, { flags })
      await client.query('CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, s VARCHAR(10))')
      await client.query("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
      const write = vi.spyOn(Downstream.prototype, 'write')
      const writes: [statement: string, count: number][] = []
      for (const statement of [
        'START TRANSACTION',
        'SELECT s FROM t',
        'SELECT s FROM t WHERE id > 1',
        "UPDATE t SET s = 'c'",
        'SELECT s FROM t',
        'COMMIT',
      ]) {
        write.mockClear()
        await client.query(statement)
        writes.push([statement, write.mock.calls.length])
      }
      expect(writes.filter(([, count]) => count !== 1)).toEqual([])
      write.mockRestore()
    }
  } finally {
    await rig.close()
    await server.stop()
  }
})
