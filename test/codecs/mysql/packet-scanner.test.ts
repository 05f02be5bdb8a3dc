import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  encodePacket,
  LOGIN_LIMITS,
  MAX_PACKET_PAYLOAD,
  type PacketLimits,
  PacketScan,
  PacketScanner,
} from '../../../codecs/mysql/index.ts'
import { cut, everyFeed } from '../../support/feed.ts'

const LIMITS: PacketLimits = { wholeBytes: 8, firstPieceBytes: 5, maxBytes: 3 * MAX_PACKET_PAYLOAD }

interface Scanned {
  readonly packets: readonly { readonly payload: Buffer; readonly sequence: number; readonly pieces: number }[]
  readonly rest: number
}

/** As a session does it: keeps the bytes of what is not whole. */
function scan(pieces: readonly Buffer[], limits = LIMITS): Scanned {
  const scanner = new PacketScanner()
  const packets: { payload: Buffer; sequence: number; pieces: number }[] = []
  let held: Buffer = Buffer.alloc(0)
  let parts: Buffer[] = []
  for (const piece of pieces) {
    held = held.length === 0 ? piece : Buffer.concat([held, piece])
    let at = 0
    for (;;) {
      if (!scanner.inPieces) scanner.nextSequence = held[at + 3] ?? 0
      const found = scanner.scan(held, at, held.length, limits)
      if (found === PacketScan.MORE) {
        expect(scanner.missing).toBeGreaterThan(0)
        break
      }
      const payload = held.subarray(scanner.payloadStart, scanner.payloadEnd)
      if (found === PacketScan.WHOLE) {
        expect(parts).toEqual([])
        packets.push({ payload, sequence: scanner.sequence, pieces: 0 })
      } else {
        expect(scanner.first).toBe(parts.length === 0)
        if (scanner.first) expect(payload.length).toBeGreaterThanOrEqual(limits.firstPieceBytes)
        expect(scanner.last).toBe(!scanner.inPieces)
        parts.push(Buffer.from(payload))
        if (scanner.last) {
          packets.push({ payload: Buffer.concat(parts), sequence: scanner.sequence, pieces: parts.length })
          parts = []
        }
      }
      at = scanner.payloadEnd
    }
    held = held.subarray(at)
  }
  return { packets, rest: held.length }
}

describe('packets', () => {
  const payloads = ['', '1', '12345678', '123456789', '12345678901234567890', 'last'].map(text => Buffer.from(text))
  const bytes = Buffer.concat(payloads.map((payload, i) => encodePacket(i, payload)))

  test.each([...everyFeed(bytes, Buffer.from([3, 0, 0]))])('$way', ({ pieces }) => {
    const { packets, rest } = scan(pieces)
    expect(packets.map(({ payload, sequence }) => [payload.toString(), sequence])).toEqual(
      payloads.map((payload, i) => [payload.toString(), i]),
    )
    expect(rest).toBeLessThanOrEqual(3)
  })

  test.each([-1, 0, 1, MAX_PACKET_PAYLOAD - 1, MAX_PACKET_PAYLOAD])('of 16 MiB - 1 and %i bytes', more => {
    const payload = Buffer.alloc(MAX_PACKET_PAYLOAD + more, 7)
    payload.writeUInt32BE(0xdeadbeef, payload.length - 4)
    const sent = encodePacket(254, payload)
    const { packets, rest } = scan(cut(sent, 1_000_001))
    expect(rest).toBe(0)
    expect(packets).toHaveLength(1)
    expect(packets[0]!.payload.equals(payload)).toBe(true)
    const continuations = Math.floor(payload.length / MAX_PACKET_PAYLOAD)
    expect(packets[0]!.sequence).toBe((254 + continuations) & 0xff)
  })

  test('of 16 MiB - 1 bytes and none that follow come in pieces however they arrive', () => {
    const { packets } = scan([encodePacket(0, Buffer.alloc(MAX_PACKET_PAYLOAD))])
    expect(packets).toMatchObject([{ sequence: 1, pieces: 2 }])
  })
})

describe('refused', () => {
  const kindOf = (scanner: PacketScanner, bytes: Buffer, limits = LOGIN_LIMITS): string => {
    try {
      scanner.scan(bytes, 0, bytes.length, limits)
      return 'nothing'
    } catch (error) {
      return error instanceof ProtocolError ? error.kind : String(error)
    }
  }

  test('a packet out of order, by its head alone', () => {
    expect(kindOf(new PacketScanner(), Buffer.from([9, 0, 0, 5]))).toBe('packet-sequence')
  })

  test('a packet longer than allowed, by its head alone', () => {
    expect(kindOf(new PacketScanner(), Buffer.from([0, 0, 1, 0]))).toBe('nothing')
    expect(kindOf(new PacketScanner(), Buffer.from([1, 0, 1, 0]))).toBe('packet-too-large')
  })

  test('a continued payload when the sum is too much', () => {
    const limits = { ...LIMITS, maxBytes: MAX_PACKET_PAYLOAD + 1 }
    const scanner = new PacketScanner()
    const first = encodePacket(0, Buffer.alloc(MAX_PACKET_PAYLOAD)).subarray(0, MAX_PACKET_PAYLOAD + 4)
    expect(kindOf(scanner, first, limits)).toBe('nothing')
    expect(kindOf(scanner, Buffer.from([2, 0, 0, 1]), limits)).toBe('packet-too-large')
  })
})
