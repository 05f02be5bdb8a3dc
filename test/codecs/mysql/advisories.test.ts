/**
 * What broke other proxies, as bytes: every length that a peer claims is checked before it is followed. The names are those
 * of ProxySQL's advisories (releases 2.7.4 and 3.0.9).
 */
import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  CACHING_SHA2_PASSWORD,
  CLEAR_PASSWORD,
  CLIENT_CONNECT_ATTRS,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA,
  CLIENT_PROTOCOL_41,
  COM_QUERY,
  CompressedReader,
  decodeChangeUser,
  decodeLogin,
  encodeLogin,
  encodePacket,
  LOGIN_LIMITS,
  NATIVE_PASSWORD,
  newScramble,
  OkPacket,
  PacketScanner,
  PayloadReader,
  PayloadWriter,
  ResponseTracker,
  readSessionTrackers,
  ServerAuth,
} from '../../../codecs/mysql/index.ts'

const sink = {
  onVariable() {},
  onSchema() {},
  onStateChange() {},
  onGtids() {},
  onTransactionCharacteristics() {},
  onTransactionState() {},
}

const kindOf = (act: () => unknown): string => {
  try {
    act()
    return 'nothing'
  } catch (error) {
    return error instanceof ProtocolError ? error.kind : String(error)
  }
}

/** Lengths that claim more than there is, up to the largest that can be said. */
const LYING = [
  '05',
  'fa',
  'fb',
  'fcffff',
  'fdffffff',
  'feffffffffffffff00',
  'feffffffffffffff7f',
  'feffffffffffffffff',
  'ff',
]

test('CVE-2026-48773: the first packet is bounded before a byte of it is kept', () => {
  const scan = (bytes: Buffer) => new PacketScanner().scan(bytes, 0, bytes.length, LOGIN_LIMITS)
  expect(kindOf(() => scan(Buffer.from([0xff, 0xff, 0xff, 0])))).toBe('packet-too-large')
  expect(kindOf(() => scan(Buffer.from([0x01, 0x00, 0x01, 0])))).toBe('packet-too-large')
})

describe('GHSA-24vm: length-encoded integers beyond the end', () => {
  test.each(LYING)('%s', lie => {
    const bytes = Buffer.concat([Buffer.from(lie, 'hex'), Buffer.from('abc')])
    expect(kindOf(() => new PayloadReader(bytes).lenencBytes())).toBe('malformed-packet')
    expect(kindOf(() => new PayloadReader(bytes).lenencString())).toBe('malformed-packet')
    // In an OK packet, as its info and its trackers; in trackers, as the length of one and of a string in it.
    const ok = Buffer.concat([Buffer.from('00000002400000', 'hex'), bytes])
    expect(kindOf(() => new OkPacket().read(ok, 0, ok.length))).toBe('malformed-packet')
    const tracked = Buffer.concat([Buffer.from('0000000240000000', 'hex'), bytes])
    expect(kindOf(() => new OkPacket().read(tracked, 0, tracked.length))).toBe('malformed-packet')
    for (const type of [0, 1, 3, 4, 5]) {
      const outer = Buffer.concat([Buffer.of(type), bytes])
      expect(kindOf(() => readSessionTrackers(outer, 0, outer.length, sink))).toBe('malformed-packet')
      const inner = Buffer.concat([
        Buffer.of(type, bytes.length + (type === 3 ? 1 : 0)),
        type === 3 ? Buffer.of(0) : Buffer.alloc(0),
        bytes,
      ])
      expect(kindOf(() => readSessionTrackers(inner, 0, inner.length, sink))).toBe('malformed-packet')
    }
  })

  test.each(LYING)('%s as the proof of a login, and as its attributes', lie => {
    const low = CLIENT_PROTOCOL_41 | CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA | CLIENT_CONNECT_ATTRS | CLIENT_PLUGIN_AUTH
    const head = new PayloadWriter().u32(low).u32(0).u8(45).zeros(23).nulString('app').payload()
    const proof = Buffer.concat([head, Buffer.from(lie, 'hex'), Buffer.from('abc')])
    expect(kindOf(() => decodeLogin(proof, 0, proof.length))).toBe('malformed-packet')
    const attributes = Buffer.concat([
      head,
      Buffer.of(0),
      Buffer.from('plugin\0'),
      Buffer.from(lie, 'hex'),
      Buffer.from('abc'),
    ])
    expect(kindOf(() => decodeLogin(attributes, 0, attributes.length))).toBe('malformed-packet')
    const name = Buffer.concat([Buffer.from(lie, 'hex'), Buffer.from('abc')])
    const inner = Buffer.concat([head, Buffer.of(0), Buffer.from('plugin\0'), Buffer.of(name.length), name])
    expect(kindOf(() => decodeLogin(inner, 0, inner.length))).toBe('malformed-packet')
  })
})

describe('GHSA-x23w: COM_CHANGE_USER', () => {
  const payload = Buffer.concat([
    Buffer.from('\x11app\0\x14'),
    Buffer.alloc(20, 1),
    Buffer.from('db\0\x2d\0plugin\0\x02\x01a'),
  ])
  const decode = (bytes: Buffer, end = bytes.length) =>
    decodeChangeUser(bytes, 0, end, { low: CLIENT_PLUGIN_AUTH | CLIENT_CONNECT_ATTRS })

  test('cut anywhere, with other bytes behind', () => {
    for (let end = 1; end < payload.length; end++) {
      const short = kindOf(() => decode(payload, end))
      expect(short).toBe(kindOf(() => decode(Buffer.from(payload.subarray(0, end)))))
      if (end < 29) expect([end, short]).toEqual([end, 'malformed-packet'])
    }
  })

  test('a proof beyond the end', () => {
    const lying = Buffer.from(payload)
    lying[5] = 0xff
    expect(kindOf(() => decode(lying))).toBe('malformed-packet')
  })
})

test('GHSA-8mqj: a login cut anywhere, with other bytes behind', () => {
  const low = CLIENT_PROTOCOL_41 | CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA | CLIENT_CONNECT_ATTRS | CLIENT_PLUGIN_AUTH
  const login = {
    capabilities: { low, mariadb: 0 },
    maxPacketBytes: 0,
    collation: 45,
    user: 'app',
    proof: Buffer.alloc(20, 1),
    database: '',
    authPlugin: 'mysql_native_password',
    attributes: [['name', 'value']] as const,
    zstdLevel: 0,
  }
  const payload = encodeLogin(1, login).subarray(4)
  for (let end = 1; end < payload.length; end++) {
    const short = kindOf(() => decodeLogin(payload, 0, end))
    expect([end, short]).toEqual([end, kindOf(() => decodeLogin(Buffer.from(payload.subarray(0, end)), 0, end))])
    if (end < 57) expect([end, short]).toEqual([end, 'malformed-packet'])
  }
})

test.each([NATIVE_PASSWORD, CACHING_SHA2_PASSWORD, CLEAR_PASSWORD])(
  'CVE-2026-35549: a proof of 60 KB by %s',
  plugin => {
    const how = { challenged: CACHING_SHA2_PASSWORD, fallback: NATIVE_PASSWORD, secure: true } as const
    const options = { password: 'right', scramble: newScramble(), ...how }
    const proof = Buffer.concat([Buffer.alloc(60_000, 1), Buffer.of(0)])
    expect(new ServerAuth(options).begin(2, plugin, proof)).toEqual({ verdict: 'denied', reply: null })
  },
)

test('CVE-2026-102664: what a frame decompresses to is not believed', () => {
  const bomb = deflateSync(Buffer.alloc(64_000_000))
  const header = Buffer.alloc(7)
  header.writeUIntLE(bomb.length, 0, 3)
  header.writeUIntLE(100, 4, 3)
  const frame = Buffer.concat([header, bomb])
  const reader = new CompressedReader('zlib', () => true)
  expect(kindOf(() => reader.write(frame, 0, frame.length))).toBe('compressed-frame')
})

describe('a response that claims what it has not', () => {
  const follow = (bytes: Buffer) => {
    const tracker = new ResponseTracker({ low: CLIENT_PROTOCOL_41, mariadb: 0 }, sink)
    tracker.begin(COM_QUERY)
    for (let at = 0; at < bytes.length && !tracker.ended; ) at = tracker.write(bytes, at, bytes.length)
    return tracker
  }

  test.each([
    ['a huge column count', encodePacket(1, Buffer.from('feffffffffffffffff', 'hex')), 'malformed-packet'],
    ['a column count with something behind it', encodePacket(1, Buffer.from('010203', 'hex')), 'malformed-packet'],
    ['an OK packet of 2 MiB', encodePacket(1, Buffer.alloc(2_000_000)).subarray(0, 1000), 'packet-too-large'],
    ['an ERR packet of one byte', encodePacket(1, Buffer.of(0xff)), 'malformed-packet'],
    ['an OK packet of one byte', encodePacket(1, Buffer.of(0)), 'malformed-packet'],
    ['an empty packet', Buffer.from([0, 0, 0, 1, 0]), 'malformed-packet'],
    ['no columns', encodePacket(1, Buffer.from('fc0000', 'hex')), 'malformed-packet'],
    [
      'a row where columns end',
      Buffer.concat([encodePacket(1, Buffer.of(1)), encodePacket(2, Buffer.of(3)), encodePacket(3, Buffer.of(3))]),
      'malformed-packet',
    ],
    [
      'packets out of order',
      Buffer.concat([encodePacket(1, Buffer.of(1)), encodePacket(3, Buffer.of(3))]),
      'packet-sequence',
    ],
  ])('%s', (_, bytes, kind) => {
    expect(kindOf(() => follow(bytes))).toBe(kind)
  })

  test('nothing that answers nothing is taken', () => {
    const tracker = new ResponseTracker({ low: CLIENT_PROTOCOL_41, mariadb: 0 }, sink)
    expect(tracker.write(encodePacket(0, Buffer.of(0xff, 1, 2)), 0, 7)).toBe(0)
    expect(tracker.passEnd).toBe(0)
  })
})

test('a NUL in a name of ours does not begin another field', () => {
  const login = {
    capabilities: { low: CLIENT_PROTOCOL_41, mariadb: 0 },
    maxPacketBytes: 0,
    collation: 45,
    user: 'app\0root',
    proof: Buffer.alloc(0),
    database: 'db\0other',
    authPlugin: '',
    attributes: [],
    zstdLevel: 0,
  }
  const bytes = encodeLogin(1, login).subarray(4)
  expect(decodeLogin(bytes, 0, bytes.length)).toMatchObject({ user: 'app', database: 'db' })
})
