/** What peers have done to servers of HTTP/2: each attack is bounded, by time or by memory, and honest peers are not. */
import { expect, it } from 'vitest'
import { ErrorCode, encodeFields, Flag, FrameType, settings } from '../../../../codecs/http2/index.ts'
import { Peer, REQUEST } from './peer.ts'

const { CANCEL, ENHANCE_YOUR_CALM } = ErrorCode
const WHOLE = Flag.END_HEADERS | Flag.END_STREAM
const number = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Does it until the session says something, at most so often; how often that was. */
function until(peer: Peer, times: number, act: (i: number) => void): number {
  let count = 0
  while (count < times && !peer.ended) act(count++)
  return count
}

it('CVE-2019-9511, data dribble: each byte that the window takes is one frame, no more', () => {
  const peer = new Peer()
  peer.raw(settings([[4, 0]]))
  const { stream } = peer.request(1)
  stream.respond(encodeFields([[':status', '200']]))
  stream.send(Buffer.alloc(0), Buffer.alloc(100_000))
  peer.take()
  for (let i = 0; i < 10; i++) peer.send(FrameType.WINDOW_UPDATE, 0, 1, number(1))
  expect(peer.take().map(({ payload }) => payload.length)).toEqual(new Array(10).fill(1))
})

it('CVE-2019-9512, ping flood', () => {
  const peer = new Peer()
  expect(until(peer, 5_000, () => peer.send(FrameType.PING, 0, 0, Buffer.alloc(8)))).toBeLessThan(1_100)
  expect(peer.goAwayCode()).toBe(ENHANCE_YOUR_CALM)
})

it('pings over a long time are no flood', () => {
  const peer = new Peer()
  for (let i = 0; i < 5_000; i++) {
    peer.clock.advance(100)
    peer.send(FrameType.PING, 0, 0, Buffer.alloc(8))
  }
  expect(peer.ended).toBe(false)
})

it('CVE-2019-9513, resource loop: priorities', () => {
  const peer = new Peer()
  const act = (i: number) => peer.send(FrameType.PRIORITY, 0, 2 * i + 1, Buffer.alloc(5))
  expect(until(peer, 5_000, act)).toBeLessThan(1_100)
})

it('CVE-2019-9514, reset flood: malformed requests', () => {
  const peer = new Peer()
  const act = (i: number) => peer.request(2 * i + 1, [[':method', 'POST']])
  expect(until(peer, 50_000, act)).toBeLessThan(11_000)
  expect(peer.goAwayCode()).toBe(ENHANCE_YOUR_CALM)
})

it('CVE-2019-9515, settings flood', () => {
  const peer = new Peer()
  expect(until(peer, 5_000, () => peer.raw(settings([])))).toBeLessThan(1_100)
  expect(peer.goAwayCode()).toBe(ENHANCE_YOUR_CALM)
})

it('CVE-2019-9516, headers without a name', () => {
  const peer = new Peer()
  peer.request(1, [...REQUEST, ['', '']])
  expect(peer.resetCodes()).toEqual([[1, ErrorCode.PROTOCOL_ERROR]])
  expect(peer.streams).toEqual([])
})

it('CVE-2019-9517, internal data buffering: who opens windows and does not read is not read either', () => {
  const peer = new Peer()
  peer.raw(settings([[4, 0x7fff_ffff]]))
  peer.send(FrameType.WINDOW_UPDATE, 0, 0, number(0x7000_0000))
  peer.take()
  peer.stall()
  let streams = 0
  for (; peer.reading && streams < 100; streams++) {
    const { stream } = peer.request(2 * streams + 1)
    stream.respond(encodeFields([[':status', '200']]))
    stream.send(Buffer.alloc(0), Buffer.alloc(16_000))
    peer.raw(Buffer.alloc(0))
  }
  expect(streams).toBeLessThan(30)
})

it('CVE-2019-9518, empty frames flood', () => {
  const data = new Peer()
  data.request(1, REQUEST, Flag.END_HEADERS)
  expect(until(data, 5_000, () => data.send(FrameType.DATA, 0, 1))).toBeLessThan(1_100)
  expect(data.goAwayCode()).toBe(ENHANCE_YOUR_CALM)

  const fields = new Peer()
  fields.send(FrameType.HEADERS, 0, 1, encodeFields(REQUEST))
  expect(until(fields, 5_000, () => fields.send(FrameType.CONTINUATION, 0, 1))).toBeLessThan(100)
  expect(fields.goAwayCode()).toBe(ENHANCE_YOUR_CALM)
})

it('CVE-2020-11080, large settings are one frame as any other', () => {
  const peer = new Peer()
  peer.raw(settings(new Array(2_700).fill([4, 1_000])))
  expect(peer.take()).toMatchObject([{ type: FrameType.SETTINGS, flags: Flag.ACK }])
})

it('CVE-2023-44487, rapid reset', () => {
  const peer = new Peer()
  const act = (i: number) => {
    peer.request(2 * i + 1)
    peer.send(FrameType.RST_STREAM, 0, 2 * i + 1, number(CANCEL))
  }
  expect(until(peer, 50_000, act)).toBeLessThan(11_000)
  expect(peer.goAwayCode()).toBe(ENHANCE_YOUR_CALM)
})

it('CVE-2023-44487, rapid reset: what a call that was reset still does counts as a call', () => {
  const peer = new Peer({ maxConcurrentStreams: 2 })
  for (const id of [1, 3]) {
    peer.request(id).isBusy = true
    peer.send(FrameType.RST_STREAM, 0, id, number(CANCEL))
  }
  peer.request(5)
  expect(peer.resetCodes()).toEqual([[5, ErrorCode.REFUSED_STREAM]])
  peer.streams[0]!.stream.settled()
  peer.request(7)
  expect(peer.streams).toHaveLength(3)
})

it('CVE-2024-27316, CONTINUATION flood', () => {
  const peer = new Peer()
  peer.send(FrameType.HEADERS, 0, 1, encodeFields(REQUEST))
  const part = encodeFields([['x', 'y'.repeat(8_000)]])
  expect(until(peer, 100, () => peer.send(FrameType.CONTINUATION, 0, 1, part))).toBeLessThan(10)
  expect(peer.goAwayCode()).toBe(ENHANCE_YOUR_CALM)
})

it('CVE-2016-6581, HPACK bomb: many references to one large field', () => {
  const peer = new Peer()
  const large = Buffer.concat([Buffer.from('400178', 'hex'), Buffer.from([0x7f, 0x81, 0x1d]), Buffer.alloc(3_840, 65)])
  const block = Buffer.concat([encodeFields(REQUEST), large, Buffer.alloc(10_000, 0xbe)])
  peer.send(FrameType.HEADERS, WHOLE, 1, block)
  expect([peer.refused, peer.streams.length, peer.ended]).toEqual([1, 0, false])
  // The table is still in step.
  peer.send(FrameType.HEADERS, WHOLE, 3, Buffer.concat([encodeFields(REQUEST), Buffer.from([0xbe])]))
  expect(peer.streams[0]!.head.fields).toEqual([['x', 'A'.repeat(3_840)]])
})

it('CVE-2025-8671, MadeYouReset: frames that make the server reset', () => {
  const peer = new Peer()
  const act = (i: number) => {
    peer.request(2 * i + 1)
    peer.send(FrameType.WINDOW_UPDATE, 0, 2 * i + 1, number(0))
  }
  expect(until(peer, 50_000, act)).toBeLessThan(11_000)
  expect(peer.goAwayCode()).toBe(ENHANCE_YOUR_CALM)
})
