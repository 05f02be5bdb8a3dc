/** Compression on either hop: what the clients get is the same, whatever travels. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { deflateSync } from 'node:zlib'
import { createConnection as connectMariadb } from 'mariadb'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  CLIENT_COMPRESS,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PROTOCOL_41,
  CLIENT_RESERVED2,
} from '../../../codecs/mysql/index.ts'
import { Client } from '../../codecs/mysql/client.ts'
import { Authority, type Identity } from '../../net/certificates.ts'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, row, value } from '../../support/mysql.ts'
import type { Portolan } from '../../support/portolan.ts'

const rig = new MysqlRig()
let server: MariadbServer
let authority: Authority
let own: Identity
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  authority = new Authority()
  own = authority.issue('server')
  server = await startMariadb({
    args: ['--max-allowed-packet=128M'],
    tls: { ...own, ca: authority.cert },
    sql: ['CREATE TABLE app.t (id INT AUTO_INCREMENT PRIMARY KEY, a LONGTEXT)'],
  })
})
afterAll(async () => {
  await server.stop()
  authority.remove()
})
afterEach(() => rig.close())

const COMPRESSING = { low: CLIENT_PROTOCOL_41 | CLIENT_RESERVED2 | CLIENT_PLUGIN_AUTH | CLIENT_COMPRESS, mariadb: 0 }

const password = { env: 'MYSQL_TEST_PASSWORD' }

const listening = (backend: object = {}, listener: object = {}): Promise<Portolan> =>
  rig.portolan(server.port, {
    backend: { credentials: { username: 'app', password }, ...backend },
    listener: { users: [{ name: 'app', password }], tls: own, ...listener },
  })

const commandLine = async (portolan: Portolan, sql: string, ...further: string[]): Promise<string> => {
  const args = [
    '--no-defaults',
    '-h127.0.0.1',
    `-P${portolan.port()}`,
    '-uapp',
    '-papp',
    '-N',
    '--compress',
    ...further,
  ]
  args.push('--max-allowed-packet=128M', '-e', sql, 'app')
  return (await promisify(execFile)('mariadb', args, { maxBuffer: 100_000_000 })).stdout
}

/** What compresses well, badly, and not at all. */
const TEXTS = [Buffer.alloc(700_000, 'abc').toString(), randomBytes(200_000).toString('hex'), 'short', '']

for (const [hops, backend] of [
  ['to the client', {}],
  ['on both hops', { compression: 'zlib' }],
  ['on both hops with TLS', { compression: 'zlib', tls: { verify: false } }],
] as const) {
  describe(`zlib ${hops}`, () => {
    test('mysql2: large and small, in text and prepared', async () => {
      const client = await rig.client(await listening(backend), {
        compress: true,
        ...('tls' in backend && { ssl: { rejectUnauthorized: false } }),
      })
      expect((await row(client, "SHOW STATUS LIKE 'Compression'"))['Value']).toBe(
        'compression' in backend ? 'ON' : 'OFF',
      )
      for (const text of TEXTS) {
        expect((await value(client, 'SELECT ?', [text])) === text).toBe(true)
        const [rows] = await client.execute('SELECT ? AS text', [text])
        expect((rows as { text: string }[])[0]!.text === text).toBe(true)
      }
      const [rows] = await client.query('SELECT seq, REPEAT(seq, 10) AS text FROM seq_1_to_20000')
      expect((rows as object[])[19_999]).toEqual({ seq: 20_000, text: '20000'.repeat(10) })
    })

    test('mariadb, with commands one behind the other', async () => {
      const portolan = await listening(backend)
      const client = await connectMariadb({
        host: '127.0.0.1',
        port: portolan.port(),
        user: 'app',
        password: 'app',
        compress: true,
        ssl: 'tls' in backend ? { rejectUnauthorized: false } : false,
      })
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          client.query({ sql: 'SELECT ? AS n, REPEAT(?, 20000) AS t', rowsAsArray: true }, [i, `${i}`]),
        ),
      )
      expect(answers.map(([[n, t]]) => [n, t.length])).toEqual(
        Array.from({ length: 50 }, (_, i) => [i, 20_000 * `${i}`.length]),
      )
      const batch = await client.batch('INSERT INTO app.t (a) VALUES (?)', [['x'], ['y'], ['z'.repeat(200_000)]])
      expect(batch).toMatchObject({ affectedRows: 3 })
      await client.end()
    })

    test("MariaDB's command line, which checks the numbers of frames", async () => {
      const portolan = await listening(backend)
      const tls = 'tls' in backend ? ['--ssl'] : []
      const many = Array.from({ length: 300 }, (_, i) => `SELECT ${i}, REPEAT('x', ${i % 70}); DO 1`).join(';')
      expect((await commandLine(portolan, many, ...tls)).split('\n').length).toBe(301)
      // More frames than there are sequence ids.
      const long = await commandLine(portolan, "SELECT REPEAT('0123456789', 2000000), 'end'", ...tls)
      expect(long.length).toBe(20_000_000 + '\tend\n'.length)
      expect(long.endsWith('9\tend\n')).toBe(true)
    })

    test('packets of more than 16 MiB, both ways', async () => {
      const client = await rig.client(await listening(backend), { compress: true })
      const large = Buffer.alloc(18_000_000, 'A long line, and another one. ').toString('latin1')
      expect(await value(client, 'SELECT LENGTH(?)', [large])).toBe(large.length)
      expect((await value(client, 'SELECT ?', [large])) === large).toBe(true)
      expect(await value(client, 'SELECT 6 * 7')).toBe(42)
    })

    test('a file of the client, in many packets', async () => {
      const portolan = await listening(backend)
      const file = join(authority.folder, 'rows')
      writeFileSync(file, Array.from({ length: 100_000 }, (_, i) => `row ${i}\n`).join(''))
      await commandLine(portolan, `TRUNCATE t; LOAD DATA LOCAL INFILE '${file}' INTO TABLE t (a)`, '--local-infile')
      expect(await commandLine(portolan, 'SELECT COUNT(*), MAX(id) FROM t; SELECT 42')).toBe('100000\t100000\n42\n')
    })
  })
}

test('a backend with compression for a client without', async () => {
  const portolan = await listening({ compression: 'zlib', pool: { max: 2 } })
  const clients = await rig.clients(4, portolan)
  await Promise.all(
    clients.map(async (client, number) => {
      for (let i = 0; i < 20; i++) {
        await client.query('SET @@session.lock_wait_timeout = ?', [number + 10])
        expect(await value(client, 'SELECT @@lock_wait_timeout')).toBe(number + 10)
        expect(String(await value(client, 'SELECT REPEAT(?, 1000)', [number]))).toBe(`${number}`.repeat(1000))
      }
    }),
  )
})

test('where it is switched off nobody is offered it', async () => {
  const portolan = await listening({}, { compression: false })
  const client = await rig.client(portolan, { compress: true })
  expect(await value(client, 'SELECT 6 * 7')).toBe(42)
  expect(await commandLine(portolan, 'SELECT 6 * 7')).toBe('42\n')
})

test('frames that are not what they say end the session, and are counted', async () => {
  const portolan = await listening()
  const client = await Client.login({ port: portolan.port(), database: 'app' }, { capabilities: COMPRESSING })
  expect((await client.query('SELECT 1')).tracker.error).toBeNull()
  const bomb = deflateSync(Buffer.alloc(10_000_000))
  const header = Buffer.alloc(7)
  header.writeUIntLE(bomb.length, 0, 3)
  header.writeUIntLE(1000, 4, 3)
  client.sendRaw(Buffer.concat([header, bomb]))
  await client.closed()
  expect(portolan.metric('portolan_protocol_errors_total', { kind: 'compressed-frame' })).toBe(1)
})
