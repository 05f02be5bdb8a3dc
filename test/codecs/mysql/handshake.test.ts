import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  CLIENT_CONNECT_ATTRS,
  CLIENT_CONNECT_WITH_DB,
  CLIENT_DEPRECATE_EOF,
  CLIENT_LONG_PASSWORD,
  CLIENT_MULTI_RESULTS,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA,
  CLIENT_PROTOCOL_41,
  CLIENT_RESERVED2,
  CLIENT_SSL,
  CLIENT_ZSTD_COMPRESSION_ALGORITHM,
  capabilityKey,
  decodeAuthSwitch,
  decodeChangeUser,
  decodeGreeting,
  decodeLogin,
  encodeAuthSwitch,
  encodeChangeUser,
  encodeGreeting,
  encodeLogin,
  encodeSslRequest,
  type Greeting,
  isSslRequest,
  type Login,
} from '../../../codecs/mysql/index.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')

/** MariaDB 10.11 from Debian. */
const MARIADB_GREETING = hex(`
  0a 352e352e352d31302e31312e31392d4d6172696144422d302b6465623132753100 0e000000 2d5d5c6562373d28 00 fef7 2d 0200 ff81
  15 000000000000 1d000000 24645d34603b4e4567352e48 00 6d7973716c5f6e61746976655f70617373776f726400`)

const full: Login = {
  capabilities: {
    low:
      CLIENT_PROTOCOL_41 |
      CLIENT_RESERVED2 |
      CLIENT_PLUGIN_AUTH |
      CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA |
      CLIENT_CONNECT_ATTRS |
      CLIENT_CONNECT_WITH_DB |
      CLIENT_ZSTD_COMPRESSION_ALGORITHM,
    mariadb: 0x1d,
  },
  maxPacketBytes: 0x1234_5678,
  collation: 45,
  user: 'jürgen',
  proof: Buffer.alloc(300, 1),
  database: 'app',
  authPlugin: 'caching_sha2_password',
  attributes: [
    ['_client_name', 'x'],
    ['program_name', ''],
  ],
  zstdLevel: 3,
}

/** The proof has one length byte without CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA. */
const plain: Login = {
  ...full,
  capabilities: { low: CLIENT_PROTOCOL_41 | CLIENT_RESERVED2, mariadb: 0 },
  proof: Buffer.alloc(20, 1),
  database: '',
  authPlugin: '',
  attributes: [],
  zstdLevel: 0,
}

const payloadOf = (packet: Buffer) => packet.subarray(4)
const login = (bytes: Buffer) => decodeLogin(bytes, 0, bytes.length)
const kindOf = (act: () => unknown): string => {
  try {
    act()
    return 'nothing'
  } catch (error) {
    return error instanceof ProtocolError ? error.kind : String(error)
  }
}

describe('greeting', () => {
  test("MariaDB's, with the second word of capabilities", () => {
    const greeting = decodeGreeting(MARIADB_GREETING, 0, MARIADB_GREETING.length)
    expect(greeting).toEqual({
      serverVersion: '5.5.5-10.11.19-MariaDB-0+deb12u1',
      connectionId: 14,
      scramble: Buffer.from('-]\\eb7=($d]4`;NEg5.H'),
      capabilities: { low: 0x81fff7fe, mariadb: 0x1d },
      collation: 45,
      status: 2,
      authPlugin: 'mysql_native_password',
    })
    expect(payloadOf(encodeGreeting(greeting)).toString('hex')).toBe(MARIADB_GREETING.toString('hex'))
  })

  test('a server that calls itself no MariaDB has no second word', () => {
    const greeting: Greeting = {
      serverVersion: '9.7.4',
      connectionId: 0xffff_ffff,
      scramble: Buffer.alloc(20, 65),
      capabilities: { low: (CLIENT_LONG_PASSWORD | CLIENT_PLUGIN_AUTH | CLIENT_RESERVED2) >>> 0, mariadb: 0x1d },
      collation: 255,
      status: 2,
      authPlugin: 'caching_sha2_password',
    }
    const bytes = payloadOf(encodeGreeting(greeting))
    expect(decodeGreeting(bytes, 0, bytes.length)).toEqual({
      ...greeting,
      capabilities: { ...greeting.capabilities, mariadb: 0 },
    })
  })

  test('another version of the protocol, and every part of one', () => {
    expect(kindOf(() => decodeGreeting(Buffer.from([9, 0]), 0, 2))).toBe('greeting')
    for (let end = 0; end < 64; end++) {
      expect(kindOf(() => decodeGreeting(MARIADB_GREETING, 0, end))).toBe('malformed-packet')
    }
  })
})

describe('login', () => {
  test.each([
    ['everything', full],
    ['nothing', plain],
  ])('with %s', (_, given) => {
    expect(login(payloadOf(encodeLogin(1, given)))).toEqual(given)
  })

  test('with less than announced', () => {
    const bytes = payloadOf(encodeLogin(1, { ...full, proof: Buffer.alloc(20, 1) }))
    const behindProof = 32 + Buffer.byteLength(full.user) + 1 + 21
    expect(login(bytes.subarray(0, behindProof))).toMatchObject({ database: '', authPlugin: '', attributes: [] })
    expect(login(bytes.subarray(0, behindProof + 4))).toMatchObject({ database: 'app', authPlugin: '' })
  })

  test('a request for TLS', () => {
    const { low, mariadb } = full.capabilities
    const capabilities = { low: low | CLIENT_SSL, mariadb }
    const bytes = payloadOf(encodeSslRequest(1, { ...full, capabilities }))
    expect(isSslRequest(bytes, 0, bytes.length)).toBe(true)
    const whole = payloadOf(encodeLogin(2, { ...full, capabilities }))
    expect(whole.subarray(0, 32)).toEqual(bytes)
    expect(isSslRequest(whole, 0, whole.length)).toBe(false)
    expect(isSslRequest(payloadOf(encodeSslRequest(1, full)), 0, 32)).toBe(false)
  })

  test('of a client before 4.1', () => {
    expect(kindOf(() => login(hex('8524 000000 6f6c6400 47442150 4e')))).toBe('login')
  })

  test('cut anywhere, and with a proof beyond its end', () => {
    const bytes = payloadOf(encodeLogin(1, full))
    for (let end = 0; end < bytes.length; end++) {
      expect(['malformed-packet', 'nothing']).toContain(kindOf(() => login(bytes.subarray(0, end))))
    }
    const lying = Buffer.from(payloadOf(encodeLogin(1, plain)))
    lying[32 + 8] = 200
    expect(kindOf(() => login(lying))).toBe('malformed-packet')
  })
})

test.each([full, plain])('COM_CHANGE_USER', ({ capabilities, user, database, authPlugin, attributes }) => {
  const change = { user, proof: Buffer.alloc(20, 2), database, collation: 255, authPlugin, attributes }
  const bytes = payloadOf(encodeChangeUser(change, capabilities))
  expect(decodeChangeUser(bytes, 0, bytes.length, capabilities)).toEqual(change)
})

test('a switch to another plugin', () => {
  const bytes = payloadOf(encodeAuthSwitch(2, 'mysql_native_password', Buffer.from('12345678901234567890')))
  expect(decodeAuthSwitch(bytes, 0, bytes.length)).toEqual({
    plugin: 'mysql_native_password',
    data: Buffer.from('12345678901234567890\0'),
  })
  expect(kindOf(() => decodeAuthSwitch(Buffer.from([0xfe]), 0, 1))).toBe('auth-plugin')
})

test('what concerns one hop is not in the key', () => {
  const { low, mariadb } = full.capabilities
  const key = capabilityKey({ low: low | CLIENT_MULTI_RESULTS, mariadb })
  expect(capabilityKey({ low: low | CLIENT_MULTI_RESULTS | CLIENT_SSL, mariadb })).toBe(key)
  expect(capabilityKey({ low, mariadb })).not.toBe(key)
  expect(capabilityKey({ low: low | CLIENT_MULTI_RESULTS, mariadb: 0 })).not.toBe(key)
  expect(capabilityKey({ low: low | CLIENT_MULTI_RESULTS | CLIENT_DEPRECATE_EOF, mariadb })).not.toBe(key)
})
