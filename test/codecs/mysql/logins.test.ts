/** Logins with every plugin of a real server: MariaDB, or MySQL as PORTOLAN_TEST_MYSQL names it (see live.test.ts). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Capabilities,
  CLIENT_DEPRECATE_EOF,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA,
  CLIENT_PROTOCOL_41,
  CLIENT_RESERVED2,
  decodeTextResults,
  ed25519Hash,
  nativeHash,
} from '../../../codecs/mysql/index.ts'
import { Authority } from '../../net/certificates.ts'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { type Address, Client, type ClientOptions, LoginRefused } from './client.ts'

const CAPABILITIES: Capabilities = {
  low:
    CLIENT_PROTOCOL_41 |
    CLIENT_RESERVED2 |
    CLIENT_PLUGIN_AUTH |
    CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA |
    CLIENT_DEPRECATE_EOF,
  mariadb: 0,
}

/** Whom the server took us for. */
async function login(address: Address, options: Partial<ClientOptions> = {}): Promise<string> {
  const client = await Client.login(address, { capabilities: CAPABILITIES, ...options })
  const { raw } = await client.run('SELECT CURRENT_USER()')
  client.close()
  return decodeTextResults(raw, client.capabilities)[0]!.rows[0]![0]!
}

async function refusal(address: Address, options: Partial<ClientOptions> = {}): Promise<number> {
  try {
    await login(address, options)
    return 0
  } catch (error) {
    if (error instanceof LoginRefused) return error.packet.code
    throw error
  }
}

const given = /^(.*?):(.*)@(.*):(\d+)$/.exec(process.env['PORTOLAN_TEST_MYSQL'] ?? '')

describe.skipIf(given)('MariaDB', () => {
  let authority: Authority
  let server: MariadbServer
  let address: Address

  beforeAll(async () => {
    authority = new Authority()
    server = await startMariadb({
      args: ['--plugin-load-add=auth_ed25519'],
      sql: [
        "CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('pässwörd')",
        "CREATE USER native@'%' IDENTIFIED BY 'pässwörd'",
        "CREATE USER empty@'%'",
      ],
      tls: { ...authority.issue('server'), ca: authority.cert },
    })
    address = { host: server.host, port: server.port, password: 'pässwörd' }
  })

  afterAll(async () => {
    await server?.stop()
    authority?.remove()
  })

  test('what it stores is what we compute', async () => {
    const client = await Client.login({ ...address, user: 'app', password: 'app' }, { capabilities: CAPABILITIES })
    const { raw } = await client.run(
      "SELECT PASSWORD('app'), (SELECT authentication_string FROM mysql.user WHERE user = 'ed')",
    )
    client.close()
    expect(decodeTextResults(raw, client.capabilities)[0]!.rows).toEqual([
      [`*${nativeHash('app').toString('hex').toUpperCase()}`, ed25519Hash('pässwörd').toString('base64').slice(0, -1)],
    ])
  })

  test.each([
    ['mysql_native_password', 'native', 'mysql_native_password'],
    ['a switch to mysql_native_password', 'native', 'caching_sha2_password'],
    ['a switch from an unknown plugin', 'native', 'no_such_plugin'],
    ['ed25519, by a switch', 'ed', 'mysql_native_password'],
    ['ed25519, named at once', 'ed', 'client_ed25519'],
    ['no password', 'empty', 'mysql_native_password'],
  ])('%s', async (_, user, plugin) => {
    const right = { ...address, user, ...(user === 'empty' && { password: '' }) }
    for (const tls of [false, true]) {
      expect(await login(right, { plugin, tls })).toBe(`${user}@%`)
      expect(await refusal({ ...right, password: 'wrong' }, { plugin, tls })).toBe(1045)
    }
  })

  test('a unix socket, where the server looks who we are', async () => {
    expect(await login({ socketPath: server.socketPath, user: 'root', password: '' })).toBe('root@localhost')
  })

  test('a user that does not exist', async () => {
    expect(await refusal({ ...address, user: 'nobody' })).toBe(1045)
  })
})

describe.runIf(given)('MySQL', () => {
  const address: Address = { host: given?.[3] ?? '', port: Number(given?.[4]), password: 'pässwörd' }

  beforeAll(async () => {
    const root = { ...address, user: given![1]!, password: given![2]! }
    const client = await Client.login(root, { capabilities: CAPABILITIES })
    for (const plugin of ['caching_sha2_password', 'sha256_password']) {
      await client.run(`DROP USER IF EXISTS ${plugin}`)
      await client.run(`CREATE USER ${plugin} IDENTIFIED WITH ${plugin} BY 'pässwörd'`)
    }
    await client.run('FLUSH PRIVILEGES')
    client.close()
  })

  test.each(['caching_sha2_password', 'sha256_password'])('%s', async user => {
    for (const plugin of ['caching_sha2_password', 'sha256_password', 'mysql_native_password', 'no_such_plugin']) {
      // In full by RSA the first time, then by the cache; and by TLS.
      for (const tls of [false, false, true]) {
        expect(await login({ ...address, user }, { plugin, tls })).toBe(`${user}@%`)
        expect(await refusal({ ...address, user, password: 'wrong' }, { plugin, tls })).toBe(1045)
      }
    }
  })
})
