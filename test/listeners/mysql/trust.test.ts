/** A listener without users lets everybody in, with any password and any client library. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'

const rig = new MysqlRig()
let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb()
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
})
afterAll(() => server.stop())
afterEach(() => rig.close())

const portolan = () =>
  rig.portolan(server.port, {
    backend: { credentials: { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } } },
  })

test.each([['caching_sha2_password'], ['mysql_native_password'], ['']])(
  "MariaDB's command line, which likes %j best",
  async plugin => {
    const port = String((await portolan()).port())
    for (const password of ['whatever', '']) {
      const args = ['--no-defaults', '-h127.0.0.1', `-P${port}`, '-unobody', '-N', '-e', 'SELECT 6 * 7']
      if (password !== '') args.push(`-p${password}`)
      if (plugin !== '') args.push(`--default-auth=${plugin}`)
      const { stdout } = await promisify(execFile)('mariadb', args)
      expect(stdout).toBe('42\n')
    }
  },
)

test('mysql2, and as another user later', async () => {
  const main = await portolan()
  for (const password of ['whatever', '']) {
    const client = await rig.client(main, { user: 'nobody', password })
    await client.changeUser({ user: 'somebody', password, database: 'app' } as never)
    expect(await value(client, 'SELECT 6 * 7')).toBe(42)
  }
})
