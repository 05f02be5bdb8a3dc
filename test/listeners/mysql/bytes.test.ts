/**
 * Bytes that no library sends, to a real server and to a listener: the same errors, and the same end. Named after what
 * broke other proxies where there is such a thing (see test/codecs/mysql/advisories.test.ts).
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CLIENT_CONNECT_ATTRS,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA,
  CLIENT_PROTOCOL_41,
  CLIENT_RESERVED2,
  CLIENT_SSL,
  COM_CHANGE_USER,
  COM_PING,
  COM_QUERY,
  COM_STMT_EXECUTE,
  decodeGreeting,
  encodeLogin,
  encodePacket,
  encodeSslRequest,
  type Greeting,
  nativeProof,
} from '../../../codecs/mysql/index.ts'
import { strangerBy } from '../../../listeners/mysql/strangers.ts'
import { Authority } from '../../net/certificates.ts'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { MysqlRig, value } from '../../support/mysql.ts'
import type { Portolan } from '../../support/portolan.ts'

const rig = new MysqlRig()
let server: MariadbServer
let portolan: Portolan
let secure: Portolan
let authority: Authority
beforeAll(async () => {
  process.env['MYSQL_TEST_PASSWORD'] = 'app'
  authority = new Authority()
  server = await startMariadb()
  const password = { env: 'MYSQL_TEST_PASSWORD' }
  const listener = {
    users: [
      { name: 'app', password },
      { name: 'reader', password, readOnly: true },
    ],
  }
  const backend = { credentials: { username: 'app', password } }
  portolan = await rig.portolan(server.port, { backend, listener })
  secure = await rig.portolan(server.port, { backend, listener: { ...listener, tls: authority.issue('server') } })
})
afterAll(async () => {
  await rig.close()
  await server.stop()
  authority.remove()
})

const LOW =
  (CLIENT_PROTOCOL_41 |
    CLIENT_RESERVED2 |
    CLIENT_PLUGIN_AUTH |
    CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA |
    CLIENT_CONNECT_ATTRS) >>>
  0

function login(scramble: Uint8Array, password = 'app', sequence = 1, user = 'app'): Buffer {
  return encodeLogin(sequence, {
    capabilities: { low: LOW, mariadb: 0 },
    maxPacketBytes: 0x100_0000,
    collation: 45,
    user,
    proof: nativeProof(password, scramble),
    database: '',
    authPlugin: 'mysql_native_password',
    attributes: [],
    zstdLevel: 0,
  })
}

const command = (bytes: readonly number[] | string, sequence = 0) => encodePacket(sequence, Buffer.from(bytes as never))
const query = (sql: string) => encodePacket(0, Buffer.concat([Buffer.of(COM_QUERY), Buffer.from(sql)]))
const PING = command([COM_PING])

interface Case {
  /** What is sent when the greeting has come. */
  readonly bytes: (scramble: Uint8Array) => Buffer
  /** What answers it, a word for each packet; `closed` at the end when the server ends the connection. */
  readonly answers: readonly string[]
  /** And then the client's FIN. */
  readonly fin?: boolean
}

/** Sends, and tells what came: until so many packets are there, or the connection has ended. */
async function converse(port: number, { bytes, answers, fin = false }: Case): Promise<string[]> {
  const socket: Socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  const closed = once(socket, 'close').catch(() => {})
  const ended = new Promise<void>(resolve => socket.once('end', resolve).once('close', resolve))
  const told: string[] = []
  let input: Buffer = Buffer.alloc(0)
  let isGreeted = false
  const enough = new Promise<void>(resolve => {
    socket.on('data', chunk => {
      input = Buffer.concat([input, chunk])
      while (input.length >= 4 && input.length >= 4 + input.readUIntLE(0, 3)) {
        const end = 4 + input.readUIntLE(0, 3)
        const payload = input.subarray(4, end)
        input = input.subarray(end)
        if (isGreeted) told.push(wordFor(payload))
        else {
          isGreeted = true
          socket.write(bytes(decodeGreeting(payload, 0, payload.length).scramble))
          if (fin) socket.end()
        }
      }
      if (!answers.includes('closed') && told.length >= answers.length) resolve()
    })
  })
  await Promise.race([enough, ended])
  if (socket.readableEnded || socket.destroyed) told.push('closed')
  socket.destroy()
  await closed
  return told
}

function wordFor(payload: Buffer): string {
  if (payload[0] === 0xff) return `error ${payload.readUInt16LE(1)}`
  if (payload[0] === 0) return 'ok'
  if (payload[0] === 0xfe && payload.length < 9) return 'eof'
  return 'data'
}

const CASES: Readonly<Record<string, Case>> = {
  'a login with sequence id 5': { bytes: scramble => login(scramble, 'app', 5), answers: ['error 1156', 'closed'] },
  'a login that is too short': { bytes: () => command([1, 2, 3], 1), answers: ['error 1043', 'closed'] },
  'GHSA-24vm: a proof longer than its packet': {
    bytes: scramble => {
      const packet = login(scramble)
      packet[4 + 32 + 'app\0'.length] = 0xfa
      return packet
    },
    answers: ['error 1043', 'closed'],
  },
  'a wrong password': { bytes: scramble => login(scramble, 'wrong'), answers: ['error 1045', 'closed'] },
  'a request for TLS that is not offered': {
    bytes: () =>
      encodeSslRequest(1, {
        capabilities: { low: LOW | CLIENT_SSL, mariadb: 0 },
        maxPacketBytes: 0,
        collation: 45,
        database: '',
      }),
    answers: ['error 1043', 'closed'],
  },
  'a query behind the login, in one piece': {
    bytes: scramble => Buffer.concat([login(scramble), query('DO 1'), PING]),
    answers: ['ok', 'ok', 'ok'],
  },
  'two queries at once': {
    bytes: scramble => Buffer.concat([login(scramble), query('SELECT 1'), query('DO 1')]),
    answers: ['ok', 'data', 'data', 'eof', 'data', 'eof', 'ok'],
  },
  'a command with sequence id 7': {
    bytes: scramble => Buffer.concat([login(scramble), command([COM_PING], 7)]),
    answers: ['ok', 'error 1156', 'closed'],
  },
  'an empty packet': {
    bytes: scramble => Buffer.concat([login(scramble), command([]), PING]),
    answers: ['ok', 'error 1047', 'ok'],
  },
  'a command that does not exist': {
    bytes: scramble => Buffer.concat([login(scramble), command([0x7f]), PING]),
    answers: ['ok', 'error 1047', 'ok'],
  },
  'a statement that does not exist': {
    bytes: scramble => Buffer.concat([login(scramble), command([COM_STMT_EXECUTE, 99, 0, 0, 0, 0, 1, 0, 0, 0]), PING]),
    answers: ['ok', 'error 1243', 'ok'],
  },
  'a packet that ends too early': {
    bytes: scramble => Buffer.concat([login(scramble), Buffer.from([0xe8, 3, 0, 0, COM_QUERY, 0x53, 0x45])]),
    answers: ['ok', 'closed'],
    fin: true,
  },
}

describe('a server and a listener answer alike', () => {
  test.each(Object.entries(CASES))('%s', async (_, one) => {
    expect(await converse(server.port, one)).toEqual(one.answers)
    expect(await converse(portolan.port(), one)).toEqual(one.answers)
  })
})

test("a listener's greeting names the server's plugin, and its version", async () => {
  const [theirs, ours] = await Promise.all([server.port, portolan.port()].map(greeting))
  expect(theirs).toMatchObject({ authPlugin: 'mysql_native_password' })
  expect(ours).toMatchObject({ authPlugin: theirs!.authPlugin, serverVersion: theirs!.serverVersion })
})

async function greeting(port: number): Promise<Greeting> {
  const socket = connect(port, '127.0.0.1')
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return decodeGreeting(bytes.subarray(4), 0, bytes.length - 4)
}

test('a user that does not exist is answered as a wrong password is, packet by packet', async () => {
  for (const user of ['app', 'nobody']) {
    const one = { bytes: (scramble: Uint8Array) => login(scramble, 'wrong', 1, user), answers: ['closed'] }
    expect(await converse(portolan.port(), one)).toEqual(['error 1045', 'closed'])
    expect(await converse(server.port, one)).toEqual(['error 1045', 'closed'])
  }
})

/** A listener that has been hurt serves no further client. */
const isWell = async (): Promise<unknown> => value(await rig.client(portolan), 'SELECT 6 * 7')

describe('what a server leaves open, and a listener does not', () => {
  test('CVE-2026-48773: a first packet of 16 MiB is refused by its header', async () => {
    const bytes = () => Buffer.from([0xff, 0xff, 0xff, 1])
    expect(await converse(portolan.port(), { bytes, answers: ['closed'] })).toEqual(['error 1043', 'closed'])
    expect(await isWell()).toBe(42)
  })

  test('GHSA-x23w: COM_CHANGE_USER cut anywhere', async () => {
    const whole = Buffer.from('app\0\x14aaaaaaaaaaaaaaaaaaaaapp\0\x2d\0mysql_native_password\0\0', 'latin1')
    for (let end = 0; end < 26; end += 5) {
      const bytes = (scramble: Uint8Array) =>
        Buffer.concat([login(scramble), command([COM_CHANGE_USER, ...whole.subarray(0, end)])])
      expect(await converse(portolan.port(), { bytes, answers: ['closed'] })).toEqual(['ok', 'error 1043', 'closed'])
    }
    expect(await isWell()).toBe(42)
  })

  test('COM_CHANGE_USER in pieces: the rest of it is no command', async () => {
    const padding = Buffer.alloc(100_000)
    const bytes = (scramble: Uint8Array) =>
      Buffer.concat([
        login(scramble),
        command([COM_CHANGE_USER, ...Buffer.from('app\0\0app\0\x2d\0', 'latin1'), ...padding]),
      ])
    expect(await converse(portolan.port(), { bytes, answers: ['closed'] })).toEqual(['ok', 'error 1043', 'closed'])
    expect(await isWell()).toBe(42)
  })

  test('what comes before anybody has logged in is kept up to a bound', async () => {
    const silent = createServer(socket => socket.on('error', () => {})).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const waiting = await rig.portolan(port, {
      listener: { authentication: 'relay', authenticationTimeout: '1h' },
      backend: { connectTimeout: '1h' },
    })
    const flood = connect(waiting.port(), '127.0.0.1').on('error', () => {})
    const closed = new Promise(resolve => flood.once('close', resolve))
    // More than the kernel takes by itself.
    flood.write(Buffer.alloc(64 << 20))
    await closed
    expect(waiting.connections()).toBe(0)
    silent.close()
  })

  test('CVE-2021-23214: a login in clear behind the request for TLS does not count as sent over TLS', async () => {
    const head = { capabilities: { low: LOW | CLIENT_SSL, mariadb: 0 }, maxPacketBytes: 0, collation: 45, database: '' }
    const bytes = (scramble: Uint8Array) => Buffer.concat([encodeSslRequest(1, head), login(scramble, 'app', 2), PING])
    const answers = await converse(secure.port(), { bytes, answers: ['closed'] })
    expect(answers.at(-1)).toBe('closed')
    expect(answers).not.toContain('ok')
  })

  test('CVE-2026-48774: a second statement does not pass a read-only user', async () => {
    const reader = await rig.client(portolan, { user: 'reader', multipleStatements: true })
    await expect(reader.query('SELECT 1; CREATE TABLE app.stolen (id INT)')).rejects.toMatchObject({ errno: 1290 })
    expect(await value(reader, 'SELECT 6 * 7')).toBe(42)
  })
})

test('clients of other protocols are refused, and the log names what they seem to be, once', async () => {
  const other = await rig.portolan(server.port, {
    backend: { credentials: { username: 'app', password: { env: 'MYSQL_TEST_PASSWORD' } } },
  })
  const said = ['*1\r\n$4\r\nPING\r\n', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n']
  for (const text of said) {
    const told = await converse(other.port(), { bytes: () => Buffer.from(text), answers: ['closed'] })
    expect(told.at(-1)).toBe('closed')
  }
  expect(other.log.filter(({ message }) => message.includes('check its port'))).toMatchObject([
    {
      level: 'warn',
      listener: 'main',
      message: 'a Redis client has connected to this listener, which speaks MySQL: check its port',
    },
  ])
})

test.each([
  ['*3\r\n$3\r\nSET\r\n', 'a Redis client'],
  ['PING\r\n', 'a Redis client'],
  ['POST /a HTTP/1.1\r\n', 'an HTTP client'],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'an HTTP/2 or gRPC client'],
  ['\x16\x03\x01\x02\x00\x01', 'a client that begins with TLS, which MySQL asks for within its protocol,'],
  ['PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n', 'a load balancer that sends the PROXY protocol'],
  ['\xb2\x00\x00\x01\x85\xa6', undefined],
])('what begins with %j seems to be %s', (text, what) => {
  expect(strangerBy(Buffer.from(text, 'latin1'))).toBe(what)
})
