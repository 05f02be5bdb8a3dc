/** One connection of an application: order, framing, deadlines and ends. */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { CreateBucketCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../../support/manual-clock.ts'
import { S3Rig, signedHead } from '../../support/s3-rig.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function embedded(clock?: ManualClock): Promise<S3Rig> {
  const rig = new S3Rig(clock)
  cleanups.push(() => rig.close())
  await rig.start()
  await rig.client().send(new CreateBucketCommand({ Bucket: 'bucket' }))
  await rig.client().send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: 'content' }))
  return rig
}

/** Before a service that answers as the test says. */
async function serving(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<S3Rig> {
  const server: Server = createServer((request, response) => {
    // Whether it is there is asked beside the requests of the test.
    if (request.url === '/') response.end()
    else answer(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const rig = new S3Rig()
  cleanups.push(
    () => server.close(),
    () => server.closeAllConnections(),
    () => rig.close(),
  )
  await rig.backend('b', { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  await rig.start()
  return rig
}

const get = (target = '/bucket/key', headers: Record<string, string> = {}, method = 'GET') =>
  signedHead({ method, target, headers, contentSha256: createHash('sha256').digest('hex') }).head
const putHead = (length: number, headers: Record<string, string> = {}, secret?: string) =>
  signedHead({
    method: 'PUT',
    target: '/bucket/new',
    headers: { 'content-length': String(length), ...headers },
    contentSha256: 'UNSIGNED-PAYLOAD',
    ...(secret !== undefined && { secret }),
  }).head
const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(match => Number(match[1]))

/** What the listener says on the connection, and when it says that or ends. */
function hear(socket: Socket) {
  const heard = {
    text: '',
    closed: new Promise<void>(resolve => socket.once('close', () => resolve())),
    until: (holds: (text: string) => boolean) =>
      new Promise<string>(resolve => {
        const look = () => holds(heard.text) && resolve(heard.text)
        socket.on('data', look)
        look()
      }),
  }
  socket.on('error', () => {})
  socket.on('data', chunk => (heard.text += chunk.toString('latin1')))
  return heard
}

describe('order', () => {
  test('pipelined requests are answered in order, also when their sender has said all', async () => {
    const rig = await embedded()
    const socket = rig.socket()
    const heard = hear(socket)
    socket.end(
      get('/bucket/missing') + get() + get('/bucket/key', { range: 'bytes=0-2' }) + get('/bucket/key', {}, 'HEAD'),
    )
    await heard.closed
    expect(statuses(heard.text)).toEqual([404, 200, 206, 200])
    expect(heard.text).toMatch(/\r\n\r\ncontentHTTP/)
    expect(heard.text).toMatch(/\r\n\r\nconHTTP/)
    expect(heard.text.endsWith('\r\n\r\n')).toBe(true)
  })

  test('more requests at once than are kept ahead are all answered', async () => {
    const rig = await embedded()
    const count = 400
    const text = await rig.raw([
      Buffer.from(get().repeat(count)),
      Buffer.from(get('/bucket/key', { connection: 'close' })),
    ])
    expect(statuses(text)).toHaveLength(count + 1)
  })

  test('answers without a body leave the connection in step', async () => {
    const rig = await embedded()
    const etag = `"${createHash('md5').update('content').digest('hex')}"`
    const requests = [
      get('/bucket/key', { 'if-none-match': etag }),
      get('/bucket/missing', {}, 'DELETE'),
      get('/bucket/key', {}, 'HEAD'),
      get('/bucket/key', { connection: 'close' }),
    ]
    const text = await rig.raw(requests.join(''))
    expect(statuses(text)).toEqual([304, 204, 200, 200])
    expect(text.endsWith('\r\n\r\ncontent')).toBe(true)
  })

  test('HTTP/1.0 ends with its answer unless it asks otherwise', async () => {
    const rig = await embedded()
    const old = (headers: Record<string, string> = {}) => get('/bucket/key', headers).replace('HTTP/1.1', 'HTTP/1.0')
    expect(statuses(await rig.raw(old()))).toEqual([200])
    expect(statuses(await rig.raw(old({ connection: 'keep-alive' }) + old()))).toEqual([200, 200])
  })

  test('what is no HTTP is answered 400, once, and ends the connection', async () => {
    const rig = await embedded()
    for (const bytes of [
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      'GET /\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      `GET / HTTP/1.1\r\nhost: a\r\na: ${'b'.repeat(70_000)}`,
    ]) {
      const text = await rig.raw(Buffer.from(bytes + '\r\n'.repeat(3), 'latin1'))
      expect(statuses(text)).toEqual([400])
    }
  })
})

describe('bodies that are not read', () => {
  test('100 Continue comes behind the signature, and not without it', async () => {
    const rig = await embedded()
    const good = await rig.raw(`${putHead(3, { expect: '100-continue', connection: 'close' })}abc`)
    expect(statuses(good)).toEqual([100, 200])
    const bad = await rig.raw(putHead(3, { expect: '100-continue' }, 'wrong'))
    expect(statuses(bad)).toEqual([403])
    expect(bad).toMatch(/connection: close/i)
  })

  test('behind a refused request its small body is skipped, and the next request answered', async () => {
    const rig = await embedded()
    const body = Buffer.from(get()).toString().slice(0, 100)
    const text = await rig.raw(putHead(body.length, {}, 'wrong') + body + get('/bucket/key', { connection: 'close' }))
    expect(statuses(text)).toEqual([403, 200])
  })

  test('a large one ends the connection, once its sender could read why', async () => {
    const rig = await embedded()
    const socket = rig.socket()
    const heard = hear(socket)
    socket.write(putHead(1024 ** 3, {}, 'wrong'))
    socket.write(Buffer.alloc(4 * 1024 * 1024))
    await heard.until(text => text.includes('</Error>'))
    expect(heard.text).toMatch(/connection: close/i)
    socket.end()
    await heard.closed
    expect(statuses(heard.text)).toEqual([403])
  })

  test('broken chunks behind an answer end the connection', async () => {
    const rig = await embedded()
    const head = signedHead({
      method: 'PUT',
      target: '/bucket/new',
      secret: 'wrong',
      contentSha256: 'UNSIGNED-PAYLOAD',
      headers: { 'transfer-encoding': 'chunked' },
    }).head
    expect(statuses(await rig.raw(`${head}zz\r\n`))).toEqual([403])
  })
})

describe('deadlines', () => {
  test('of a head', async () => {
    const clock = new ManualClock()
    const rig = await embedded(clock)
    const socket = rig.socket()
    const heard = hear(socket)
    await once(socket, 'connect')
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\nx: ')
    // Another connection is served behind it: the beginning of this one has been read.
    await rig.raw(get('/bucket/key', { connection: 'close' }))
    for (let second = 0; second < 12; second++) {
      clock.advance(1000)
      socket.write('y')
    }
    await heard.closed
    expect(heard.text).toBe('')
  })

  test('of a body that is waited for, and of one that is not', async () => {
    const clock = new ManualClock()
    const rig = await embedded(clock)
    const waited = rig.socket()
    const heard = hear(waited)
    waited.write(putHead(10, { expect: '100-continue' }))
    await heard.until(text => text.includes('100 Continue'))
    const refused = rig.socket()
    const told = hear(refused)
    refused.write(putHead(10, {}, 'wrong'))
    await told.until(text => text.includes('</Error>'))
    clock.advance(62_000)
    await heard.until(text => text.includes('</Error>'))
    expect(heard.text).toContain('<Code>RequestTimeout</Code>')
    await told.closed
    expect(statuses(told.text)).toEqual([403])
  })

  test('of a connection without a request', async () => {
    const clock = new ManualClock()
    const rig = await embedded(clock)
    const socket = rig.socket()
    const heard = hear(socket)
    socket.write(get())
    await heard.until(text => text.endsWith('content'))
    let isClosed = false
    void heard.closed.then(() => (isClosed = true))
    // What was heard may be known here before the listener knows that it has left.
    while (!isClosed) {
      clock.advance(76_000)
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(statuses(heard.text)).toEqual([200])
  })
})

describe('before a service', () => {
  test('who reads slowly holds the service back, and who leaves sets it free', async () => {
    let sent = 0
    let isFree = (): void => {}
    const free = new Promise<void>(resolve => (isFree = resolve))
    let isFull = (): void => {}
    const full = new Promise<void>(resolve => (isFull = resolve))
    const rig = await serving((_request, response) => {
      const piece = Buffer.alloc(256 * 1024)
      response.writeHead(200, { 'content-length': String(1024 ** 3) })
      const more = () => {
        while (response.write(piece)) sent += piece.length
        // Nothing has drained in many turns of the loop: it is held back.
        let turns = 0
        const wait = () => (turns++ > 2000 ? isFull() : setImmediate(wait))
        response.once('drain', () => {
          turns = Number.NEGATIVE_INFINITY
          more()
        })
        wait()
      }
      more()
      response.on('close', isFree)
    })
    const socket = rig.socket()
    socket.on('error', () => {})
    socket.pause()
    socket.write(get())
    await full
    expect(sent).toBeLessThan(64 * 1024 * 1024)
    socket.destroy()
    await free
  })

  test.each(['with a length', 'in chunks'])(
    'a service that dies within an answer %s never makes it look whole',
    async kind => {
      const rig = await serving((_request, response) => {
        if (kind === 'with a length') response.setHeader('content-length', '100')
        response.write('some of it', () => response.destroy())
      })
      const text = await rig.raw(get())
      expect(statuses(text)).toEqual([200])
      expect(text.endsWith('0\r\n\r\n')).toBe(false)
      expect(text).not.toMatch(/content-length: 10\r/i)
    },
  )

  test('a service that dies within an upload is told of as an error', async () => {
    const rig = await serving(request => request.once('data', () => request.destroy()))
    const answer = await rig.raw([Buffer.from(putHead(200_000, { connection: 'close' })), Buffer.alloc(200_000)])
    expect(statuses(answer)[0]).toBeGreaterThanOrEqual(500)
  })

  test('who leaves within an upload takes it back', async () => {
    let cut: (aborted: boolean) => void = () => {}
    const aborted = new Promise<boolean>(resolve => (cut = resolve))
    let begun = (): void => {}
    const began = new Promise<void>(resolve => (begun = resolve))
    const rig = await serving(request => {
      request.once('data', begun)
      request.on('error', () => {})
      request.on('close', () => cut(!request.complete))
    })
    const socket = rig.socket()
    socket.on('error', () => {})
    socket.write(putHead(200_000))
    socket.write(Buffer.alloc(100_000))
    await began
    socket.destroy()
    expect(await aborted).toBe(true)
  })

  test('a redirect of the service leads nobody away from here', async () => {
    const rig = await serving((_request, response) => {
      response.writeHead(307, { location: 'http://elsewhere.example/', 'x-amz-bucket-region': 'there' })
      response.end('<Error><Code>TemporaryRedirect</Code><Endpoint>elsewhere.example</Endpoint></Error>')
    })
    const text = await rig.raw(get('/bucket/key', { connection: 'close' }))
    expect(statuses(text)).toEqual([307])
    expect(text).not.toContain('elsewhere')
    expect(text).toContain('<Endpoint>localhost</Endpoint>')
  })
})

describe('drain', () => {
  test('ends idle connections and lets the request under way finish', async () => {
    let finish: ServerResponse | undefined
    let arrived = (): void => {}
    const arrival = new Promise<void>(resolve => (arrived = resolve))
    const rig = await serving((request, response) => {
      if (request.url === '/bucket/key') response.end('done')
      else {
        finish = response
        arrived()
      }
    })
    const idle = rig.socket()
    const heardIdle = hear(idle)
    idle.write(get())
    await heardIdle.until(text => text.endsWith('done'))
    const busy = rig.socket()
    const heardBusy = hear(busy)
    busy.write(get('/bucket/slow'))
    await arrival
    const drained = rig.listener.drain(60_000)
    idle.once('end', () => idle.end())
    await heardIdle.closed
    finish!.end('late')
    await heardBusy.until(text => text.endsWith('late'))
    expect(heardBusy.text).toMatch(/connection: close/i)
    busy.end()
    await drained
  })

  test('does not cut an answer that is still being read', async () => {
    const length = 8 * 1024 * 1024
    const rig = await serving((_request, response) => response.end(Buffer.alloc(length)))
    const socket = rig.socket()
    let received = 0
    socket.write(get())
    await once(socket, 'readable')
    const drained = rig.listener.drain(60_000)
    socket.on('data', chunk => (received += chunk.length))
    socket.once('end', () => socket.end())
    await once(socket, 'close')
    expect(received).toBeGreaterThan(length)
    await drained
  })
})

test('an upload that is not whole when its sender has said all is refused, and not stored', async () => {
  const rig = await embedded()
  const socket = rig.socket()
  const heard = hear(socket)
  socket.end(`${putHead(10)}half`)
  await heard.closed
  expect(heard.text).toContain('<Code>IncompleteBody</Code>')
  await expect(rig.client().send(new HeadObjectCommand({ Bucket: 'bucket', Key: 'new' }))).rejects.toMatchObject({
    name: 'NotFound',
  })
})
