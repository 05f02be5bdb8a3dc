/** Frames: however they are cut, they are the same; what is none is refused. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  FrameDecoder,
  FrameType,
  frame,
  goAway,
  MAX_FRAME_BYTES,
  type PeerSettings,
  PREFACE,
  readSettings,
  reset,
  settings,
  windowUpdate,
  withoutPadding,
} from '../../../codecs/http2/index.ts'
import { cut, everyFeed } from '../../support/feed.ts'

function decode(pieces: readonly Buffer[]): unknown[] {
  const frames: unknown[] = []
  const decoder = new FrameDecoder({
    onFrame: (type, flags, stream, payload) => frames.push([type, flags, stream, payload.toString('hex')]),
  })
  for (const piece of pieces) decoder.write(piece)
  return frames
}

const FRAMES = [
  settings([[4, 65_535]]),
  frame(FrameType.HEADERS, 5, 1, Buffer.from('82', 'hex')),
  frame(FrameType.DATA, 0, 0x7fff_ffff, Buffer.alloc(0)),
  windowUpdate(3, 0x7fff_ffff),
  reset(3, 8),
  goAway(3, 1, 'why'),
]
const EXPECTED = [
  [4, 0, 0, '00040000ffff'],
  [1, 5, 1, '82'],
  [0, 0, 0x7fff_ffff, ''],
  [8, 0, 3, '7fffffff'],
  [3, 0, 3, '00000008'],
  [7, 0, 0, `0000000300000001${Buffer.from('why').toString('hex')}`],
]

it('come out the same however they are cut', () => {
  for (const { way, pieces } of everyFeed(Buffer.concat([PREFACE, ...FRAMES]), Buffer.from([0, 0, 9, 0])))
    expect(decode(pieces), way).toEqual(EXPECTED)
})

it('may have the largest size, in pieces of any size', () => {
  const bytes = Buffer.concat([PREFACE, frame(0, 0, 1, Buffer.alloc(MAX_FRAME_BYTES, 7)), ...FRAMES])
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 5 }), sizes => {
      expect(decode(cut(bytes, ...sizes)).slice(1)).toEqual(EXPECTED)
    }),
    { numRuns: 50 },
  )
})

it('reserve the highest bit of the stream', () => {
  const bytes = frame(0, 0, 1, Buffer.alloc(0))
  bytes[5] = 0x80
  expect(decode([PREFACE, bytes])).toEqual([[0, 0, 1, '']])
})

describe('what is refused', () => {
  it.each([
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\n')],
    ['a preface with an error at its end', Buffer.concat([PREFACE.subarray(0, -1), Buffer.from('x')])],
    ['a frame that is too long', Buffer.concat([PREFACE, Buffer.from([0, 0x40, 1, 0, 0, 0, 0, 0, 1])])],
  ])('%s', (_, bytes) => {
    for (const pieces of [[bytes], cut(bytes, 1)]) expect(() => decode(pieces)).toThrow(ProtocolError)
  })

  it.each([
    ['ENABLE_PUSH of 2', 2, 2],
    ['a window of 2^31', 4, 0x8000_0000],
    ['frames of less than 16 KiB', 5, 16_383],
    ['frames of 16 MiB', 5, 0x100_0000],
  ])('the setting %s', (_, id, value) => {
    const peer: PeerSettings = { initialWindow: 0, maxFrameBytes: 0 }
    expect(() => readSettings(settings([[id, value]]).subarray(9), peer)).toThrow(ProtocolError)
  })

  it('padding that is longer than its frame, or has no length', () => {
    expect(withoutPadding(8, Buffer.from([1, 65, 0])).toString()).toBe('A')
    expect(withoutPadding(0, Buffer.from([1, 65, 0])).length).toBe(3)
    expect(() => withoutPadding(8, Buffer.from([3, 65, 0]))).toThrow(ProtocolError)
    expect(() => withoutPadding(8, Buffer.alloc(0))).toThrow(ProtocolError)
  })
})
