/** The collation that a client logs in with is that of its results' metadata. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig } from '../../support/mysql.ts'

const rig = new MysqlRig()
let server: MariadbServer

beforeAll(async () => {
  server = await startMariadb()
})
afterEach(() => rig.close())
afterAll(() => server.stop())

test('columns have it, as directly', async () => {
  const credentials = { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } }
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  const portolan = await rig.portolan(server.port, { backend: { credentials, pool: { max: 1 } } })
  for (const [charset, id] of [
    ['UTF8MB4_UNICODE_CI', 224],
    ['UTF8MB4_BIN', 46],
    ['LATIN1_GERMAN1_CI', 5],
  ] as const) {
    // The second client of Portolan's has a connection that was reset.
    for (const where of [server.port, portolan, portolan]) {
      const client = await rig.client(where, { charset })
      await client.query('SET @a = 1')
      const [, fields] = await client.query("SELECT 'text' AS t")
      expect([charset, fields[0]!.characterSet]).toEqual([charset, id])
      await client.end()
    }
  }
})
