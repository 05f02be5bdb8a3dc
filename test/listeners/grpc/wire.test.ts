/** gRPC on the wire: what stands in frames, fields and trailers, as Node's HTTP/2 client and grpc-js see it. */
import { once } from 'node:events'
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { deflateSync, gzipSync } from 'node:zlib'
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CallFailure } from '../../../listeners/grpc/errors.ts'
import type { Bidirectional, Call, Incoming, Method, Outgoing } from '../../../listeners/grpc/rpc.ts'
import { GrpcServer } from '../../../listeners/grpc/server.ts'
import { Sessions } from '../../../listeners/grpc/sessions.ts'
import { status } from '../../../listeners/grpc/status.ts'
import { systemClock } from '../../../src/protocol.ts'

/** Messages as they are: this is about what is around them. */
const AS_IT_IS = {
  encode: (message: object) => message as Buffer,
  decode: (bytes: Buffer) => {
    if (bytes.equals(Buffer.from('unreadable'))) throw new Error('unreadable')
    return bytes
  },
}

const MAX = 100_000
let answered: (readonly [path: string, code: number])[] = []
let bugs: unknown[] = []
/** Settled when a call of `Wait` was aborted. */
let aborted: Promise<void>
let abort: () => void

const METHODS: Readonly<Record<string, readonly [method: Method, requestStream: boolean, responseStream: boolean]>> = {
  Echo: [(bytes: Buffer) => bytes, false, false],
  Later: [async (bytes: Buffer) => bytes, false, false],
  Fail: [
    async () => {
      throw new CallFailure({
        code: status.NOT_FOUND,
        details: 'ein Öl 100 %\n',
        metadata: [
          ['a-bin', Buffer.from([0, 255, 1])],
          ['b', 'text'],
        ],
      })
    },
    false,
    false,
  ],
  Bug: [
    () => {
      throw new TypeError('a bug')
    },
    false,
    false,
  ],
  Metadata: [(_: Buffer, { metadata }: Call) => Buffer.from(JSON.stringify(metadata)), false, false],
  Wait: [
    (_: Buffer, { signal }: Call) =>
      new Promise<object>(resolve => {
        signal.addEventListener('abort', () => {
          abort()
          resolve(Buffer.alloc(0))
        })
      }),
    false,
    false,
  ],
  Count: [
    (bytes: Buffer, out: Outgoing) => {
      for (let i = 0; i < Number(bytes); i++) out.write(Buffer.from(String(i)))
      out.end()
    },
    false,
    true,
  ],
  Flood: [
    (_: Buffer, out: Outgoing) => {
      for (let i = 0; i < 20_000; i++) out.write(Buffer.alloc(1_000))
    },
    false,
    true,
  ],
  Both: [
    ((incoming: Incoming<Buffer>, out: Outgoing) => {
      incoming.onMessage(bytes => out.write(bytes))
      incoming.onEnd(() => out.end())
    }) as Bidirectional,
    true,
    true,
  ],
  /** Takes one message after the other, with a pause behind each. */
  Slow: [
    ((incoming: Incoming<Buffer>, out: Outgoing) => {
      let bytes = 0
      incoming.onMessage(message => {
        bytes += message.length
        incoming.pause()
        setImmediate(() => incoming.resume())
      })
      incoming.onEnd(() => {
        out.write(Buffer.from(String(bytes)))
        out.end()
      })
    }) as Bidirectional,
    true,
    true,
  ],
}

let sessions: Sessions
let listening: Server
let client: ClientHttp2Session
let stock: Client

beforeEach(async () => {
  answered = []
  bugs = []
  aborted = new Promise(resolve => {
    abort = resolve
  })
  const shapes = Object.fromEntries(
    Object.entries(METHODS).map(([name, [, requestStream, responseStream]]) => [
      name,
      { path: `/t.T/${name}`, requestStream, responseStream, request: AS_IT_IS, response: AS_IT_IS },
    ]),
  )
  const methods = Object.fromEntries(Object.entries(METHODS).map(([name, [method]]) => [name, method]))
  const server = new GrpcServer(
    [{ name: 't.T', methods, shapes }],
    { metric: '/unknown', open: () => expect.fail('every method is known') },
    {
      refusal: token => (token === 'wrong' ? 'the token is wrong' : undefined),
      answered: (path, code) => void answered.push([path, code]),
      bug: (_, error) => void bugs.push(error),
      now: () => systemClock.now(),
      after: (ms, callback) => systemClock.after(ms, callback),
    },
    { maxMessageBytes: MAX, maxConcurrentStreams: 100 },
  )
  sessions = new Sessions()
  listening = createServer({ pauseOnConnect: true, allowHalfOpen: true }, socket =>
    sessions.open({ socket, pristine: true, source: () => undefined, destination: () => undefined }, server, 5_000),
  ).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const { port } = listening.address() as AddressInfo
  client = connect(`http://127.0.0.1:${port}`)
  client.on('error', () => {})
  stock = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
})

afterEach(() => {
  client.destroy()
  stock.close()
  listening.close()
})

function framed(message: Buffer | string, compressed = 0): Buffer {
  const bytes = Buffer.from(message)
  const prefix = Buffer.from([compressed, 0, 0, 0, 0])
  prefix.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([prefix, bytes])
}

interface Answer {
  readonly headers: IncomingHttpHeaders
  /** Undefined where all stood in the head. */
  readonly trailers: IncomingHttpHeaders | undefined
  readonly body: string
  readonly code: number
}

async function ask(method: string, body: Buffer, headers: object = {}): Promise<Answer> {
  const stream = client.request({
    ':method': 'POST',
    ':path': `/t.T/${method}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  stream.on('error', () => {})
  stream.end(body)
  const parts: Buffer[] = []
  let trailers: IncomingHttpHeaders | undefined
  stream.on('trailers', fields => {
    trailers = fields
  })
  stream.on('data', part => parts.push(part))
  const [head] = await once(stream, 'response')
  if (!stream.closed) await once(stream, 'close')
  const code = Number((trailers ?? head)['grpc-status'])
  return { headers: head, trailers, body: Buffer.concat(parts).toString('latin1'), code }
}

it('an answer is a head, a message and trailers', async () => {
  for (const method of ['Echo', 'Later']) {
    const { headers, trailers, body } = await ask(method, framed('hello'))
    expect(headers).toMatchObject({
      ':status': 200,
      'content-type': 'application/grpc+proto',
      'grpc-accept-encoding': 'identity,deflate,gzip',
    })
    expect(trailers).toMatchObject({ 'grpc-status': '0' })
    expect(body).toBe('\0\0\0\0\x05hello')
  }
  expect(answered).toEqual([
    ['/t.T/Echo', 0],
    ['/t.T/Later', 0],
  ])
})

it('an error is a head alone, its text encoded, bytes in base64', async () => {
  const { headers, trailers } = await ask('Fail', framed(''))
  expect(trailers).toBeUndefined()
  expect(headers).toMatchObject({
    ':status': 200,
    'grpc-status': '5',
    'grpc-message': 'ein %C3%96l 100 %25%0A',
    'a-bin': 'AP8B',
    b: 'text',
  })
  const error = await new Promise<ServiceError | null>(resolve =>
    stock.makeUnaryRequest(
      '/t.T/Fail',
      (bytes: Buffer) => bytes,
      bytes => bytes,
      Buffer.alloc(0),
      resolve,
    ),
  )
  expect(error).toMatchObject({ code: status.NOT_FOUND, details: 'ein Öl 100 %\n' })
  expect(error!.metadata.get('a-bin')).toEqual([Buffer.from([0, 255, 1])])
})

it('a bug is told to us alone', async () => {
  expect(await ask('Bug', framed(''))).toMatchObject({ code: status.INTERNAL })
  expect(bugs).toMatchObject([{ message: 'a bug' }])
})

it('metadata comes as it was sent: repeated, and as bytes', async () => {
  const metadata = new Metadata()
  metadata.add('a', '1')
  metadata.add('a', '2')
  metadata.add('b-bin', Buffer.from([0, 255]))
  const answer = await new Promise<Buffer>((resolve, reject) =>
    stock.makeUnaryRequest(
      '/t.T/Metadata',
      (bytes: Buffer) => bytes,
      bytes => bytes,
      Buffer.alloc(0),
      metadata,
      (error, value) => (error ? reject(error) : resolve(value!)),
    ),
  )
  const seen = (JSON.parse(answer.toString()) as [string, unknown][]).filter(([name]) => /^(a|b-bin)$/.test(name))
  const [first, ...rest] = seen
  expect([first, ...rest]).toEqual([
    ['a', '1'],
    ['a', '2'],
    ['b-bin', { type: 'Buffer', data: [0, 255] }],
  ])
})

describe('compression', () => {
  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ])('%s', async (encoding, compress) => {
    const text = 'a'.repeat(1_000)
    const { body } = await ask('Echo', framed(compress(text), 1), { 'grpc-encoding': encoding })
    expect(body.slice(5)).toBe(text)
  })

  it('is for each message to choose', async () => {
    const { body } = await ask('Echo', framed('plain'), { 'grpc-encoding': 'gzip' })
    expect(body.slice(5)).toBe('plain')
  })

  it('by grpc-js', async () => {
    const { port } = listening.address() as AddressInfo
    const options = { 'grpc.default_compression_algorithm': 2 }
    const compressing = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options)
    const answer = await new Promise<Buffer>((resolve, reject) =>
      compressing.makeUnaryRequest(
        '/t.T/Echo',
        (bytes: Buffer) => bytes,
        bytes => bytes,
        Buffer.alloc(2_000, 'a'),
        (error, value) => (error ? reject(error) : resolve(value!)),
      ),
    )
    compressing.close()
    expect(answer).toEqual(Buffer.alloc(2_000, 'a'))
  })

  it.each([
    ['of a kind that is not known', framed('a'), { 'grpc-encoding': 'br' }, status.UNIMPLEMENTED],
    ['that was not announced', framed(gzipSync('a'), 1), {}, status.INTERNAL],
    ['that is none', framed('no gzip', 1), { 'grpc-encoding': 'gzip' }, status.INTERNAL],
    ['by another flag', framed(gzipSync('a'), 2), { 'grpc-encoding': 'gzip' }, status.INTERNAL],
    [
      'of what is too large',
      framed(gzipSync(Buffer.alloc(MAX + 1)), 1),
      { 'grpc-encoding': 'gzip' },
      status.RESOURCE_EXHAUSTED,
    ],
  ])('%s', async (_, body, headers, code) => {
    const answer = await ask('Echo', body, headers)
    expect(answer.code).toBe(code)
    expect(answer.headers['grpc-accept-encoding']).toBe('identity,deflate,gzip')
  })
})

describe('messages', () => {
  it('may be as large as is allowed', async () => {
    const { body, code } = await ask('Echo', framed(Buffer.alloc(MAX, 'x')))
    expect([code, body.length]).toEqual([0, MAX + 5])
  })

  it.each([
    ['too large', 'Echo', framed(Buffer.alloc(MAX + 1)), status.RESOURCE_EXHAUSTED],
    ['too large, of a stream', 'Both', framed(Buffer.alloc(MAX + 1)), status.RESOURCE_EXHAUSTED],
    ['more than one', 'Echo', Buffer.concat([framed('a'), framed('b')]), status.INTERNAL],
    ['more than one, of a stream of answers', 'Count', Buffer.concat([framed('1'), framed('2')]), status.INTERNAL],
    ['none', 'Echo', Buffer.alloc(0), status.INTERNAL],
    ['none, of a stream of answers', 'Count', Buffer.alloc(0), status.INTERNAL],
    ['cut off', 'Echo', framed('abc').subarray(0, 7), status.INTERNAL],
    ['cut off in its prefix', 'Echo', framed('abc').subarray(0, 3), status.INTERNAL],
    ['cut off, of a stream', 'Both', framed('abc').subarray(0, 7), status.INTERNAL],
    ['unreadable', 'Echo', framed('unreadable'), status.INTERNAL],
    ['unreadable, of a stream', 'Both', framed('unreadable'), status.INTERNAL],
  ])('%s', async (_, method, body, code) => {
    expect((await ask(method, body)).code).toBe(code)
    expect(bugs).toEqual([])
    expect(answered).toEqual([[`/t.T/${method}`, code]])
    // The connection goes on.
    expect((await ask('Echo', framed('a'))).code).toBe(0)
  })

  it('come however they are cut', async () => {
    const stream = client.request({ ':method': 'POST', ':path': '/t.T/Both', 'content-type': 'application/grpc' })
    const bytes = Buffer.concat(['a', '', 'bcd', 'e'.repeat(300)].map(each => framed(each)))
    const parts: Buffer[] = []
    stream.on('data', part => parts.push(part))
    for (const byte of bytes) {
      stream.write(Buffer.from([byte]))
      await new Promise(setImmediate)
    }
    stream.end()
    await once(stream, 'close')
    expect(Buffer.concat(parts)).toEqual(bytes)
  })
})

it('streams: many answers, and a method that pauses its caller', async () => {
  const { body, code } = await ask('Count', framed('2000'))
  const expected = Buffer.concat(Array.from({ length: 2_000 }, (_, i) => framed(String(i))))
  expect([code, body]).toEqual([0, expected.toString('latin1')])

  // More than the credit of a stream.
  const many = Buffer.concat(Array.from({ length: 50 }, () => framed(Buffer.alloc(20_000))))
  expect((await ask('Slow', many)).body.slice(5)).toBe('1000000')
})

it('a caller that does not read is cut off at a limit', async () => {
  const stream = client.request({ ':method': 'POST', ':path': '/t.T/Flood', 'content-type': 'application/grpc' })
  stream.end(framed(''))
  const trailers = once(stream, 'trailers')
  await once(stream, 'response')
  await expect.poll(() => answered).toEqual([['/t.T/Flood', status.RESOURCE_EXHAUSTED]])
  stream.resume()
  expect((await trailers)[0]).toMatchObject({ 'grpc-status': '8' })
})

describe('a call ends early', () => {
  it.each(['50m', '50000u', '50000000n'])('by its deadline of %s', async timeout => {
    expect((await ask('Wait', framed(''), { 'grpc-timeout': timeout })).code).toBe(status.DEADLINE_EXCEEDED)
    await aborted
    expect(answered).toEqual([['/t.T/Wait', status.DEADLINE_EXCEEDED]])
  })

  it.each(['1H', '1M', '9S', 'soon'])('not by one of %s', async timeout => {
    expect((await ask('Echo', framed(''), { 'grpc-timeout': timeout })).code).toBe(0)
  })

  it('by its caller', async () => {
    const stream = client.request({ ':method': 'POST', ':path': '/t.T/Wait', 'content-type': 'application/grpc' })
    stream.on('error', () => {})
    stream.end(framed(''))
    // The server has it when it has answered a later one.
    await ask('Echo', framed(''))
    stream.close(constants.NGHTTP2_CANCEL)
    await aborted
    expect(answered).toContainEqual(['/t.T/Wait', status.CANCELLED])
  })

  it('with its connection', async () => {
    const stream = client.request({ ':method': 'POST', ':path': '/t.T/Wait', 'content-type': 'application/grpc' })
    stream.on('error', () => {})
    stream.end(framed(''))
    await ask('Echo', framed(''))
    client.destroy()
    await aborted
  })
})

it.each([
  ['another method of HTTP', { ':method': 'PUT' }, 405],
  ['another type', { 'content-type': 'application/json' }, 415],
  ['too many fields', Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`a${i}`, 'b'])), 431],
])('what is no call has an answer of HTTP: %s', async (_, headers, code) => {
  const { headers: head, body } = await ask('Echo', framed(''), headers)
  expect(head[':status']).toBe(code)
  expect(body).toContain('gRPC')
})

it('a caller with the wrong token is refused before it has said all', async () => {
  const stream = client.request({
    ...{ ':method': 'POST', ':path': '/t.T/Both', 'content-type': 'application/grpc' },
    'dapr-api-token': 'wrong',
  })
  stream.on('error', () => {})
  expect((await once(stream, 'response'))[0]).toMatchObject({ 'grpc-status': '16' })
  expect(answered).toEqual([['/t.T/Both', status.UNAUTHENTICATED]])
})

it('drains: a call under way is answered, and the connection closed behind it', async () => {
  const stream = client.request({ ':method': 'POST', ':path': '/t.T/Both', 'content-type': 'application/grpc' })
  const parts: Buffer[] = []
  stream.on('data', part => parts.push(part))
  stream.write(framed('a'))
  await once(stream, 'response')
  const gone = once(client, 'goaway')
  const closed = once(client, 'close')
  sessions.drain()
  await gone
  stream.end(framed('b'))
  await closed
  expect(Buffer.concat(parts)).toEqual(Buffer.concat([framed('a'), framed('b')]))
})
