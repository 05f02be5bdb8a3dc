/** The account at the backend: tokens that change, and plugins of the server's. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import { until } from '../../support/portolan.ts'

const rig = new MysqlRig()
let server: MariadbServer
beforeAll(async () => {
  process.env['MYSQL_TEST_SECRET'] = 'sécret'
  server = await startMariadb({
    args: ['--plugin-load-add=auth_ed25519'],
    sql: [
      "CREATE USER ed25519@'%' IDENTIFIED VIA ed25519 USING PASSWORD('sécret')",
      "CREATE USER native@'%' IDENTIFIED BY 'sécret'",
      "CREATE USER token@'%' IDENTIFIED BY 'first'",
      "GRANT ALL ON *.* TO ed25519@'%', native@'%', token@'%'",
    ],
  })
})
afterAll(() => server.stop())
afterEach(() => rig.close())

test.each(['native', 'ed25519'])('an account with the plugin %s', async username => {
  const credentials = { username, password: { env: 'MYSQL_TEST_SECRET' } }
  const client = await rig.client(await rig.portolan(server.port, { backend: { credentials } }))
  expect(await value(client, "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)")).toBe(username)
})

/** Has the next statement need a new login. */
async function renew(client: Connection, direct: Connection): Promise<void> {
  const id = await value(client, 'SELECT 0 + CONNECTION_ID()')
  await direct.query(`KILL ${id}`)
}

test('a token of a command: good for its time, read anew when it is refused, the last one kept', async () => {
  const file = join(server.dir, 'token')
  const issue = (token: string) => writeFileSync(file, token)
  issue('first')
  const password = { command: ['cat', file], refresh: '1h' }
  const portolan = await rig.portolan(server.port, {
    backend: { credentials: { username: 'token', password }, pool: { max: 2 } },
  })
  const direct = await rig.client(server.port)
  const works = async () => {
    const client = await rig.client(portolan)
    const answer = await value(client, 'SELECT 6 * 7')
    await renew(client, direct).catch(() => {})
    return answer
  }
  expect(await works()).toBe(42)
  // Good for an hour: what the command would say now is not asked for.
  issue('not yet')
  expect(await works()).toBe(42)
  await direct.query("ALTER USER token@'%' IDENTIFIED BY 'second'")
  issue('second')
  await until(async () => (await works().catch(() => 0)) === 42)
  expect(await works()).toBe(42)
  // The command fails: what it said last is still tried.
  rmSync(file)
  expect(await works()).toBe(42)
})

test('a token is good for its time whatever else the server refuses', async () => {
  const [token, runs] = [join(server.dir, 'fixed-token'), join(server.dir, 'runs')]
  writeFileSync(token, 'sécret')
  const command = ['sh', '-c', 'echo >> "$1"; cat "$0"', token, runs]
  const portolan = await rig.portolan(server.port, {
    backend: { credentials: { username: 'native', password: { command, refresh: '1h' } } },
  })
  const count = () => readFileSync(runs).length
  await (await rig.client(portolan)).query('BEGIN')
  expect(count()).toBe(1)
  // Each of them needs a connection of its own.
  for (let i = 0; i < 3; i++) {
    await expect(rig.client(portolan, { database: 'nowhere' })).rejects.toMatchObject({ errno: 1049 })
  }
  expect(await value(await rig.client(portolan), 'SELECT 1')).toBe(1)
  expect(count()).toBe(1)
})

test('an account whose password has expired: clients get the words of the server', async () => {
  const direct = await rig.client(server.port)
  await direct.query("CREATE OR REPLACE USER expired@'%' IDENTIFIED BY 'sécret' PASSWORD EXPIRE")
  const credentials = { username: 'expired', password: { env: 'MYSQL_TEST_SECRET' } }
  const portolan = await rig.portolan(server.port, { backend: { credentials } })
  const asked = rig.client(portolan)
  await expect(asked).rejects.toMatchObject({ errno: 1820, message: expect.stringMatching(/must SET PASSWORD/) })
  expect(portolan.status().lastError).toMatch(/must SET PASSWORD/)
})
