import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  ACL,
  ADD_TREE_WATCH,
  CREATE,
  CREATE_MODE,
  DELETE,
  ERROR,
  encodeAuth,
  encodeCloseSession,
  encodeConnect,
  encodePing,
  encodeRequest,
  errorText,
  FrameScanner,
  GET_CHILDREN,
  GET_DATA,
  JuteReader,
  MULTI,
  readConnected,
  readEvent,
  readReplyHeader,
  SET_DATA,
} from '../../../codecs/zookeeper/index.ts'
import { cut, everyFeed } from '../../support/feed.ts'

const MAX = 1024

function scan(pieces: readonly Buffer[]): string[] {
  const frames: string[] = []
  const scanner = new FrameScanner(MAX, frame => frames.push(frame.toString('hex')))
  for (const piece of pieces) scanner.write(piece)
  return frames
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('frames', () => {
  test.each([
    ['none', '', []],
    ['an empty one', '00000000', ['']],
    ['one', '00000003 010203', ['010203']],
    ['several', '00000001 ff 00000000 00000002 0102', ['ff', '', '0102']],
  ])('%s, however the bytes come', (_, bytes, frames) => {
    for (const { way, pieces } of everyFeed(hex(bytes), hex('00000005 0102'))) expect(scan(pieces), way).toEqual(frames)
  })

  test.each([
    ['a negative length', 'ffffffff 00'],
    ['one that is too long', '00000401 00'],
  ])('%s is refused, however the bytes come', (_, bytes) => {
    for (const { way, pieces } of everyFeed(hex(bytes))) expect(() => scan(pieces), way).toThrow(ProtocolError)
  })

  test('a frame as long as allowed passes', () => {
    const body = Buffer.alloc(MAX, 7)
    expect(scan([hex('00000400'), body])).toEqual([body.toString('hex')])
  })
})

describe('what a client sends', () => {
  test.each([
    [
      'a session',
      encodeConnect({ id: 5n, password: hex('aabb'), timeoutMs: 10_000 }, 9n),
      '0000001f 00000000 0000000000000009 00002710 0000000000000005 00000002aabb 00',
    ],
    ['a ping', encodePing(), '00000008 fffffffe 0000000b'],
    ['the end', encodeCloseSession(3), '00000008 00000003 fffffff5'],
    [
      'who it is',
      encodeAuth('digest', 'u:p'),
      '0000001d fffffffc 00000064 00000000 00000006 646967657374 00000003 753a70',
    ],
    [
      'a deletion',
      encodeRequest(1, DELETE, { path: '/a', version: -1 }),
      '00000012 00000001 00000002 000000022f61 ffffffff',
    ],
    [
      'a read that watches',
      encodeRequest(2, GET_DATA, { path: '/a', watch: true }),
      '0000000f 00000002 00000004 000000022f61 01',
    ],
    [
      'a write of nothing',
      encodeRequest(3, SET_DATA, { path: '/a', data: null, version: 4 }),
      '00000016 00000003 00000005 000000022f61 ffffffff 00000004',
    ],
    [
      'a creation',
      encodeRequest(4, CREATE, { path: '/a', data: hex('ff'), acl: ACL.open, mode: CREATE_MODE.ephemeralSequential }),
      '00000032 00000004 0000000f 000000022f61 00000001ff 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00000003',
    ],
    ['a tree to watch', encodeRequest(5, ADD_TREE_WATCH, '/a'), '00000012 00000005 0000006a 000000022f61 00000001'],
    [
      'a transaction',
      encodeRequest(6, MULTI, [{ check: { path: '/a', version: 1 } }, { delete: { path: '/b', version: 2 } }]),
      '00000037 00000006 0000000e 0000000d 00 ffffffff 000000022f61 00000001 00000002 00 ffffffff 000000022f62 00000002 ffffffff 01 ffffffff',
    ],
  ])('%s', (_, bytes, expected) => {
    expect(bytes.toString('hex')).toBe(hex(expected).toString('hex'))
  })
})

const STAT = [
  '0000000000000001 0000000000000002 0000000000000003 0000000000000004',
  '00000005 00000006 00000007 0000000000000008 00000009 0000000a 000000000000000b',
].join('')
const stat = { czxid: 1n, mzxid: 2n, ctime: 3n, mtime: 4n, version: 5, ephemeralOwner: 8n, numChildren: 10 }

describe('what a server answers', () => {
  const rows: [string, string, (reader: JuteReader) => unknown, unknown][] = [
    ['a head', '00000001 0000000000000002 ffffff9b', readReplyHeader, { xid: 1, zxid: 2n, error: ERROR.noNode }],
    [
      'a session',
      '00000000 00002710 0000000000000005 00000002aabb',
      readConnected,
      { timeoutMs: 10_000, id: 5n, password: hex('aabb') },
    ],
    ['an event', '00000003 00000003 000000022f61', readEvent, { type: 3, path: '/a' }],
    ['data', `00000001ff${STAT}`, GET_DATA.decode, { data: hex('ff'), stat }],
    ['no data', `ffffffff${STAT}`, GET_DATA.decode, { data: null, stat }],
    ['a created node', `000000022f61${STAT}`, CREATE.decode, { path: '/a', stat }],
    ['children', '00000002 0000000161 0000000162', GET_CHILDREN.decode, ['a', 'b']],
    ['no list', 'ffffffff', GET_CHILDREN.decode, []],
    [
      'a transaction',
      `00000001 00 00000000 000000022f61 0000000f 00 00000000 000000022f61${STAT} 00000005 00 00000000 ${STAT} 00000002 00 00000000 0000000d 00 00000000 ffffffff 01 ffffffff`,
      MULTI.decode,
      [{ error: 0 }, { error: 0, stat }, { error: 0, stat }, { error: 0 }, { error: 0 }],
    ],
    [
      'a transaction that failed',
      'ffffffff 00 00000000 00000000 ffffffff 00 ffffff99 ffffff99 ffffffff 00 fffffffe fffffffe ffffffff 01 ffffffff',
      MULTI.decode,
      [{ error: 0 }, { error: ERROR.badVersion }, { error: -2 }],
    ],
  ]

  test.each(rows)('%s', (_, bytes, read, expected) => {
    expect(read(new JuteReader(hex(bytes)))).toEqual(expected)
  })

  test.each(rows)('%s that is cut off is malformed', (_, bytes, read) => {
    const whole = hex(bytes)
    for (let length = 0; length < whole.length; length++) {
      expect(() => read(new JuteReader(whole.subarray(0, length))), `${length} bytes`).toThrow(ProtocolError)
    }
  })

  test.each<[string, string, (reader: JuteReader) => unknown]>([
    ['a buffer of negative length', 'fffffffe', reader => reader.buffer()],
    ['a list of negative length', 'fffffffe', GET_CHILDREN.decode],
    ['a list longer than anything', '7fffffff', GET_CHILDREN.decode],
    ['a transaction with an unknown step', '00000063 00 00000000', MULTI.decode],
  ])('%s is malformed', (_, bytes, read) => {
    expect(() => read(new JuteReader(hex(bytes)))).toThrow(ProtocolError)
  })

  test('errors have words', () => {
    expect(errorText(ERROR.noNode)).toBe('there is no such node')
    expect(errorText(-77)).toBe('error -77')
  })
})

test('random and changed bytes end in frames or in a ProtocolError', () => {
  const readers = [
    readReplyHeader,
    readConnected,
    readEvent,
    GET_DATA.decode,
    CREATE.decode,
    GET_CHILDREN.decode,
    MULTI.decode,
  ]
  const seed = hex(`00000050 0000000f 00 00000000 000000022f61 ${STAT} 00000002 0000000161 0000000162`)
  let state = 1
  const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below
  let outcomes = 0
  for (let round = 0; round < 2_000; round++) {
    const bytes = round % 2 ? Buffer.from(seed) : Buffer.from(Array.from({ length: random(200) }, () => random(256)))
    for (let i = random(4); i >= 0 && bytes.length > 0; i--) bytes[random(bytes.length)] = random(256)
    try {
      const scanner = new FrameScanner(MAX, frame => {
        for (const read of readers) {
          try {
            read(new JuteReader(frame))
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error
          }
          outcomes++
        }
      })
      for (const piece of cut(bytes, 1 + random(20), 1 + random(5))) scanner.write(piece)
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError)
    }
  }
  expect(outcomes).toBeGreaterThan(100)
})
