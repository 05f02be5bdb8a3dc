/** A connection of HTTP/2: what breaks its rules and what that costs, windows in both directions, and its end. */
import { describe, expect, it } from 'vitest'
import { ErrorCode, encodeFields, Flag, FrameType, frame, settings } from '../../../../codecs/http2/index.ts'
import { Peer, REQUEST } from './peer.ts'

const { PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, COMPRESSION_ERROR, NO_ERROR } = ErrorCode
const { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION } =
  FrameType
const OPEN = Flag.END_HEADERS
const WHOLE = Flag.END_HEADERS | Flag.END_STREAM
const NOTHING = Buffer.alloc(0)
const HEAD = encodeFields([[':status', '200']])
const TRAILERS = encodeFields([['grpc-status', '0']])

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

type Act = (peer: Peer) => void
const send =
  (type: number, flags: number, stream: number, payload: Buffer = NOTHING): Act =>
  peer =>
    peer.send(type, flags, stream, payload)
/** With stream 1 begun before, and 3 complete. */
const begun =
  (act: Act): Act =>
  peer => {
    peer.request(1, REQUEST, OPEN)
    peer.request(3)
    act(peer)
  }

describe('ends the connection', () => {
  it.each<[string, Act, number]>([
    ['DATA of no stream', send(DATA, 0, 0), PROTOCOL_ERROR],
    ['DATA of a stream that was not begun', send(DATA, 0, 5), PROTOCOL_ERROR],
    ['HEADERS of no stream', send(HEADERS, WHOLE, 0, encodeFields(REQUEST)), PROTOCOL_ERROR],
    ['HEADERS of a stream of the server', send(HEADERS, WHOLE, 2, encodeFields(REQUEST)), PROTOCOL_ERROR],
    ['HEADERS of a stream that has ended', begun(send(HEADERS, WHOLE, 3, encodeFields(REQUEST))), STREAM_CLOSED],
    ['HEADERS that cannot be decoded', send(HEADERS, WHOLE, 1, Buffer.from([0x80])), COMPRESSION_ERROR],
    ['HEADERS that depend on themselves', send(HEADERS, WHOLE | 0x20, 1, Buffer.from([0, 0, 0, 1, 0])), PROTOCOL_ERROR],
    ['HEADERS whose priority is cut off', send(HEADERS, WHOLE | 0x20, 1, Buffer.from([0])), FRAME_SIZE_ERROR],
    ['CONTINUATION of nothing', send(CONTINUATION, 0, 1), PROTOCOL_ERROR],
    ['a push', send(PUSH_PROMISE, 0, 1), PROTOCOL_ERROR],
    ['PRIORITY of no stream', send(PRIORITY, 0, 0, Buffer.alloc(5)), PROTOCOL_ERROR],
    ['PRIORITY of 4 bytes', send(PRIORITY, 0, 1, Buffer.alloc(4)), FRAME_SIZE_ERROR],
    ['RST_STREAM of no stream', send(RST_STREAM, 0, 0, number(8)), PROTOCOL_ERROR],
    ['RST_STREAM of a stream that was not begun', send(RST_STREAM, 0, 5, number(8)), PROTOCOL_ERROR],
    ['RST_STREAM of 3 bytes', begun(send(RST_STREAM, 0, 1, Buffer.alloc(3))), FRAME_SIZE_ERROR],
    ['SETTINGS of a stream', send(SETTINGS, 0, 1), PROTOCOL_ERROR],
    ['SETTINGS of 5 bytes', send(SETTINGS, 0, 0, Buffer.alloc(5)), FRAME_SIZE_ERROR],
    ['an acknowledgement with settings', send(SETTINGS, 1, 0, Buffer.alloc(6)), FRAME_SIZE_ERROR],
    ['PING of a stream', send(PING, 0, 1, Buffer.alloc(8)), PROTOCOL_ERROR],
    ['PING of 7 bytes', send(PING, 0, 0, Buffer.alloc(7)), FRAME_SIZE_ERROR],
    ['GOAWAY of a stream', send(GOAWAY, 0, 1, Buffer.alloc(8)), PROTOCOL_ERROR],
    ['GOAWAY of 7 bytes', send(GOAWAY, 0, 0, Buffer.alloc(7)), FRAME_SIZE_ERROR],
    ['WINDOW_UPDATE of 3 bytes', send(WINDOW_UPDATE, 0, 0, Buffer.alloc(3)), FRAME_SIZE_ERROR],
    ['WINDOW_UPDATE of nothing', send(WINDOW_UPDATE, 0, 0, number(0)), PROTOCOL_ERROR],
    ['WINDOW_UPDATE of a stream that was not begun', send(WINDOW_UPDATE, 0, 5, number(1)), PROTOCOL_ERROR],
    ['a window of 2^31', send(WINDOW_UPDATE, 0, 0, number(0x7fff_ffff)), FLOW_CONTROL_ERROR],
    [
      'SETTINGS that make the window of a stream too large',
      peer => {
        peer.request(1, REQUEST, OPEN)
        peer.send(WINDOW_UPDATE, 0, 1, number(0x7fff_ffff - 65_535))
        peer.raw(settings([[4, 65_536]]))
      },
      FLOW_CONTROL_ERROR,
    ],
    [
      'another frame within a block of fields',
      peer => {
        peer.send(HEADERS, 0, 1, encodeFields(REQUEST))
        peer.send(PING, 0, 0, Buffer.alloc(8))
      },
      PROTOCOL_ERROR,
    ],
    [
      'CONTINUATION of another stream',
      peer => {
        peer.send(HEADERS, 0, 1, encodeFields(REQUEST))
        peer.send(CONTINUATION, 4, 3)
      },
      PROTOCOL_ERROR,
    ],
  ])('%s', (_, act, code) => {
    const peer = new Peer()
    act(peer)
    expect(peer.goAwayCode()).toBe(code)
    expect(peer.ended).toBe(true)
    // Streams hear of it, and nothing more.
    const events = peer.streams.map(({ events }) => events.at(-1))
    expect(events.every(event => event === 'reset')).toBe(true)
    peer.request(99)
    expect(peer.streams).toHaveLength(events.length)
    expect(peer.bugs).toEqual([])
  })
})

describe('ends a stream alone', () => {
  const without = (name: string) => REQUEST.filter(([each]) => each !== name)
  it.each([
    ['no method', without(':method')],
    ['no scheme', without(':scheme')],
    ['no path', without(':path')],
    ['an empty path', [...without(':path'), [':path', ''] as const]],
    ['two methods', [...REQUEST, [':method', 'POST'] as const]],
    ['an unknown pseudo field', [...REQUEST, [':test', 'a'] as const]],
    ['a pseudo field of responses', [...REQUEST, [':status', '200'] as const]],
    ['a pseudo field behind others', [['a', 'b'] as const, ...REQUEST]],
    ['a name in upper case', [...REQUEST, ['A', 'b'] as const]],
    ['a name with a blank', [...REQUEST, ['a b', 'b'] as const]],
    ['a value with a line end', [...REQUEST, ['a', 'b\r\nc'] as const]],
    ['a field of HTTP/1', [...REQUEST, ['connection', 'keep-alive'] as const]],
    ['te other than trailers', [...REQUEST, ['te', 'gzip'] as const]],
    ['a length that is none', [...REQUEST, ['content-length', '-1'] as const]],
    ['a length without a body', [...REQUEST, ['content-length', '1'] as const]],
  ])('%s', (_, fields) => {
    const peer = new Peer()
    peer.request(1, fields)
    expect(peer.resetCodes()).toEqual([[1, PROTOCOL_ERROR]])
    expect(peer.streams).toEqual([])
    peer.request(3)
    expect(peer.streams).toHaveLength(1)
  })

  it.each<[string, Act, number]>([
    ['fields in the middle of a body', send(HEADERS, OPEN, 1, TRAILERS), PROTOCOL_ERROR],
    ['trailers with a pseudo field', send(HEADERS, WHOLE, 1, encodeFields(REQUEST)), PROTOCOL_ERROR],
    ['WINDOW_UPDATE of nothing', send(WINDOW_UPDATE, 0, 1, number(0)), PROTOCOL_ERROR],
    ['a window of 2^31', send(WINDOW_UPDATE, 0, 1, number(0x7fff_ffff)), FLOW_CONTROL_ERROR],
    ['a body that is longer than announced', send(DATA, 0, 1, Buffer.alloc(11)), PROTOCOL_ERROR],
    ['a body that is shorter than announced', send(DATA, 1, 1, Buffer.alloc(9)), PROTOCOL_ERROR],
  ])('%s', (_, act, code) => {
    const peer = new Peer()
    peer.request(1, [...REQUEST, ['content-length', '10']], OPEN)
    act(peer)
    expect(peer.resetCodes()).toEqual([[1, code]])
    expect(peer.streams[0]!.events.at(-1)).toBe('reset')
    expect(peer.ended).toBe(false)
  })
})

it('resets a stream that says more behind its end', () => {
  const peer = new Peer()
  peer.request(1)
  peer.send(DATA, 0, 1, Buffer.alloc(1))
  expect(peer.resetCodes()).toEqual([[1, STREAM_CLOSED]])
})

it('hands on a request: padding, priority and blocks in pieces are nobody’s concern', () => {
  const peer = new Peer()
  const block = encodeFields([...REQUEST, ['a', 'b']])
  const padded = Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 7]), block.subarray(0, 5), Buffer.alloc(2)])
  peer.send(HEADERS, Flag.PADDED | Flag.PRIORITY, 1, padded)
  peer.send(CONTINUATION, 0, 1, block.subarray(5, 9))
  peer.send(CONTINUATION, Flag.END_HEADERS, 1, block.subarray(9))
  peer.send(DATA, Flag.PADDED, 1, Buffer.from([1, 65, 66, 0]))
  peer.send(HEADERS, WHOLE, 1, encodeFields([['t', 'u']]))
  expect(peer.streams[0]).toMatchObject({ head: { path: '/a', fields: [['a', 'b']] }, events: ['data 2', 'end'] })
})

it('passes by what it does not know', () => {
  const peer = new Peer()
  peer.send(200, 0xff, 7, Buffer.alloc(3))
  peer.raw(settings([[99, 1]]))
  peer.request(1)
  expect(peer.streams).toHaveLength(1)
})

it('answers pings with what they say', () => {
  const peer = new Peer()
  peer.send(PING, 0, 0, Buffer.from('12345678'))
  expect(peer.take()).toMatchObject([{ type: PING, flags: Flag.ACK, payload: Buffer.from('12345678') }])
})

describe('what is sent', () => {
  it('is head, data and trailers in their order, whatever the windows', () => {
    const peer = new Peer()
    peer.raw(settings([[4, 10]]))
    const recorder = peer.request(1)
    const { stream } = recorder
    stream.respond(HEAD)
    expect(stream.send(Buffer.from('head '), Buffer.from('and the body'))).toBe(false)
    stream.end(TRAILERS)
    expect(peer.take().filter(({ stream }) => stream === 1)).toMatchObject([
      { type: HEADERS, flags: OPEN, payload: HEAD },
      { type: DATA, payload: Buffer.from('head and t') },
    ])
    peer.send(WINDOW_UPDATE, 0, 1, number(3))
    expect(peer.take()).toMatchObject([{ type: DATA, payload: Buffer.from('he ') }])
    // Settings change the windows of streams that are under way.
    peer.raw(settings([[4, 100]]))
    expect(peer.take().filter(({ type }) => type !== SETTINGS)).toMatchObject([
      { type: DATA, flags: 0, payload: Buffer.from('body') },
      { type: HEADERS, flags: WHOLE, payload: TRAILERS },
    ])
  })

  it('tells when all has left', () => {
    const peer = new Peer()
    peer.raw(settings([[4, 1]]))
    const recorder = peer.request(1, REQUEST, OPEN)
    recorder.stream.send(NOTHING, Buffer.alloc(2))
    expect(recorder.events).toEqual([])
    peer.send(WINDOW_UPDATE, 0, 1, number(1))
    expect(recorder.events).toEqual(['drained'])
  })

  it('keeps to a window that settings have made negative', () => {
    const peer = new Peer()
    peer.raw(settings([[4, 10]]))
    const { stream } = peer.request(1)
    stream.send(NOTHING, Buffer.alloc(10))
    peer.raw(settings([[4, 5]]))
    stream.send(NOTHING, Buffer.alloc(1))
    peer.take()
    peer.send(WINDOW_UPDATE, 0, 1, number(5))
    expect(peer.take()).toEqual([])
    peer.send(WINDOW_UPDATE, 0, 1, number(1))
    expect(peer.take()).toMatchObject([{ type: DATA }])
  })

  it('shares the window of the connection', () => {
    const peer = new Peer()
    peer.raw(settings([[4, 0x7fff_ffff]]))
    const bytes = (frames: ReturnType<Peer['take']>) =>
      frames.reduce((sum, { type, payload }) => sum + (type === DATA ? payload.length : 0), 0)
    for (const id of [1, 3]) peer.request(id).stream.send(NOTHING, Buffer.alloc(50_000))
    expect(bytes(peer.take())).toBe(65_535)
    peer.send(WINDOW_UPDATE, 0, 0, number(1_000))
    expect(bytes(peer.take())).toBe(1_000)
    peer.send(WINDOW_UPDATE, 0, 0, number(100_000))
    expect(bytes(peer.take())).toBe(100_000 - 66_535)
  })

  it('breaks long fields into frames', () => {
    const peer = new Peer()
    peer.request(1).stream.respondOnly(encodeFields([['a', 'b'.repeat(40_000)]]))
    expect(peer.take().map(({ type, flags }) => [type, flags])).toEqual([
      [HEADERS, Flag.END_STREAM],
      [CONTINUATION, 0],
      [CONTINUATION, Flag.END_HEADERS],
    ])
  })

  it('is nothing behind a reset', () => {
    const peer = new Peer()
    const { stream, events } = peer.request(1)
    peer.send(RST_STREAM, 0, 1, number(8))
    stream.send(NOTHING, Buffer.alloc(1))
    stream.end(TRAILERS)
    expect(peer.take()).toEqual([])
    expect(events).toEqual(['end', 'reset'])
  })
})

describe('credit', () => {
  const updates = (peer: Peer, of: number) =>
    peer
      .take()
      .filter(({ type, stream }) => type === WINDOW_UPDATE && stream === of)
      .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0)
  const chunk = Buffer.alloc(16_384)

  it('is given back as it is used', () => {
    const peer = new Peer()
    peer.request(1, REQUEST, OPEN)
    let given = 0
    for (let i = 0; i < 3_000; i++) {
      peer.send(DATA, 0, 1, chunk)
      given += updates(peer, 1)
    }
    expect(peer.ended).toBe(false)
    expect(given).toBeGreaterThan(3_000 * 16_384 - 256 * 1024)
  })

  it('is not given to a stream that pauses, and what it did not have ends it', () => {
    const peer = new Peer()
    const { stream, events } = peer.request(1, REQUEST, OPEN)
    stream.pause()
    for (let i = 0; i < 16; i++) peer.send(DATA, 0, 1, chunk)
    expect(updates(peer, 1)).toBe(0)
    stream.resume()
    expect(updates(peer, 1)).toBe(256 * 1024)
    stream.pause()
    for (let i = 0; i < 16; i++) peer.send(DATA, 0, 1, chunk)
    peer.send(DATA, 0, 1, Buffer.alloc(1))
    expect(peer.resetCodes()).toEqual([[1, FLOW_CONTROL_ERROR]])
    expect(events.at(-1)).toBe('reset')
  })

  it('of the connection comes back from streams that are over, and from late data', () => {
    const peer = new Peer()
    let given = 0
    for (let i = 0; i < 2_000; i++) {
      const id = 2 * i + 1
      const { stream } = peer.request(id, REQUEST, OPEN)
      stream.pause()
      peer.send(DATA, 0, id, chunk)
      stream.respondOnly(HEAD)
      // It was under way.
      peer.send(DATA, 0, id, chunk)
      given += updates(peer, 0)
    }
    expect(peer.ended).toBe(false)
    expect(given).toBeGreaterThan(4_000 * 16_384 - 16 * 1024 * 1024)
  })
})

it('takes as many streams as it says', () => {
  const peer = new Peer({ maxConcurrentStreams: 2 })
  for (const id of [1, 3, 5]) peer.request(id)
  expect(peer.resetCodes()).toEqual([[5, ErrorCode.REFUSED_STREAM]])
  peer.streams[0]!.stream.respondOnly(HEAD)
  peer.request(7)
  expect(peer.streams).toHaveLength(3)
})

it('an answer before the end of the request ends the request too', () => {
  const peer = new Peer()
  const { stream, events } = peer.request(1, REQUEST, OPEN)
  stream.respondOnly(HEAD)
  expect(peer.resetCodes()).toEqual([[1, NO_ERROR]])
  // The rest of it is under way.
  peer.send(DATA, 0, 1, Buffer.alloc(3))
  peer.send(HEADERS, WHOLE, 1, TRAILERS)
  expect(peer.resetCodes()).toEqual([])
  expect([events, peer.ended]).toEqual([[], false])
})

it('drains: what was begun before the peer heard of it is served to its end', () => {
  const peer = new Peer()
  const first = peer.request(1)
  peer.session.drain()
  const [goAway, ping] = peer.take()
  expect(goAway).toMatchObject({ type: GOAWAY, payload: Buffer.concat([number(0x7fff_ffff), number(0)]) })
  const late = peer.request(3)
  peer.raw(frame(PING, Flag.ACK, 0, ping!.payload))
  expect(peer.take()).toMatchObject([{ type: GOAWAY, payload: Buffer.concat([number(3), number(0)]) }])
  first.stream.respondOnly(HEAD)
  expect(peer.ended).toBe(false)
  late.stream.respondOnly(HEAD)
  expect(peer.ended).toBe(true)
})

it('an error of whoever serves a stream is a bug, and costs the connection', () => {
  const peer = new Peer()
  peer.request(1, REQUEST, OPEN).onData = () => {
    throw new Error('a bug')
  }
  peer.send(DATA, 0, 1, Buffer.alloc(1))
  expect(peer.goAwayCode()).toBe(ErrorCode.INTERNAL_ERROR)
  expect(peer.bugs).toMatchObject([{ message: 'a bug' }])
})

it.each([
  ['an acknowledgement', frame(SETTINGS, Flag.ACK, 0, NOTHING)],
  ['a ping', frame(PING, 0, 0, Buffer.alloc(8))],
])('begins with SETTINGS, not with %s', (_, first) => {
  const peer = new Peer({ greets: false })
  peer.raw(first)
  expect(peer.goAwayCode()).toBe(PROTOCOL_ERROR)
})
