/** Dubbo's messages; bytes are written out here after the description of the protocol. */
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  type DubboHeader,
  DubboScanner,
  encodeFrame,
  encodeHeartbeat,
  encodeHeartbeatAnswer,
  isReadOnly,
} from '../../../codecs/dubbo/index.ts'
import { cut, everyFeed } from '../../support/feed.ts'

const MAX = 1_000
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

function scan(pieces: readonly Buffer[], max = MAX) {
  const messages: { header: DubboHeader; body: string }[] = []
  const scanner = new DubboScanner(max, (header, body) => messages.push({ header, body: body.toString('hex') }))
  for (const piece of pieces) scanner.write(piece)
  return messages
}

const base = { isRequest: false, isTwoWay: false, isEvent: false, serialization: 2, status: 0 }
const ROWS: readonly [name: string, bytes: string, header: DubboHeader, body: string][] = [
  [
    'a request',
    'dabb c2 00 0000000000000001 00000002 0102',
    { ...base, isRequest: true, isTwoWay: true, id: 1n },
    '0102',
  ],
  ['a one-way request', 'dabb 82 00 8000000000000000 00000000', { ...base, isRequest: true, id: 2n ** 63n }, ''],
  ['an answer', 'dabb 02 14 00000000000000ff 00000001 92', { ...base, status: 20, id: 255n }, '92'],
  [
    'an answer in another serialization',
    'dabb 06 46 0000000000000003 00000001 00',
    { ...base, serialization: 6, status: 70, id: 3n },
    '00',
  ],
]

describe('messages', () => {
  test.each(ROWS)('%s is read, however it is cut', (_, bytes, header, body) => {
    for (const { way, pieces } of everyFeed(hex(bytes), hex('dabb 02'))) {
      expect(scan(pieces), way).toEqual([{ header, body }])
    }
  })

  test.each(ROWS)('%s is written', (_, bytes, header, body) => {
    expect(encodeFrame(header, hex(body))).toEqual(hex(bytes))
  })

  test('several in a row are read, however they are cut', () => {
    const all = Buffer.concat(ROWS.map(([, bytes]) => hex(bytes)))
    for (const { way, pieces } of everyFeed(all)) {
      expect(
        scan(pieces).map(({ header }) => header.id),
        way,
      ).toEqual(ROWS.map(([, , header]) => header.id))
    }
  })

  test.each([
    ['another magic', 'dabc 02 14 0000000000000001 00000000'],
    ['a body longer than allowed', 'dabb 02 14 0000000000000001 000003e9'],
    ['a negative length', 'dabb 02 14 0000000000000001 ffffffff'],
  ])('%s is malformed', (_, bytes) => {
    expect(() => scan([hex(bytes)])).toThrow(ProtocolError)
    expect(() => scan(cut(hex(bytes), 1))).toThrow(ProtocolError)
  })

  test('the longest body that is allowed is read', () => {
    const body = Buffer.alloc(MAX, 7)
    const bytes = Buffer.concat([hex('dabb 02 14 0000000000000001 000003e8'), body])
    expect(scan(cut(bytes, 300))).toMatchObject([{ body: body.toString('hex') }])
  })
})

describe('events', () => {
  test('a heartbeat and its answer', () => {
    expect(encodeHeartbeat(5n)).toEqual(hex('dabb e2 00 0000000000000005 00000001 4e'))
    const [asked] = scan([hex('dabb e2 00 0000000000000009 00000001 4e')])
    expect(encodeHeartbeatAnswer(asked!.header)).toEqual(hex('dabb 22 14 0000000000000009 00000001 4e'))
  })

  test.each([
    ['the event that says so', 'dabb a2 00 0000000000000009 00000002 0152', true],
    ['a heartbeat', 'dabb e2 00 0000000000000009 00000001 4e', false],
    ['a call with the same body', 'dabb c2 00 0000000000000009 00000002 0152', false],
  ])('read-only: %s', (_, bytes, expected) => {
    const [message] = scan([hex(bytes)])
    expect(isReadOnly(message!.header, hex(message!.body))).toBe(expected)
  })
})

test('random and changed bytes end in messages or in a ProtocolError', () => {
  const seed = Buffer.concat(ROWS.map(([, bytes]) => hex(bytes)))
  let state = 1
  const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below
  const outcomes = { messages: 0, errors: 0 }
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(seed)
    for (let i = random(3); i >= 0; i--) bytes[random(bytes.length)] = random(256)
    try {
      outcomes.messages += scan(cut(bytes, 1 + random(30), 1 + random(7))).length
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError)
      outcomes.errors++
    }
  }
  expect(outcomes.messages).toBeGreaterThan(1_000)
  expect(outcomes.errors).toBeGreaterThan(100)
})
